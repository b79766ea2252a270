// A tensor on the screen: one picture for each channel or kernel, one pixel for each number, and a cursor that walks
// over the numbers by pointer and by arrow keys. `makeTables` gives the same numbers as tables with headers.
import { make, makeNumber } from "./dom.js";
import { written } from "./numbers.js";
import { pixelOfInk, pixelOfShare } from "./palette.js";
import { unravel } from "./tensor.js";

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
function cellOf(layout, index) {
  if (layout.shape.length === 1) {
    return { block: 0, row: Math.floor(index[0] / layout.columns), column: index[0] % layout.columns };
  }
  const [row, column] = index.slice(-2);
  const block = index.slice(0, -2).reduce((place, part, dimension) => place * layout.shape[dimension] + part, 0);
  return { block, row, column };
}

/** The index at a block, row and column, or null where a vector's last row has ended. */
function indexAt(layout, { block, row, column }) {
  const place = (block * layout.rows + row) * layout.columns + column;
  return place < layout.shape.reduce((product, length) => product * length, 1) ? unravel(place, layout.shape) : null;
}

/** What the arrow and paging keys do to a cell; past the edge of a block the way goes on in the next one. */
function moved(layout, perRow, cell, key) {
  const { rows, columns, blocks } = layout;
  const to = { ...cell };
  if (key === "ArrowLeft" || key === "ArrowRight") {
    to.column += key === "ArrowLeft" ? -1 : 1;
    const across = Math.floor(to.column / columns);
    to.block += across;
    to.column -= across * columns;
  } else if (key === "ArrowUp" || key === "ArrowDown") {
    to.row += key === "ArrowUp" ? -1 : 1;
    const across = Math.floor(to.row / rows);
    to.block += across * perRow;
    to.row -= across * rows;
  } else if (key === "PageUp" || key === "PageDown") {
    to.block += key === "PageUp" ? -1 : 1;
  } else if (key === "Home" || key === "End") {
    to.column = key === "Home" ? 0 : columns - 1;
  } else {
    return null;
  }
  return to.block >= 0 && to.block < blocks && indexAt(layout, to) !== null ? to : cell;
}

export class Grid {
  /**
   * `label` names the grid, `words(index)` a number in it, `pick(index)` is called when the reader picks one.
   * `cellSize` is in pixels and shrinks with the page; `perRow` blocks stand side by side; `isInk` draws 0 to 1 as ink.
   */
  constructor({ label, layout, cellSize, perRow = 1, isInk = false, heads = null, words, pick }) {
    Object.assign(this, { layout, perRow, isInk, canBeInk: isInk, words, pick });
    this.cell = { block: 0, row: 0, column: 0 };
    this.values = null;
    this.pictures = Array.from({ length: layout.blocks }, () => this.makePicture(cellSize));
    this.cursor = make("div", { class: "grid-cursor", role: "gridcell", tabindex: 0, onkeydown: (e) => this.press(e) });
    this.row = make("div", { role: "row" }, this.cursor);
    this.element = make(
      "div",
      { class: "grid", role: "grid", "aria-label": label, style: `--per-row: ${perRow}` },
      heads &&
        make(
          "div",
          { class: "grid-heads", "aria-hidden": "true", style: `width: ${cellSize * layout.columns}px` },
          heads.map((head) => make("span", {}, head)),
        ),
      this.pictures.map(({ block }) => block),
    );
    this.element.addEventListener("click", (event) => this.point(event));
    this.element.addEventListener("pointermove", (event) => {
      if (event.buttons === 1 && event.pointerType !== "touch") {
        this.point(event);
      }
    });
    this.moveCursor(this.cell);
  }

  makePicture(cellSize) {
    const { rows, columns } = this.layout;
    const canvas = make("canvas", { width: columns, height: rows });
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    const size = `width: ${columns * cellSize}px; aspect-ratio: ${columns} / ${rows}`;
    const block = make("div", { class: "grid-block", style: size }, canvas);
    return { block, canvas, context, image, pixels: new Uint32Array(image.data.buffer) };
  }

  /** Draw numbers; `scale` is the size that has the strongest color. */
  draw(values, scale, palette) {
    this.values = values;
    const perBlock = this.layout.rows * this.layout.columns;
    this.pictures.forEach(({ context, image, pixels }, block) => {
      const count = Math.min(perBlock, values.length - block * perBlock);
      for (let place = 0; place < count; place += 1) {
        const value = values[block * perBlock + place];
        pixels[place] = this.isInk
          ? pixelOfInk(palette, value)
          : pixelOfShare(palette, scale > 0 ? value / scale : value);
      }
      context.putImageData(image, 0, 0);
    });
    this.describeCursor();
  }

  /** Outline the numbers at some indices: one frame around those of each block. */
  mark(indices, kind) {
    const frames = new Map();
    for (const index of indices) {
      const { block, row, column } = cellOf(this.layout, index);
      const frame = frames.get(block) ?? { top: row, bottom: row, left: column, right: column };
      frame.top = Math.min(frame.top, row);
      frame.bottom = Math.max(frame.bottom, row);
      frame.left = Math.min(frame.left, column);
      frame.right = Math.max(frame.right, column);
      frames.set(block, frame);
    }
    for (const [block, { top, bottom, left, right }] of frames) {
      const mark = make("span", { class: `grid-mark grid-mark-${kind}` });
      this.place(mark, top, left, bottom - top + 1, right - left + 1);
      this.pictures[block].block.append(mark);
    }
  }

  clearMarks() {
    this.element.querySelectorAll(".grid-mark").forEach((mark) => mark.remove());
  }

  /** Put the cursor on an index; `isPicked` frames it for the eye. */
  select(index, isPicked) {
    this.cursor.classList.toggle("is-picked", isPicked);
    this.cursor.setAttribute("aria-selected", String(isPicked));
    if (isPicked) {
      this.moveCursor(cellOf(this.layout, index));
    }
  }

  focus() {
    this.cursor.focus({ preventScroll: true });
  }

  /** Walk as the key says; tells whether it is a key of the grid. */
  walk(key) {
    const to = moved(this.layout, this.perRow, this.cell, key);
    if (to === null) {
      return false;
    }
    this.moveCursor(to);
    this.pick(indexAt(this.layout, to));
    return true;
  }

  press(event) {
    const isKnown = !event.ctrlKey && !event.altKey && !event.metaKey && this.walk(event.key);
    if (isKnown || event.key === "Enter" || event.key === " ") {
      event.preventDefault();
    }
    if (event.key === "Enter" || event.key === " ") {
      this.pick(indexAt(this.layout, this.cell));
    }
  }

  point(event) {
    const block = this.pictures.findIndex((picture) => picture.block.contains(event.target));
    if (block < 0) {
      return;
    }
    const box = this.pictures[block].canvas.getBoundingClientRect();
    const along = (offset, length, count) => Math.max(0, Math.min(count - 1, Math.floor((offset / length) * count)));
    const column = along(event.clientX - box.left, box.width, this.layout.columns);
    const row = along(event.clientY - box.top, box.height, this.layout.rows);
    const index = indexAt(this.layout, { block, row, column });
    const isSame = this.cell.block === block && this.cell.row === row && this.cell.column === column;
    if (index !== null && !(isSame && event.type === "pointermove")) {
      this.moveCursor({ block, row, column });
      this.focus();
      this.pick(index);
    }
  }

  moveCursor(cell) {
    this.cell = cell;
    const { block } = this.pictures[cell.block];
    if (this.row.parentElement !== block) {
      const hasFocus = document.activeElement === this.cursor;
      block.append(this.row); // takes the focus away
      if (hasFocus) {
        this.focus();
      }
    }
    this.place(this.cursor, cell.row, cell.column, 1, 1);
    this.row.setAttribute("aria-rowindex", cell.row + 1);
    this.cursor.setAttribute("aria-colindex", cell.column + 1);
    this.describeCursor();
  }

  describeCursor() {
    const { rows, columns } = this.layout;
    const place = (this.cell.block * rows + this.cell.row) * columns + this.cell.column;
    const value = this.values === null ? "" : `: ${written(this.values[place])}`;
    this.cursor.setAttribute("aria-label", `${this.words(indexAt(this.layout, this.cell))}${value}`);
  }

  place(element, row, column, height, width) {
    const { rows, columns } = this.layout;
    element.style.cssText =
      `top: ${(100 * row) / rows}%; left: ${(100 * column) / columns}%; ` +
      `height: ${(100 * height) / rows}%; width: ${(100 * width) / columns}%`;
  }
}

/** The numbers of a layout as tables: one for each block, rows and columns with headers, walked by the arrow keys. */
export function makeTables(layout, values, { caption, pick }) {
  const perBlock = layout.rows * layout.columns;
  const range = (count) => Array.from({ length: count }, (_, place) => place);
  const cell = (block, row, column) => {
    const index = indexAt(layout, { block, row, column });
    const value = index && values[block * perBlock + row * layout.columns + column];
    const tabindex = row === 0 && column === 0 ? 0 : -1;
    return index === null
      ? make("td")
      : make("td", { tabindex, onclick: () => pick(index) }, makeNumber(written(value), value));
  };
  return range(layout.blocks).map((block) => {
    const head = make(
      "tr",
      {},
      make("td"),
      range(layout.columns).map((column) => make("th", { scope: "col" }, String(column))),
    );
    const body = range(layout.rows).map((row) => {
      const cells = range(layout.columns).map((column) => cell(block, row, column));
      return make("tr", {}, make("th", { scope: "row" }, String(row)), cells);
    });
    const table = make(
      "table",
      {},
      make("caption", {}, caption(block)),
      make("thead", {}, head),
      make("tbody", {}, body),
    );
    table.addEventListener("keydown", (event) => walkTable(layout, event));
    return table;
  });
}

function walkTable(layout, event) {
  const here = event.target.closest("td");
  const row = here?.parentElement;
  if (event.key === "Enter" || event.key === " ") {
    here?.click();
    event.preventDefault();
  }
  const cell = { block: 0, row: row?.sectionRowIndex, column: here?.cellIndex - 1 };
  const to = moved({ ...layout, blocks: 1, shape: [layout.rows, layout.columns] }, 1, cell, event.key);
  const next = to && row.parentElement.rows[to.row].cells[to.column + 1];
  if (next?.hasAttribute("tabindex")) {
    [here.tabIndex, next.tabIndex] = [-1, 0];
    next.focus();
  }
  if (to) {
    event.preventDefault();
  }
}
