// The color scales of glassbox.plots, as functions from [0, 1] or [-1, 1] to red, green and blue.

const VIRIDIS = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"];
const RED_BLUE = ["053061", "2166ac", "4393c3", "92c5de", "f7f7f7", "f4a582", "d6604d", "b2182b", "67001f"];

function between(stops, share) {
  const place = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const channel = (stop, k) => parseInt(stop.slice(2 * k, 2 * k + 2), 16);
  return [0, 1, 2].map((k) => {
    const [from, to] = [channel(stops[low], k), channel(stops[low + 1], k)];
    return Math.round(from + (place - low) * (to - from));
  });
}

/** How values of each kind are colored, given the value at the end of the scale. */
export const COLOR_SCALES = {
  photo: (value, limit) => Array(3).fill(Math.round(255 * Math.max(0, Math.min(1, value / limit)))),
  positive: (value, limit) => between(VIRIDIS, value / limit),
  signed: (value, limit) => between(RED_BLUE, (1 + value / limit) / 2),
};

/** Black or white, whichever reads better on a color. */
export function inkOn([red, green, blue]) {
  const linear = [red, green, blue].map((part) => (part / 255) ** 2.2);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18 ? "#000" : "#fff";
}
