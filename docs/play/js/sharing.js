// A drawing as text for an address: one byte for each pixel, runs of paper as 0 and their length, then base64 for URLs.

/** Pack numbers from 0 to 1. */
export function packed(pixels) {
  const bytes = [];
  for (let place = 0; place < pixels.length; place += 1) {
    const byte = Math.round(255 * pixels[place]);
    if (byte > 0) {
      bytes.push(byte);
    } else if (bytes.at(-2) === 0 && bytes.at(-1) < 255) {
      bytes[bytes.length - 1] += 1;
    } else {
      bytes.push(0, 1);
    }
  }
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Unpack so many numbers; null where the text is none of `packed`. */
export function unpacked(text, count) {
  if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) {
    return null;
  }
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const pixels = [];
  for (let place = 0; place < bytes.length; place += 1) {
    const byte = bytes.charCodeAt(place);
    if (byte === 0) {
      place += 1;
      pixels.push(...new Array(bytes.charCodeAt(place) || 0).fill(0));
    } else {
      pixels.push(byte / 255);
    }
  }
  return pixels.length === count ? Float64Array.from(pixels) : null;
}
