// Filter an image: the convolution of lesson 1.2 under the reader's hands.
import { Address, decimal, readAddress, several, whole } from "./address.js";
import { brief } from "./brief.js";
import { conv2dForward } from "./conv2d.js";
import { make } from "./dom.js";
import { pixelOfBrightness, pixelOfShare, readPalette, styleOfPixel, watchTheme } from "./palette.js";
import { PictureError, readPicture } from "./picture.js";
import { tensor } from "./tensor.js";

const SIZES = [2, 3, 4, 5];
const CHOICES = {
  kernel: "-1,0,1,-1,0,1,-1,0,1",
  divisor: 3,
  bias: 0,
  relu: 0,
  stride: 1,
  padding: 0,
  row: -1,
  column: -1,
};
const LARGEST = 1e4; // of a weight that is typed
const WEIGHT = decimal(-LARGEST, LARGEST);
/** What the address may say, as in #kernel=1,1,1,1&divisor=4. */
export const FILTER_KEYS = {
  kernel: several(
    WEIGHT,
    SIZES.map((size) => size ** 2),
  ),
  divisor: decimal(1 / LARGEST, LARGEST),
  bias: WEIGHT,
  relu: whole(0, 1),
  stride: whole(1, 4),
  padding: whole(0, 3),
  row: whole(0, 9999),
  column: whole(0, 9999),
};
const REFUSED = `A weight, a divisor or a bias is a number up to ${LARGEST}, such as 3, \u22120.25 or 1/2.`;
const MARK = 14; // pixels: a smaller window would not be seen

/**
 * @param root element whose content is replaced
 * @param data {photo: base64 of a WebP file, credit, place: [row, column], presets: [{name, kernel, divisor}]}
 */
export function main(root, data) {
  root.classList.add("play-form");
  new FilterPlay(root, data).open();
}

class FilterPlay {
  constructor(root, data) {
    Object.assign(this, { root, data });
    this.isEmbedded = "embed" in root.dataset;
    this.choices = { ...CHOICES, ...(this.isEmbedded ? {} : choicesOf(readAddress(FILTER_KEYS))) };
    this.address = null;
  }

  async open() {
    this.build();
    watchTheme(() => this.refresh());
    await this.openOwn();
    if (!this.isEmbedded) {
      this.address = new Address({
        readers: FILTER_KEYS,
        element: this.root,
        describe: () => this.changes(),
        restore: (found) => this.restore(found),
      });
    }
  }

  /** The choices that differ from those at first, for the address. */
  changes() {
    return Object.fromEntries(Object.entries(this.choices).filter(([name, value]) => value !== CHOICES[name]));
  }

  restore(found) {
    const [row, column] = this.data.place;
    this.choices = { ...CHOICES, row, column, ...choicesOf(found) };
    this.refresh();
  }

  async openOwn() {
    const bytes = Uint8Array.from(atob(this.data.photo), (letter) => letter.charCodeAt(0));
    this.picture = await readPicture(new File([bytes], "photo"));
    this.problem.textContent = "";
    this.pictureName.textContent = this.data.credit;
    if (this.choices.row < 0) {
      [this.choices.row, this.choices.column] = this.data.place;
    }
    this.refresh();
  }

  /** Take a picture of the reader's; on a wrong file say so and keep the one that is there. */
  async openFile(file) {
    this.problem.textContent = "";
    try {
      this.picture = await readPicture(file);
    } catch (error) {
      if (!(error instanceof PictureError)) {
        throw error;
      }
      this.problem.textContent = error.message;
      return;
    }
    const [, height, width] = this.picture.shape;
    this.pictureName.textContent = `${file.name}, ${height} × ${width} gray pixels.`;
    this.refresh();
  }

  // The numbers -----------------------------------------------------------------------------------------------------

  get kernel() {
    return this.choices.kernel.split(",").map(Number);
  }

  get size() {
    return Math.sqrt(this.kernel.length);
  }

  get weights() {
    return this.kernel.map((weight) => weight / this.choices.divisor);
  }

  /** Height and width of the output, or null where the kernel does not fit. */
  outputSize() {
    const { stride, padding } = this.choices;
    const sides = this.picture.shape.slice(1).map((side) => Math.floor((side + 2 * padding - this.size) / stride) + 1);
    return Math.min(...sides) > 0 ? sides : null;
  }

  filter() {
    const { stride, padding, bias, relu } = this.choices;
    const weight = tensor([1, 1, this.size, this.size], this.weights);
    const options = { stride: [stride, stride], padding: [padding, padding], dilation: [1, 1], groups: 1 };
    const sums = conv2dForward(this.picture, weight, tensor([1], [bias]), options);
    return relu ? { ...sums, data: sums.data.map((sum) => Math.max(sum, 0)) } : sums;
  }

  /** The pixels that make one pixel of the output, row by row; outside of the picture they are 0. */
  patch([row, column]) {
    const [, height, width] = this.picture.shape;
    const { stride, padding } = this.choices;
    return this.kernel.map((_, k) => {
      const i = row * stride - padding + Math.floor(k / this.size);
      const j = column * stride - padding + (k % this.size);
      const isInside = i >= 0 && i < height && j >= 0 && j < width;
      return isInside ? this.picture.data[i * width + j] : 0;
    });
  }

  // The page --------------------------------------------------------------------------------------------------------

  refresh() {
    if (this.picture === undefined) {
      return;
    }
    this.fillForm();
    const sides = this.outputSize();
    this.formula.replaceChildren(...this.formulaInWords(sides));
    this.result.hidden = sides === null;
    this.palette = readPalette(this.root);
    this.images = [imageOf(this.picture, this.pixelsOf("photo", 1))];
    this.output = sides && this.filter();
    if (sides === null) {
      this.show(null);
      return;
    }
    this.colorOutput();
    this.show(this.chosen());
    this.address?.changed();
  }

  /** The pixel of the output that is chosen, brought inside. */
  chosen() {
    const { choices } = this;
    [choices.row, choices.column] = this.inside([choices.row, choices.column]);
    return [choices.row, choices.column];
  }

  inside(place) {
    return place.map((along, axis) => Math.max(0, Math.min(this.output.shape[axis + 1] - 1, along)));
  }

  /** Show a pixel of the output and what made it: the images stay, the marks move. */
  show(place) {
    const { stride, padding } = this.choices;
    put(this.before, this.images[0]);
    put(this.after, this.images[1] ?? new ImageData(1, 1));
    if (place !== null) {
      const [row, column] = place;
      mark(this.before, row * stride - padding, column * stride - padding, this.size);
      mark(this.after, row, column, 1);
      this.explain(place);
    }
  }

  /** Choose a pixel: everything else stays. */
  choose(place) {
    [this.choices.row, this.choices.column] = this.inside(place);
    this.show(this.chosen());
    this.address?.changed();
  }

  formulaInWords(sides) {
    const { stride, padding } = this.choices;
    const [, height, width] = this.picture.shape;
    if (sides === null) {
      return [`A ${this.size} × ${this.size} kernel does not fit into ${height} × ${width} pixels: add padding.`];
    }
    const line = (name, side, result) =>
      make(
        "span",
        { class: "formula" },
        `${name} = ⌊(${side} + 2 · ${padding} − ${this.size}) / ${stride}⌋ + 1 = ${result}`,
      );
    return [line("Height", height, sides[0]), " ", line("Width", width, sides[1])];
  }

  colorOutput() {
    const kind = this.kindOfOutput();
    const limit = kind === "photo" ? 1 : Math.max(1e-12, ...extremes(this.output.data).map(Math.abs));
    this.images.push(imageOf(this.output, this.pixelsOf(kind, limit)));
    const ends = { photo: "black 0, white 1", positive: `paper 0, orange ${brief(limit)}` };
    const signed = `blue ${brief(-limit)}, paper 0, orange ${brief(limit)}`;
    this.legend.textContent = `After: ${ends[kind] ?? signed}`;
  }

  /** Gray where brightness stays, else colors: of either sign, or from zero up. */
  kindOfOutput() {
    const sum = this.weights.reduce((total, weight) => total + weight, 0);
    const [low, high] = extremes(this.output.data);
    if (sum > 0.5 && low > -1 && high < 2) {
      return "photo";
    }
    return low < 0 ? "signed" : "positive";
  }

  /** Write one pixel of the output as the sum that it is. */
  explain([row, column]) {
    const { bias, relu } = this.choices;
    const patch = this.patch([row, column]);
    const products = patch.map((pixel, k) => pixel * this.weights[k]);
    const total = products.reduce((sum, product) => sum + product, 0);
    const sum = total + bias;
    this.tables.replaceChildren(
      this.table("Pixels", patch, "photo", 1),
      make("span", { class: "sign" }, "×"),
      this.table("Kernel", this.weights, "signed", Math.max(...this.weights.map(Math.abs)) || 1),
      make("span", { class: "sign" }, "="),
      this.table("Products", products, "signed", Math.max(...products.map(Math.abs)) || 1),
    );
    const withBias = bias === 0 ? "" : `; with the bias ${brief(bias)} that is ${brief(sum)}`;
    const afterRelu = relu ? `; ReLU makes it ${brief(Math.max(sum, 0))}` : "";
    const words = `Row ${row}, column ${column}: the products sum to ${brief(total)}${withBias}${afterRelu}.`;
    this.sentence.textContent = words;
    this.after.setAttribute("aria-label", `The filtered image. Arrow keys choose a pixel. ${words}`);
  }

  /** The color of a number: gray as in the photograph, else by sign. */
  pixelsOf(kind, limit) {
    return kind === "photo"
      ? (value) => pixelOfBrightness(this.palette.photo, value / limit)
      : (value) => pixelOfShare(this.palette, value / limit);
  }

  table(caption, values, kind, limit) {
    const pixelOf = this.pixelsOf(kind, limit);
    const cell = (value) => {
      const { background, ink } = styleOfPixel(pixelOf(value));
      return make("td", { style: `background: ${background}; color: ${ink}` }, value.toFixed(2).replace("-", "\u2212"));
    };
    const rows = Array.from({ length: this.size }, (_, m) => values.slice(m * this.size, (m + 1) * this.size));
    return make(
      "table",
      { class: "numbers" },
      make("caption", {}, caption),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell)))),
    );
  }

  build() {
    const choose = (name, label, options) => this.field(name, label, make("select", {}, ...options));
    const number = (name, label) => this.field(name, label, make("input", { type: "text", autocomplete: "off" }));
    const option = (value, text) => make("option", { value }, text);
    this.grid = make("div", { class: "kernel" });
    this.refused = make("p", { class: "warning wide", role: "alert" });
    const presets = this.data.presets.map((preset, k) => option(k, preset.name));
    this.file = make("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp" });
    this.file.addEventListener("change", () => this.file.files.length > 0 && this.openFile(this.file.files[0]));
    this.form = make(
      "form",
      { class: "controls", onsubmit: (event) => event.preventDefault() },
      choose("preset", "Preset", [option("", "your own"), ...presets]),
      choose(
        "size",
        "Kernel size",
        SIZES.map((size) => option(size, `${size} × ${size}`)),
      ),
      make("fieldset", {}, make("legend", {}, "Kernel"), this.grid),
      number("divisor", "divided by"),
      number("bias", "Bias"),
      this.refused,
      choose(
        "stride",
        "Stride",
        [1, 2, 3, 4].map((value) => option(value, value)),
      ),
      choose(
        "padding",
        "Padding",
        [0, 1, 2, 3].map((value) => option(value, value)),
      ),
      choose("relu", "ReLU", [option(0, "off"), option(1, "on")]),
      make("label", { class: "wide" }, make("span", {}, "Your photo. It stays in your browser."), this.file),
      make("button", { type: "button", class: "wide", onclick: () => this.openOwn() }, "Back to our photo"),
    );
    this.before = make("canvas", { role: "img", "aria-label": "The image before the filter" });
    this.after = make("canvas", { tabindex: "0", role: "application" });
    for (const canvas of [this.before, this.after]) {
      canvas.addEventListener("pointerdown", (event) => this.pick(canvas, event));
      canvas.addEventListener("pointermove", (event) => this.follow(canvas, event));
      canvas.addEventListener("pointerleave", () => this.output && this.show(this.chosen()));
    }
    this.after.addEventListener("keydown", (event) => this.walk(event));
    this.legend = make("p", { class: "legend" });
    this.formula = make("p", { class: "size", "aria-live": "polite" });
    this.tables = make("div", { class: "sum" });
    this.sentence = make("p", { class: "sentence", "aria-live": "polite" });
    this.problem = make("p", { class: "warning", role: "alert" });
    this.pictureName = make("p", { class: "legend" });
    this.result = make("div", {}, this.legend, this.tables, this.sentence);
    const picture = (canvas, text) => make("figure", {}, make("figcaption", {}, text), canvas);
    this.root.replaceChildren(
      make("div", { class: "pair" }, picture(this.before, "Before"), picture(this.after, "After")),
      this.pictureName,
      this.problem,
      make("div", { class: "sides" }, this.form, make("div", {}, this.formula, this.result)),
    );
  }

  field(name, label, control) {
    control.setAttribute("name", name);
    control.addEventListener("change", () => this.changed(name, control.value));
    return make("label", {}, make("span", {}, label), control);
  }

  changed(name, text) {
    const value = Number(text);
    const { choices } = this;
    if (name === "preset") {
      const { kernel, divisor } = this.data.presets[value] ?? choices;
      Object.assign(choices, { kernel: String(kernel), divisor });
    } else if (name === "size") {
      choices.kernel = Array(value ** 2)
        .fill(1)
        .join(",");
      choices.divisor = value ** 2;
    } else {
      this.take(FILTER_KEYS[name](typed(text)), (number) => (choices[name] = number));
    }
    this.refresh();
  }

  changedWeight(k, text) {
    this.take(WEIGHT(typed(text)), (weight) => (this.choices.kernel = this.kernel.with(k, weight).join(",")));
    this.refresh();
  }

  /** Use a number that was typed; say so where it is none that the page takes. */
  take(number, use) {
    this.refused.textContent = number === undefined ? REFUSED : "";
    if (number !== undefined) {
      use(number);
    }
  }

  fillForm() {
    const { choices, form, grid, kernel, size } = this;
    if (grid.children.length !== kernel.length) {
      grid.style.setProperty("--size", size);
      const cells = kernel.map((_, k) => {
        const name = `Weight in row ${Math.floor(k / size)}, column ${k % size}`;
        const cell = make("input", { type: "text", autocomplete: "off", "aria-label": name });
        cell.addEventListener("change", () => this.changedWeight(k, cell.value));
        return cell;
      });
      grid.replaceChildren(...cells);
    }
    kernel.forEach((weight, k) => (grid.children[k].value = shown(weight)));
    for (const name of ["stride", "padding", "relu"]) {
      form.elements[name].value = choices[name];
    }
    for (const name of ["divisor", "bias"]) {
      form.elements[name].value = shown(choices[name]);
    }
    form.elements.size.value = size;
    const isPreset = (preset) => String(preset.kernel) === choices.kernel && preset.divisor === choices.divisor;
    const preset = this.data.presets.findIndex(isPreset);
    form.elements.preset.value = preset < 0 ? "" : preset;
  }

  /** The pixel of the output under a pointer; on the picture before, the one whose window has its center there. */
  placeUnder(canvas, event) {
    const { stride, padding } = this.choices;
    const box = canvas.getBoundingClientRect();
    const place = [
      Math.floor(((event.clientY - box.top) / box.height) * canvas.height),
      Math.floor(((event.clientX - box.left) / box.width) * canvas.width),
    ];
    const windowAround = (along) => Math.round((along + padding - (this.size - 1) / 2) / stride);
    return this.inside(canvas === this.before ? place.map(windowAround) : place);
  }

  pick(canvas, event) {
    if (this.output && event.button === 0) {
      canvas.setPointerCapture(event.pointerId);
      this.choose(this.placeUnder(canvas, event));
    }
  }

  /** Under a pressed pointer the choice goes along; under one that hovers the sum is shown until it leaves. */
  follow(canvas, event) {
    if (!this.output) {
      return;
    }
    const place = this.placeUnder(canvas, event);
    if (canvas.hasPointerCapture(event.pointerId)) {
      this.choose(place);
    } else if (event.pointerType !== "touch") {
      this.show(place);
    }
  }

  walk(event) {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (way === undefined || !this.output) {
      return;
    }
    event.preventDefault();
    const length = event.shiftKey ? 10 : 1;
    this.choose(this.chosen().map((along, axis) => along + length * way[axis]));
  }
}

/** A number as people write it, 0,5 or 1/2 or with the minus of a printed page, as the address does. */
function typed(text) {
  const [above, below = "1", ...more] = text
    .replaceAll(/[\u2212\u2013]/g, "-")
    .replaceAll(",", ".")
    .split("/")
    .map((part) => part.trim());
  const isWritten = more.length === 0 && above !== "" && below !== "";
  return isWritten ? String(Number(above) / Number(below)) : "";
}

/** A number in a field: a third has no end. */
const shown = (number) => String(Number(number.toPrecision(6))).replace("-", "\u2212");

function extremes(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function imageOf({ shape: [, height, width], data }, pixelOf) {
  const image = new ImageData(width, height);
  new Uint32Array(image.data.buffer).set(Uint32Array.from(data, pixelOf));
  return image;
}

function put(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    Object.assign(canvas, { height: image.height, width: image.width });
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Frame a square of pixels, wide enough to be seen. */
function mark(canvas, row, column, size) {
  const context = canvas.getContext("2d");
  const side = Math.max(size + 2, (MARK * canvas.width) / 320);
  const center = [column + size / 2, row + size / 2];
  for (const [color, lineWidth] of [
    ["#fff", 3],
    ["#6a2485", 1.6],
  ]) {
    Object.assign(context, { strokeStyle: color, lineWidth });
    context.strokeRect(center[0] - side / 2, center[1] - side / 2, side, side);
  }
}

/** The choices that what an address says makes. */
function choicesOf({ kernel, ...found }) {
  return kernel === undefined ? found : { ...found, kernel: kernel.join(",") };
}
