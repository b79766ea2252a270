/** A number with four significant digits at most and no needless zeros, as one writes it in a sum. */
export function brief(value) {
  if (!Number.isFinite(value)) {
    return "too large";
  }
  const isFar = value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e5);
  const text = isFar ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "\u2212").replace("e+", "e");
}
