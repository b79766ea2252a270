// A tensor on the screen: its pictures, and a cursor that walks over the numbers by pointer and by arrow keys.
// `makeTables` gives the same numbers as tables with headers.
import { make, makeNumber } from "./dom.js";
import { written } from "./numbers.js";
import { cellOf, framesOf, indexAt, Pictures } from "./pictures.js";

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
   * `label` names the grid and `words(index)` a number in it. The reader picks a number by `pick(index)`, or by
   * `enter(index)` to go on to its sum; `look(index, event)` is called for the one under the pointer or the cursor, and
   * `look(null)` when it leaves. `isKernels` says that there may be many: they scroll. `cellSize` is in pixels where letters have 16, and shrinks with the page; `perRow` blocks stand side by side.
   */
  constructor({ label, layout, isKernels = false, cellSize, perRow = 1, heads = null, words, pick, enter, look }) {
    Object.assign(this, { layout, perRow, words, pick, enter, look });
    this.cell = { block: 0, row: 0, column: 0 };
    this.marks = []; // {kind, element}
    const { columns, rows } = layout;
    this.pictures = new Pictures(layout, `width: ${(columns * cellSize) / 16}rem; aspect-ratio: ${columns} / ${rows}`);
    this.cursor = make("div", {
      class: "grid-cursor",
      role: "gridcell",
      tabindex: 0,
      onkeydown: (event) => this.press(event),
      onfocus: () => this.cursor.matches(":focus-visible") && this.look(indexAt(layout, this.cell), null),
      onblur: () => this.look(null),
    });
    this.row = make("div", { role: "row" }, this.cursor);
    this.element = make(
      "div",
      {
        class: isKernels ? "grid is-kernels" : "grid",
        role: "grid",
        "aria-label": label,
        style: `--per-row: ${perRow}`,
      },
      heads &&
        make(
          "div",
          { class: "grid-heads", "aria-hidden": "true", style: `width: ${(cellSize * columns) / 16}rem` },
          heads.map((head) => make("span", {}, head)),
        ),
      this.pictures.parts.map(({ block }) => block),
    );
    this.element.addEventListener("click", (event) => this.point(event));
    this.element.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch") {
        const cell = this.pictures.cellUnder(event);
        this.look(cell && indexAt(layout, cell), event);
      }
    });
    this.element.addEventListener("pointerleave", () => this.look(null));
    this.moveCursor(this.cell);
  }

  /** Draw numbers, as `Pictures` does. */
  draw(values, scale, palette, tone) {
    this.pictures.draw(values, scale, palette, tone);
    this.describeCursor();
  }

  /** Frame the numbers at some indices: one frame around those of each block. */
  mark(indices, kind) {
    const boxes = new Map();
    for (const index of indices) {
      const { block } = cellOf(this.layout, index);
      const box = boxes.get(block) ?? index.map((part) => [part, part]);
      index.forEach((part, axis) => (box[axis] = [Math.min(box[axis][0], part), Math.max(box[axis][1], part)]));
      boxes.set(block, box);
    }
    boxes.forEach((box) => this.markBox(box, kind));
  }

  /** Frame a box of indices, in each block that it meets. */
  markBox(box, kind) {
    for (const { block, row, column, height, width } of framesOf(this.layout, box)) {
      const mark = make("span", { class: `grid-mark grid-mark-${kind}` });
      this.place(mark, row, column, height, width);
      this.pictures.parts[block]?.block.append(mark);
      this.marks.push({ kind, element: mark });
    }
  }

  /** Scroll to the block of an index, where the grid scrolls. */
  reveal(index) {
    const { block } = this.pictures.parts[cellOf(this.layout, index).block];
    const { clientHeight, clientWidth } = this.element;
    this.element.scrollTo(
      block.offsetLeft - (clientWidth - block.offsetWidth) / 2,
      block.offsetTop - (clientHeight - block.offsetHeight) / 2,
    );
  }

  clearMarks(kind = null) {
    const isCleared = (mark) => kind === null || mark.kind === kind;
    this.marks.filter(isCleared).forEach(({ element }) => element.remove());
    this.marks = this.marks.filter((mark) => !isCleared(mark));
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

  /** The index that a key leads to from where the cursor is, or null for a key that is none of the grid's. */
  indexAfter(key) {
    const to = moved(this.layout, this.perRow, this.cell, key);
    return to && indexAt(this.layout, to);
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const index = this.indexAfter(event.key);
    if (index !== null) {
      this.moveCursor(cellOf(this.layout, index));
      this.look(index, null);
    } else if (event.key === "Enter") {
      this.enter(indexAt(this.layout, this.cell));
    } else if (event.key === " ") {
      this.pick(indexAt(this.layout, this.cell));
    } else {
      return;
    }
    event.preventDefault();
  }

  point(event) {
    const cell = this.pictures.cellUnder(event);
    if (cell !== null) {
      this.moveCursor(cell);
      this.focus();
      this.pick(indexAt(this.layout, cell));
    }
  }

  moveCursor(cell) {
    this.cell = cell;
    const { block } = this.pictures.parts[cell.block];
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
    const { values } = this.pictures;
    const value = values === null ? "" : `: ${written(values[place])}`;
    this.cursor.setAttribute("aria-label", `${this.words(indexAt(this.layout, this.cell))}${value}`);
  }

  place(element, row, column, height, width) {
    const { rows, columns } = this.layout;
    element.style.cssText =
      `top: ${(100 * row) / rows}%; left: ${(100 * column) / columns}%; ` +
      `height: ${(100 * height) / rows}%; width: ${(100 * width) / columns}%`;
  }
}

/**
 * The numbers of a layout as tables: one for each block, rows and columns with headers, walked by the arrow keys.
 * `tables` have no rows yet; each of `rows` adds one, so that a large tensor need not be written at once.
 */
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
  const heads = range(layout.columns).map(String);
  const parts = range(layout.blocks).map((block) => {
    const head = make(
      "tr",
      {},
      make("td"),
      heads.map((column) => make("th", { scope: "col" }, column)),
    );
    const body = make("tbody");
    const table = make("table", {}, make("caption", {}, caption(block)), make("thead", {}, head), body);
    table.addEventListener("keydown", (event) => walkTable(layout, event));
    const rows = range(layout.rows).map((row) => () => {
      const cells = range(layout.columns).map((column) => cell(block, row, column));
      body.append(make("tr", {}, make("th", { scope: "row" }, String(row)), cells));
    });
    return { table, rows };
  });
  return { tables: parts.map(({ table }) => table), rows: parts.flatMap(({ rows }) => rows) };
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
  const next = to && row.parentElement.rows[to.row]?.cells[to.column + 1]; // it may not be written yet
  if (next?.hasAttribute("tabindex")) {
    [here.tabIndex, next.tabIndex] = [-1, 0];
    next.focus();
  }
  if (to) {
    event.preventDefault();
  }
}
