// Colors of numbers, here alone: blue below zero, the page's own paper at zero, orange above. A digit is ink on paper, a
// photograph is never recolored. The style sheet colors.css names them, so that light and dark are decided in one place.

const STOPS = ["--tracer-low", "--tracer-below", "--tracer-paper", "--tracer-above", "--tracer-high"];
const HALF = 255;

/** Read the palette of an element: lookup tables of pixels, `signed` for -1 to 1, `ink` and `photo` for 0 to 1. */
export function readPalette(element) {
  const style = getComputedStyle(element);
  const color = (name) => {
    const digits = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((start) => parseInt(digits.slice(start, start + 2), 16));
  };
  return {
    signed: table(STOPS.map(color), 2 * HALF + 1),
    ink: table(["--tracer-paper", "--tracer-ink"].map(color), 2 * HALF + 1),
    photo: PHOTO,
    missing: pixel(color("--tracer-missing")),
  };
}

/** The pixel of a number: `share` is the number divided by the largest size on the same scale. */
export function pixelOfShare(palette, share) {
  return share === share ? palette.signed[Math.round(HALF * (1 + Math.max(-1, Math.min(1, share))))] : palette.missing;
}

/** The pixel of a brightness between 0 and 1 on a table, `ink` or `photo`. */
export function pixelOfBrightness(colors, brightness) {
  return colors[Math.round(2 * HALF * Math.max(0, Math.min(1, brightness)))];
}

/** A pixel as a color for a style sheet, and black or white, whichever reads better on it. */
export function styleOfPixel(bytes) {
  const parts = [...new Uint8ClampedArray(Uint32Array.of(bytes).buffer)].slice(0, 3);
  const [red, green, blue] = parts.map((part) => (part / 255) ** 2.2);
  const isBright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18;
  return { background: `rgb(${parts.join(" ")})`, ink: isBright ? "#000" : "#fff" };
}

/** Call back whenever the page turns light or dark, by the reader's system or by the site's own switch. */
export function watchTheme(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
  new MutationObserver(callback).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
}

const PHOTO = table(
  [
    [0, 0, 0],
    [255, 255, 255],
  ],
  2 * HALF + 1,
);

function table(stops, count) {
  return Uint32Array.from({ length: count }, (_, place) => {
    const along = (place / (count - 1)) * (stops.length - 1);
    const first = Math.min(Math.floor(along), stops.length - 2);
    return pixel(stops[first].map((from, part) => from + (along - first) * (stops[first + 1][part] - from)));
  });
}

/** Red, green and blue as the bytes of one pixel of a canvas. */
function pixel(parts) {
  return new Uint32Array(Uint8ClampedArray.from([...parts, 255]).buffer)[0];
}
