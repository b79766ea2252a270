// A drawing made ready for the network as the digits of MNIST were: its ink scaled into 20x20, the aspect kept, and
// placed in 28x28 so that its center of mass is at the middle.

export const SIDE = 28; // of the image
export const BOX = 20; // of the ink in it
const INK = 0.08; // what is fainter does not count as ink

/**
 * Scale and center ink. `ink` has `width` x `height` numbers from 0, paper, to 1, row by row. Returns 784 numbers, each
 * a multiple of 1/255 as in MNIST; all zero where there is no ink. `scale`, new pixels for an old one, is as the box asks
 * unless it is given.
 */
export function centred(ink, width, height, scale = null) {
  const box = boxOf(ink, width, height);
  const image = new Float64Array(SIDE * SIDE);
  if (box === null) {
    return image;
  }
  const share = scale ?? BOX / Math.max(box.right - box.left, box.bottom - box.top);
  const columns = Math.max(1, Math.round((box.right - box.left) * share));
  const rows = Math.max(1, Math.round((box.bottom - box.top) * share));
  const small = averaged(ink, width, box, rows, columns);
  const { row, column } = massCenter(small, rows, columns);
  // In MNIST the center of mass lies within half a pixel of row 14, column 14.
  const top = Math.max(0, Math.min(SIDE - rows, Math.round(SIDE / 2 - row)));
  const left = Math.max(0, Math.min(SIDE - columns, Math.round(SIDE / 2 - column)));
  small.forEach((value, place) => {
    const [i, j] = [Math.floor(place / columns), place % columns];
    image[(top + i) * SIDE + left + j] = Math.round(255 * Math.min(1, value)) / 255;
  });
  return image;
}

/** The smallest box around the ink, its right and bottom edge outside; null where there is none. */
export function boxOf(ink, width, height) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let i = 0; i < height; i += 1) {
    for (let j = 0; j < width; j += 1) {
      if (ink[i * width + j] > INK) {
        left = Math.min(left, j);
        right = Math.max(right, j + 1);
        top = Math.min(top, i);
        bottom = i + 1;
      }
    }
  }
  return right > left ? { left, top, right, bottom } : null;
}

/** Scale a box: each new pixel is the mean of the part of the old ones that it covers, which keeps edges smooth. */
function averaged(ink, width, { left, top, right, bottom }, rows, columns) {
  const down = shares(bottom - top, rows);
  const across = shares(right - left, columns);
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) {
      let sum = 0;
      for (const [y, high] of down[i]) {
        for (const [x, wide] of across[j]) {
          sum += high * wide * ink[(top + y) * width + left + x];
        }
      }
      result[i * columns + j] = sum;
    }
  }
  return result;
}

/** For each of `parts` equal parts of `length` pixels: the pixels that it covers and the share of each, 1 in all. */
function shares(length, parts) {
  const size = length / parts;
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [part * size, (part + 1) * size];
    const covered = [];
    for (let pixel = Math.floor(from); pixel < Math.min(length, to - 1e-9); pixel += 1) {
      covered.push([pixel, (Math.min(to, pixel + 1) - Math.max(from, pixel)) / size]);
    }
    return covered;
  });
}

function massCenter(ink, rows, columns) {
  let [mass, row, column] = [0, 0, 0];
  ink.forEach((value, place) => {
    mass += value;
    row += value * Math.floor(place / columns);
    column += value * (place % columns);
  });
  return { row: row / mass, column: column / mass };
}
