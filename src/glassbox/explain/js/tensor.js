// Tensors: a shape and its numbers in row-major order, the last index fastest, as torch lays them. No batch dimension.

/** @typedef {{shape: number[], data: Float64Array}} Tensor  an image (C, H, W), kernels (O, C, kh, kw), a vector (F) */

/** Make a tensor of zeros, or of the numbers given. */
export function tensor(shape, data = null) {
  const count = shape.reduce((product, length) => product * length, 1);
  if (data !== null && data.length !== count) {
    throw new Error(`a tensor of shape (${shape.join(", ")}) holds ${count} numbers, got ${data.length}`);
  }
  // A typed array is copied at once, any other number by number.
  return { shape: [...shape], data: new Float64Array(data ?? count) };
}

/** Give the place of an index in the data: (c, i, j) of (C, H, W) is (c H + i) W + j. */
export function ravel(index, shape) {
  return index.reduce((place, part, dimension) => place * shape[dimension] + part, 0);
}

/** Give the index of a place in the data: the inverse of `ravel`. */
export function unravel(place, shape) {
  const index = new Array(shape.length);
  for (let dimension = shape.length - 1; dimension >= 0; dimension -= 1) {
    index[dimension] = place % shape[dimension];
    place = Math.floor(place / shape[dimension]);
  }
  return index;
}

/** The box of all numbers of a shape: the first and the last index along each dimension. */
export function wholeOf(shape) {
  return shape.map((length) => [0, length - 1]);
}

/** Apply a function to every number, and its place. */
export function map(input, change) {
  const data = new Float64Array(input.data.length);
  for (let place = 0; place < data.length; place += 1) {
    data[place] = change(input.data[place], place);
  }
  return { shape: [...input.shape], data };
}

// Numbers travel as base64 of little-endian bytes; a pixel travels as one byte and counts 1/255.
const STORED = { float32: [Float32Array, 1], float64: [Float64Array, 1], uint8: [Uint8Array, 255] };

/** Read a tensor that Python stored: {shape, data: base64, dtype}; zeros where it stored the shape alone. */
export function decodeTensor({ shape, data, dtype }) {
  if (data === undefined) {
    return tensor(shape);
  }
  const [Numbers, divisor] = STORED[dtype];
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return tensor(
    shape,
    Float64Array.from(new Numbers(bytes.buffer), (number) => number / divisor),
  );
}
