// Colors of numbers: blue below zero, neutral at zero, orange above, told apart by color-blind readers.
// The style sheet names them, so that light and dark are decided in one place.

const STOPS = ["--tracer-low", "--tracer-below", "--tracer-zero", "--tracer-above", "--tracer-high"];
const HALF = 255;

/** Read the palette of an element: lookup tables of pixels, `signed` for -1 to 1 and `ink` for 0 to 1. */
export function readPalette(element) {
  const style = getComputedStyle(element);
  const color = (name) =>
    [1, 3, 5].map((start) =>
      parseInt(
        style
          .getPropertyValue(name)
          .trim()
          .slice(start, start + 2),
        16,
      ),
    );
  return {
    signed: table(STOPS.map(color), 2 * HALF + 1),
    ink: table(["--tracer-paper", "--tracer-ink"].map(color), 2 * HALF + 1),
    missing: pixel(color("--tracer-missing")),
  };
}

/** The pixel of a number: `share` is the number divided by the largest size on the same scale. */
export function pixelOfShare(palette, share) {
  return share === share ? palette.signed[Math.round(HALF * (1 + Math.max(-1, Math.min(1, share))))] : palette.missing;
}

/** The pixel of a brightness between 0, paper, and 1, ink. */
export function pixelOfInk(palette, brightness) {
  return palette.ink[Math.round(2 * HALF * Math.max(0, Math.min(1, brightness)))];
}

/** Call back whenever the page turns light or dark, by the reader's system or by the site's own switch. */
export function watchTheme(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
  new MutationObserver(callback).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
}

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
