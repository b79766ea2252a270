// The network as one connected picture: what is read, the maps of every layer, the outputs, and what feeds what. A
// number that is looked at is framed, and so is what it came from in all earlier layers.
import { make } from "./dom.js";
import { framesOf, indexAt, layOut, Pictures } from "./pictures.js";
import { makeSvg } from "./svg.js";

const TALLEST = 128; // numbers of a vector in one column
const FINGER = 5; // px: where numbers are smaller, a tap means the strongest one around it
const MOST_LINES = 64; // between two layers
const MOST_NAMES = 16; // of layers side by side: more are written upright

export class Flow {
  /**
   * `words(l)` says what layer l does. `pick(place)` is called when the reader picks a number, `look(place, event)` for
   * the one under the pointer and `look(null)` when it leaves. `begin` and `end`, elements or null, stand before and
   * after the layers; `rows` are the elements of `end`, one for each output.
   */
  constructor({ network, words, pick, look, begin, end, rows }) {
    Object.assign(this, { network, pick, look, begin, end, rows });
    this.stages = [network.input, ...network.layers.map(({ outputShape }) => outputShape)].map((shape, value) =>
      this.makeStage(shape, value, value === 0 ? "what the network reads" : words(network.layers[value - 1])),
    );
    this.lines = makeSvg("svg", { class: "flow-lines", "aria-hidden": "true" });
    this.marks = makeSvg("svg", { class: "flow-marks", "aria-hidden": "true" });
    const layers = this.stages.flatMap(({ value, element }) =>
      this.startsRow(value) ? [make("span", { class: "flow-break" }), element] : element,
    );
    this.element = make(
      "div",
      { class: "flow" },
      this.lines,
      begin && make("div", { class: "flow-begin" }, begin),
      end && make("div", { class: "flow-end" }, end),
      make(
        "div",
        {
          class: `flow-stages${this.stages.length > MOST_NAMES ? " is-deep" : ""}`,
          role: "group",
          "aria-label": "The layers of the network",
        },
        layers,
      ),
      this.marks,
    );
    new ResizeObserver(() => this.measure()).observe(this.element);
  }

  /** Whether a value begins a row where the picture has several: what another convolution, or the flattening, makes. */
  startsRow(value) {
    const { kind } = this.network.layers[value - 1] ?? {};
    return (value > 1 && kind === "Conv2d") || kind === "Flatten";
  }

  makeStage(shape, value, words) {
    const name = value === 0 ? "input" : this.network.layers[value - 1].name;
    const isImage = shape.length > 1;
    const layout = layOut(shape, isImage ? undefined : Math.ceil(shape[0] / TALLEST));
    const pictures = new Pictures(layout, isImage ? `aspect-ratio: ${layout.columns} / ${layout.rows}` : "");
    const placeOf = (cell) => cell && { what: "value", value, index: indexAt(layout, cell) };
    const maps = make(
      "div",
      {
        class: isImage ? "flow-maps" : "flow-maps is-vector",
        style: `--count: ${layout.blocks}; --across: ${Math.ceil(Math.sqrt(layout.blocks))}; --rows: ${layout.rows}`,
        onclick: (event) => {
          const cell = pictures.cellUnder(event);
          if (cell !== null) {
            this.pick(placeOf(this.isFine(pictures, event) ? strongestAround(pictures, cell) : cell));
          }
        },
        onpointermove: (event) => {
          if (event.pointerType !== "touch") {
            this.look(placeOf(pictures.cellUnder(event)), event);
          }
        },
        onpointerleave: () => this.look(null),
      },
      pictures.parts.map(({ block }) => block),
    );
    const open = () => this.pick(placeOf(strongestOf(pictures)));
    const label = `${name}, ${shape.join(" by ")}: ${words}`;
    const button = make("button", { type: "button", "aria-label": label, title: label, onclick: open }, name);
    return { value, layout, pictures, maps, button, element: make("div", { class: "flow-stage" }, maps, button) };
  }

  /** Whether a tap of a finger is wider than the numbers under it. */
  isFine({ layout, parts }, event) {
    const { width, height } = parts[0].canvas.getBoundingClientRect();
    return event.pointerType === "touch" && Math.min(width / layout.columns, height / layout.rows) < FINGER;
  }

  /** Draw the numbers of all values; `scales` are the sizes that have the strongest color. */
  draw(numbersOf, scales, palette, toneOf) {
    for (const { value, pictures } of this.stages) {
      pictures.draw(numbersOf(value), toneOf(value) ? 1 : scales[value], palette, toneOf(value));
    }
  }

  // Lines

  /** Find out where everything stands, and draw what feeds what. */
  measure() {
    const from = this.element.getBoundingClientRect();
    if (from.width === 0) {
      return;
    }
    const boxOf = (element) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: left - from.left, y: top - from.top, width, height };
    };
    for (const svg of [this.lines, this.marks]) {
      svg.setAttribute("viewBox", `0 0 ${from.width} ${from.height}`);
    }
    this.boxes = this.stages.map(({ pictures }) => pictures.parts.map(({ canvas }) => boxOf(canvas)));
    const last = this.boxes.at(-1)[0];
    const rows = this.rows.map(boxOf);
    this.rowBoxes = rows[0]?.x > last.x ? rows : []; // not where the outputs stand above the layers
    const lines = this.network.layers.flatMap((layer, l) => this.linesOf(layer, l));
    if (this.begin !== null) {
      lines.unshift(path(boxOf(this.begin), this.boxes[0][0]));
    }
    const parts = cut(last, this.stages.at(-1).layout.rows);
    lines.push(...this.rowBoxes.map((row, k) => path(parts[k] ?? last, row)));
    this.lines.replaceChildren(...lines);
    this.mark(this.marked);
  }

  /** What leads from value l to the next: a line for each map that goes into another, a band where all go into all. */
  linesOf(layer, l) {
    const [from, to] = [this.boxes[l], this.boxes[l + 1]];
    if (!isBeside(from[0], to[0])) {
      return [path(outlineOf(from), outlineOf(to))]; // to the next row
    }
    if (layer.kind === "Flatten") {
      const parts = cut(to[0], from.length);
      return from.map((box, c) => path(box, parts[c]));
    }
    if (layer.inputShape.length === 1) {
      return [band(from[0], to[0], "flow-band")];
    }
    const isOwn = layer.kind !== "Conv2d";
    const pairs = to.flatMap((end, o) => from.filter((_, c) => !isOwn || c === o).map((start) => [start, end]));
    return pairs.length <= MOST_LINES
      ? pairs.map(([start, end]) => path(start, end))
      : [band(outlineOf(from), outlineOf(to), "flow-band")];
  }

  /** Frame boxes of the values, those that a number comes from, and join each to the next; `output` is one of the ends. */
  mark(marked) {
    this.marked = marked;
    if (this.boxes === undefined) {
      return;
    }
    const { boxes = [], output = null } = marked ?? {};
    const frames = boxes.map((box, value) => {
      const { layout } = this.stages[value];
      return framesOf(layout, box).map(({ block, row, column, height, width }) => {
        const of = this.boxes[value][block];
        const [x, y] = [of.x + (column * of.width) / layout.columns, of.y + (row * of.height) / layout.rows];
        return { x, y, width: (width * of.width) / layout.columns, height: (height * of.height) / layout.rows, block };
      });
    });
    const bands = frames.slice(1).flatMap((ends, value) => {
      const starts = frames[value];
      if (!isBeside(this.boxes[value][0], this.boxes[value + 1][0])) {
        return [];
      }
      const isOwn = starts.length === ends.length && this.network.layers[value].kind !== "Conv2d";
      return ends.length > 8
        ? []
        : ends.flatMap((end) => starts.filter(({ block }) => !isOwn || block === end.block).map((s) => band(s, end)));
    });
    const row = output === null ? undefined : this.rowBoxes[output];
    if (row !== undefined && frames.length === this.stages.length) {
      bands.push(band(frames.at(-1)[0], row));
    }
    const outlines = frames.flat().map(({ x, y, width, height }) => {
      const grown = { x: x - 1, y: y - 1, width: Math.max(width + 2, 5), height: Math.max(height + 2, 5) };
      return makeSvg("rect", { ...grown, class: "flow-frame" });
    });
    this.marks.replaceChildren(...bands, ...outlines);
  }

  /** Say which values are open below. */
  showOpen(values) {
    for (const { value, button } of this.stages) {
      button.setAttribute("aria-current", String(values.has(value)));
    }
  }
}

/** The strongest number of a tensor. */
export function strongestOf(pictures) {
  const { values, layout } = pictures;
  const place = values.reduce((best, value, k) => (Math.abs(value) > Math.abs(values[best]) ? k : best), 0);
  return cellOfPlace(layout, place);
}

function strongestAround({ values, layout }, { block, row, column }) {
  const reach = layout.columns > 1 ? 1 : 2;
  let best = null;
  for (let i = Math.max(0, row - reach); i <= Math.min(layout.rows - 1, row + reach); i += 1) {
    for (let j = Math.max(0, column - reach); j <= Math.min(layout.columns - 1, column + reach); j += 1) {
      const value = Math.abs(values[(block * layout.rows + i) * layout.columns + j]);
      if (indexAt(layout, { block, row: i, column: j }) !== null && (best === null || value > best.value)) {
        best = { value, cell: { block, row: i, column: j } };
      }
    }
  }
  return best.cell;
}

function cellOfPlace({ rows, columns }, place) {
  const within = place % (rows * columns);
  return { block: Math.floor(place / (rows * columns)), row: Math.floor(within / columns), column: within % columns };
}

/** Equal parts of a box, from top to bottom. */
function cut({ x, y, width, height }, count) {
  return Array.from({ length: count }, (_, k) => ({
    x,
    y: y + (k * height) / count,
    width,
    height: height / count,
  }));
}

function outlineOf(boxes) {
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** Whether one box stands to the right of another: else the way leads down. */
const isBeside = (from, to) => to.x >= from.x + from.width - 2;

function path(from, to) {
  if (isBeside(from, to)) {
    const [x, y] = [from.x + from.width, from.y + from.height / 2];
    const [u, v] = [to.x, to.y + to.height / 2];
    return makeSvg("path", { d: `M${x} ${y}C${(x + u) / 2} ${y} ${(x + u) / 2} ${v} ${u} ${v}` });
  }
  const [x, y] = [from.x + from.width / 2, from.y + from.height];
  const [u, v] = [to.x + to.width / 2, to.y];
  return makeSvg("path", { d: `M${x} ${y}C${x} ${(y + v) / 2} ${u} ${(y + v) / 2} ${u} ${v}` });
}

/** The area between the facing sides of two boxes. */
function band(from, to, kind = "flow-beam") {
  const corners = isBeside(from, to)
    ? [
        [from.x + from.width, from.y],
        [to.x, to.y],
        [to.x, to.y + to.height],
        [from.x + from.width, from.y + from.height],
      ]
    : [
        [from.x, from.y + from.height],
        [to.x, to.y],
        [to.x + to.width, to.y],
        [from.x + from.width, from.y + from.height],
      ];
  return makeSvg("polygon", { points: corners.map((corner) => corner.join(",")).join(" "), class: kind });
}
