// A tensor as pictures: how its numbers are laid out, one picture for each channel or kernel, one pixel for each number.
import { make } from "./dom.js";
import { pixelOfBrightness, pixelOfShare } from "./palette.js";
import { ravel, unravel } from "./tensor.js";

/**
 * How a tensor is laid out: blocks, each of rows and columns, whose numbers follow each other as in the data.
 * An image (C, H, W) has a block for each channel, kernels (O, C, kh, kw) one for each pair, a matrix one, and a
 * vector is broken into rows of `columns` numbers.
 */
export function layOut(shape, columns = 16) {
  if (shape.length === 1) {
    const width = Math.min(columns, shape[0]);
    return { shape, blocks: 1, rows: Math.ceil(shape[0] / width), columns: width };
  }
  const [rows, width] = shape.slice(-2);
  return { shape, blocks: shape.slice(0, -2).reduce((product, length) => product * length, 1), rows, columns: width };
}

/** The block, row and column of an index; outside the tensor for a place in the padding. */
export function cellOf(layout, index) {
  if (layout.shape.length === 1) {
    return { block: 0, row: Math.floor(index[0] / layout.columns), column: index[0] % layout.columns };
  }
  const [row, column] = index.slice(-2);
  const block = index.slice(0, -2).reduce((place, part, dimension) => place * layout.shape[dimension] + part, 0);
  return { block, row, column };
}

/** The index at a block, row and column, or null where a vector's last row has ended. */
export function indexAt(layout, { block, row, column }) {
  const place = (block * layout.rows + row) * layout.columns + column;
  return place < layout.shape.reduce((product, length) => product * length, 1) ? unravel(place, layout.shape) : null;
}

/** The frames of a box of indices, one in each block that it meets: {block, row, column, height, width}. */
export function framesOf(layout, box) {
  if (box.some(([from, to]) => from > to)) {
    return []; // what saw nothing but padding
  }
  const last = box.map(([, to]) => to);
  if (layout.shape.length === 1) {
    const [from, to] = [cellOf(layout, [box[0][0]]), cellOf(layout, last)];
    const height = to.row - from.row + 1;
    const [column, width] = height > 1 ? [0, layout.columns] : [from.column, to.column - from.column + 1];
    return [{ block: 0, row: from.row, column, height, width }];
  }
  const [rows, columns] = box.slice(-2);
  const blocks = [box.map(([from]) => from), last].map((index) => ravel(index.slice(0, -2), layout.shape.slice(0, -2)));
  const place = { row: rows[0], column: columns[0], height: rows[1] - rows[0] + 1, width: columns[1] - columns[0] + 1 };
  return Array.from({ length: blocks[1] - blocks[0] + 1 }, (_, k) => ({ block: blocks[0] + k, ...place }));
}

/** How an input is drawn: an image between 0 and 1 as "ink" on paper or as a "photo", anything else by sign (null). */
export function toneOf({ shape, data }, isPhoto) {
  const isBright = shape.length === 3 && data.every((number) => number >= 0 && number <= 1);
  return isBright ? (isPhoto ? "photo" : "ink") : null;
}

/** An image as one picture: three channels in their colors, one in the tone given, by sign where it has none. */
export function paintWhole(canvas, { shape, data }, palette, tone) {
  const [channels, height, width] = shape;
  Object.assign(canvas, { height, width });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const size = data.reduce((largest, number) => Math.max(largest, Math.abs(number)), 1e-300);
  for (let place = 0; place < height * width; place += 1) {
    if (channels === 3 && tone === "photo") {
      const colors = [0, 1, 2].map((channel) => Math.round(255 * data[channel * height * width + place]));
      image.data.set([...colors, 255], 4 * place);
    } else {
      pixels[place] = tone ? pixelOfBrightness(palette[tone], data[place]) : pixelOfShare(palette, data[place] / size);
    }
  }
  context.putImageData(image, 0, 0);
}

export class Pictures {
  /** `style` gives each block its size, in the words of a style sheet. */
  constructor(layout, style = "") {
    this.layout = layout;
    this.parts = Array.from({ length: layout.blocks }, () => this.makePart(style));
    this.values = null;
  }

  makePart(style) {
    const { rows, columns } = this.layout;
    const canvas = make("canvas", { width: columns, height: rows });
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    const block = make("div", { class: "grid-block", style }, canvas);
    return { block, canvas, context, image, pixels: new Uint32Array(image.data.buffer) };
  }

  /** Draw numbers: on a `tone` of the palette, ink or photo, or by sign; `scale` is the size of the strongest color. */
  draw(values, scale, palette, tone = null) {
    this.values = values;
    const perBlock = this.layout.rows * this.layout.columns;
    this.parts.forEach(({ context, image, pixels }, block) => {
      const count = Math.min(perBlock, values.length - block * perBlock);
      for (let place = 0; place < count; place += 1) {
        const value = values[block * perBlock + place];
        pixels[place] = tone
          ? pixelOfBrightness(palette[tone], value)
          : pixelOfShare(palette, scale > 0 ? value / scale : value);
      }
      context.putImageData(image, 0, 0);
    });
  }

  /** The block, row and column under a pointer, or null. */
  cellUnder(event) {
    const block = this.parts.findIndex((part) => part.block.contains(event.target));
    if (block < 0) {
      return null;
    }
    const box = this.parts[block].canvas.getBoundingClientRect();
    const along = (offset, length, count) => Math.max(0, Math.min(count - 1, Math.floor((offset / length) * count)));
    const column = along(event.clientX - box.left, box.width, this.layout.columns);
    const row = along(event.clientY - box.top, box.height, this.layout.rows);
    return indexAt(this.layout, { block, row, column }) === null ? null : { block, row, column };
  }
}
