// The drawing board: strokes by mouse, pen, finger or arrow keys, perhaps on top of a digit to start from. Lengths are
// in pixels of the 28x28 image.
import { BOX, centred, SIDE } from "./centring.js";
import { make } from "./dom.js";

const FINE = 10; // the drawing is measured on a raster that is so many times finer
const SHARP = 20; // and shown on one that is sharp on any screen
const PALM = 60; // px: no fingertip is so wide
const AFTER_PEN = 1500; // ms after a pen's last touch in which a hand may rest on the board
const MOST_ENLARGED = 8; // a dot stays a dot

export class Board {
  /**
   * `changed()` is called after each change, `begun()` when a drawing of the reader's own begins, `told(words)` with
   * what a reader who does not see the board must know.
   */
  constructor({ changed, begun, told }) {
    Object.assign(this, { changed, begun, told, outside: null });
    this.thickness = 2.2;
    this.drawing = { digit: null, strokes: [] };
    this.past = [];
    this.current = null; // the stroke under the pen
    this.pointer = null; // the one pointer that draws
    this.lastPen = -Infinity; // when a pen last touched the board
    this.pen = { x: SIDE / 2, y: SIDE / 2, isDown: false };
    this.canvas = make("canvas", {
      width: SIDE * SHARP,
      height: SIDE * SHARP,
      class: "board-canvas",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "drawing board",
      "aria-label":
        "Drawing board. The arrow keys move the pen, the space bar lowers and lifts it, Control Z takes a stroke back.",
    });
    this.tip = make("span", { class: "board-pen", "aria-hidden": "true" });
    this.element = make("div", { class: "board" }, this.canvas, this.tip);
    this.listen();
    this.showPen();
  }

  // Drawing

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "pen") {
        this.lastPen = event.timeStamp;
      }
      if (event.button === 0 && this.pointer === null && !this.isPalm(event)) {
        this.lift();
        this.pointer = event.pointerId;
        canvas.setPointerCapture(event.pointerId);
        this.lower([this.pointOf(event).map((part) => Math.max(0, Math.min(SIDE, part)))]);
      }
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId === this.pointer && this.current !== null) {
        const events = event.getCoalescedEvents?.() ?? [];
        this.follow((events.length > 0 ? events : [event]).map((each) => this.pointOf(each)));
      }
    });
    for (const type of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(type, (event) => {
        if (event.pointerId === this.pointer) {
          this.pointer = null;
          this.lift();
        }
      });
    }
    // Else the browser takes a stroke for a fling of the page, and the next tap, wherever it is, for its stop.
    canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("blur", () => this.lift());
  }

  /** Whether a hand rests on the board: wider than a fingertip, or beside a pen. */
  isPalm({ pointerType, width, height, timeStamp }) {
    return pointerType === "touch" && (Math.max(width, height) > PALM || timeStamp - this.lastPen < AFTER_PEN);
  }

  pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  /** Begin a stroke; on a digit that was there to start with, or was read from an address, a drawing of its own. */
  lower(points) {
    this.keep();
    if (this.isSample) {
      this.drawing = { digit: null, strokes: [] };
      this.begun();
    }
    this.beginStroke(points);
  }

  beginStroke(points) {
    this.current = { thickness: this.thickness, points };
    this.drawing = { ...this.drawing, strokes: [...this.drawing.strokes, this.current] };
    this.moveTo(points.at(-1));
  }

  /** Go on as a pointer does: a stroke ends at the edge of the board, and another begins where the pointer comes back. */
  follow(points) {
    for (const point of points) {
      const isInside = point.every((part) => part >= 0 && part <= SIDE);
      const before = this.outside ?? this.current?.points.at(-1);
      if (isInside) {
        if (this.outside !== null) {
          this.beginStroke([atEdge(point, before)]);
        }
        this.extend([point]);
      } else if (this.outside === null) {
        this.extend([atEdge(before, point)]);
      }
      this.outside = isInside ? null : point;
    }
  }

  extend(points) {
    this.current.points.push(...points);
    this.moveTo(points.at(-1));
  }

  moveTo([x, y]) {
    Object.assign(this.pen, { x, y });
    this.showPen();
    this.changed();
  }

  lift() {
    if (this.current !== null) {
      [this.current, this.outside] = [null, null];
      this.showPen();
      this.changed({ isDone: true });
    }
  }

  press(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in ways && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const [x, y] = ways[event.key].map((by, axis) => {
        return Math.max(0, Math.min(SIDE, [this.pen.x, this.pen.y][axis] + by * (event.shiftKey ? 3 : 1)));
      });
      if (this.current === null) {
        Object.assign(this.pen, { x, y });
        this.showPen();
      } else {
        this.extend([[x, y]]);
      }
      this.told(`row ${Math.round(y)}, column ${Math.round(x)}`);
    } else if (event.key === " ") {
      this.togglePen();
    } else if (event.key === "Escape") {
      this.lift();
    } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) {
      this.undo();
    } else {
      return;
    }
    event.preventDefault();
  }

  togglePen() {
    if (this.current === null) {
      this.lower([[this.pen.x, this.pen.y]]);
      this.told("pen down");
    } else {
      this.lift();
      this.told("pen up");
    }
  }

  // Whole drawings

  keep() {
    this.past.push(this.drawing);
  }

  /** Start from a digit: 784 numbers from 0 to 1. */
  start(digit) {
    this.lift();
    this.keep();
    this.drawing = { digit, strokes: [] };
    this.changed({ isDone: true });
  }

  clear() {
    this.begun();
    this.start(null);
  }

  /** Take the last stroke, or the last digit chosen, back. */
  undo() {
    this.lift();
    this.drawing = this.past.pop() ?? this.drawing;
    this.changed({ isDone: true });
  }

  /** Whether the board shows a digit that the reader has not drawn on. */
  get isSample() {
    return this.drawing.digit !== null && this.drawing.strokes.length === 0;
  }

  get isEmpty() {
    return this.drawing.digit === null && this.drawing.strokes.length === 0;
  }

  /** What the network reads: a digit to start from as it is, a drawing scaled and centered. */
  pixels() {
    const { digit, strokes } = this.drawing;
    if (strokes.length === 0) {
      return digit ?? new Float64Array(SIDE * SIDE);
    }
    const raster = SIDE * FINE;
    const context = make("canvas", { width: raster, height: raster }).getContext("2d", { willReadFrequently: true });
    const fitting = this.fitting();
    this.paint(context, FINE, fitting);
    const bytes = context.getImageData(0, 0, raster, raster).data;
    const ink = Float32Array.from({ length: raster * raster }, (_, place) => bytes[4 * place + 3] / 255);
    return centred(ink, raster, raster, fitting.scale < MOST_ENLARGED ? undefined : 1 / FINE);
  }

  /**
   * How to move and scale what was drawn so that it fills the box. The pen keeps its width: a small drawing is not
   * made of thicker lines, and a dot stays small.
   */
  fitting() {
    const { strokes } = this.drawing;
    const points = strokes.flatMap((stroke) => stroke.points);
    const pen = Math.max(...strokes.map(({ thickness }) => thickness));
    const ends = [0, 1].map((axis) => {
      const along = points.map((point) => point[axis]);
      return [Math.min(...along), Math.max(...along)];
    });
    const extent = Math.max(...ends.map(([from, to]) => to - from));
    const scale = Math.min(MOST_ENLARGED, (BOX - pen) / extent);
    const [x, y] = ends.map(([from, to]) => SIDE / 2 - (scale * (from + to)) / 2);
    return { scale, x, y };
  }

  /** Draw on a context that has `unit` pixels for each of the image's. */
  paint(context, unit, { scale, x, y }, color = "#000") {
    const { digit, strokes } = this.drawing;
    context.clearRect(0, 0, SIDE * unit, SIDE * unit);
    if (digit !== null) {
      context.imageSmoothingEnabled = true;
      context.drawImage(inkOf(digit, color), 0, 0, SIDE * unit, SIDE * unit);
    }
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = color;
    for (const { thickness, points } of strokes) {
      context.lineWidth = thickness * unit;
      context.beginPath();
      points.forEach(([px, py]) => context.lineTo((x + scale * px) * unit, (y + scale * py) * unit));
      if (points.length === 1) {
        context.lineTo((x + scale * points[0][0]) * unit + 0.01, (y + scale * points[0][1]) * unit); // a dot
      }
      context.stroke();
    }
  }

  /** Show the drawing as it was drawn. */
  show() {
    this.color ??= getComputedStyle(this.element).getPropertyValue("--tracer-ink").trim();
    this.paint(this.canvas.getContext("2d"), SHARP, { scale: 1, x: 0, y: 0 }, this.color);
  }

  /** The page has turned light or dark. */
  recolor() {
    this.color = null;
    this.show();
  }

  showPen() {
    this.tip.style.cssText =
      `left: ${(100 * this.pen.x) / SIDE}%; top: ${(100 * this.pen.y) / SIDE}%; ` +
      `width: ${(100 * this.thickness) / SIDE}%; height: ${(100 * this.thickness) / SIDE}%`;
    this.tip.classList.toggle("is-down", this.current !== null);
  }
}

/** Where the way from a point on the board to one outside leaves it. */
function atEdge(inside, outside) {
  const share = inside.reduce((least, from, axis) => {
    const [to, edge] = [outside[axis], outside[axis] < 0 ? 0 : SIDE];
    return to < 0 || to > SIDE ? Math.min(least, (edge - from) / (to - from)) : least;
  }, 1);
  return inside.map((from, axis) => from + share * (outside[axis] - from));
}

/** A digit as a small picture: its numbers as opacity of a color. */
function inkOf(digit, color) {
  const canvas = make("canvas", { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, SIDE, SIDE);
  const image = context.getImageData(0, 0, SIDE, SIDE);
  digit.forEach((value, place) => (image.data[4 * place + 3] = Math.round(255 * value)));
  context.putImageData(image, 0, 0);
  return canvas;
}
