// The exported page: choose a sample, read the outputs, open any number, in one network or in each of several.
import { Address, readAddress, whole } from "./address.js";
import { Comparison } from "./comparison.js";
import { make } from "./dom.js";
import { decode, withTensors } from "./network.js";
import { readPalette, watchTheme } from "./palette.js";
import { paintWhole, toneOf } from "./pictures.js";
import { Slider } from "./slider.js";
import { decodeTensor, tensor } from "./tensor.js";
import { Viewer } from "./viewer.js";

const MOST_THUMBNAILS = 24;
const HINT =
  "Choose a sample, then pick any number in the picture of the network: it opens into the sum that made it, and every " +
  "term of that sum opens in turn. Backward shows the gradient of the loss instead.";
const HINT_OF_FILM = "The slider goes back in the training: pictures and numbers are those of the state that it names.";

/** Show the networks on the samples, one at a time. */
export function main(root, data) {
  const networks = data.networks.map(decode);
  const samples = partsOf(decodeTensor(data.samples));
  const targets = data.targets ? partsOf(decodeTensor(data.targets)) : data.labels;
  let chosen = 0;
  const field = make("input", {
    type: "number",
    min: 0,
    max: samples.length - 1,
    value: 0,
    onchange: () => choose(Number(field.value)),
  });
  const truth = make("span", { class: "tracer-note" });

  const isImage = networks[0].input.length === 3;
  const picture = make("canvas", { class: "tracer-whole", role: "img", "aria-label": "The sample as one picture" });
  const thumbnails = samples.slice(0, isImage ? MOST_THUMBNAILS : 0).map((_, number) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const name = `sample ${number}`;
    const attributes = { type: "button", "aria-label": name, title: name, onclick: () => choose(number) };
    return { canvas, button: make("button", attributes, canvas) };
  });
  const paint = () => {
    const palette = readPalette(root);
    const draw = (canvas, sample) => paintWhole(canvas, sample, palette, toneOf(sample, data.arePhotos));
    thumbnails.forEach(({ canvas }, number) => draw(canvas, samples[number]));
    if (isImage) {
      draw(picture, samples[chosen]);
    }
  };

  const choose = (number) => {
    chosen = Math.max(0, Math.min(samples.length - 1, Math.round(number) || 0));
    field.value = chosen;
    truth.textContent = data.labels ? `Its label: ${viewer.classes[data.labels[chosen]]}.` : "";
    thumbnails.forEach(({ button }, k) => button.setAttribute("aria-pressed", String(k === chosen)));
    paint();
    const others = viewers.filter((each) => each !== viewer); // first: the one that is shown is compared with them
    [...others, viewer].forEach((each) => each.read(samples[chosen], targets?.[chosen]));
    viewer.address?.changed();
  };
  const step = (by, sign, word) =>
    make(
      "button",
      { type: "button", class: "tracer-button", "aria-label": `${word} sample`, onclick: () => choose(chosen + by) },
      sign,
    );
  const controls = make(
    "div",
    { class: "tracer-controls tracer-sample" },
    make("label", { class: "tracer-field" }, "Sample ", field),
    step(-1, "←", "previous"),
    step(1, "→", "next"),
    truth,
  );
  const buttons = thumbnails.map(({ button }) => button);
  const chooser = make(
    "div",
    {},
    controls,
    isImage && picture,
    buttons.length > 1 && make("div", { class: "tracer-thumbnails", role: "group", "aria-label": "Samples" }, buttons),
  );
  const past = []; // of all: each returns to what was open in another
  const places = networks.map(() => make("div"));
  const viewers = networks.map(
    (network, k) =>
      new Viewer({
        network,
        past,
        arePhotos: data.arePhotos,
        begin: places[k],
        changed: () => comparison.draw(viewer),
      }),
  );
  let viewer = viewers[0];
  const titles = data.networks.map(({ title }) => title);
  const comparison = new Comparison({ titles, viewers, turn: (k) => turn(viewers[k]) });
  const film = data.film ?? [];
  const ofFilm = film.length > 1 && { state: whole(0, film.length - 1) };
  let state = Math.max(0, film.length - 1); // of a recorded run
  const slider = new Slider({ go: (number) => goTo(number) });
  const goTo = (number) => {
    state = number;
    slider.show({ number, last: film.length - 1, words: film[number].name });
    viewer.use(withTensors(networks[0], film[number].layers));
    viewer.address?.changed();
  };
  const hint = make("p", { class: "page-hint" }, ofFilm ? `${HINT} ${HINT_OF_FILM}` : HINT);
  const show = () => {
    places[viewers.indexOf(viewer)].append(chooser);
    const compared = viewers.length > 1 ? [comparison.element] : [];
    const player = ofFilm ? [slider.element] : [];
    root.replaceChildren(hint, ...player, ...compared, viewer.element, viewer.learn.element);
  };
  const turn = (next) => {
    const before = viewer;
    viewer = next;
    show();
    viewer.follow(before);
    viewer.address?.changed();
  };

  watchTheme(paint);
  show();
  const ofSeveral = viewers.length > 1 && { network: whole(0, viewers.length - 1) };
  const readers = {
    sample: whole(0, samples.length - 1),
    ...ofSeveral,
    ...ofFilm,
    ...viewer.readers(),
    open: (text) => text,
  };
  const restore = ({ sample = chosen, network = viewers.indexOf(viewer), open = "", ...found }) => {
    viewer = viewers[network];
    show();
    choose(sample);
    if (ofFilm) {
      goTo(found.state ?? state);
    }
    viewer.restore({ ...found, open: viewer.readers().open(open) });
  };
  if (data.isInFrame) {
    choose(0); // the address is that of whatever holds the frame
    if (ofFilm) {
      goTo(state);
    }
    return;
  }
  restore(readAddress(readers));
  const address = new Address({
    readers,
    element: root,
    describe: () => ({
      sample: chosen,
      ...(ofSeveral && { network: viewers.indexOf(viewer) }),
      ...(ofFilm && { state }),
      ...viewer.state(),
    }),
    restore,
    note: () => viewer.note(),
    travel: (note) => viewer.travel(note),
  });
  viewers.forEach((each) => (each.address = address));
  address.resume();
}

/** The parts of a tensor along its first dimension. */
function partsOf({ shape, data }) {
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, place) =>
    tensor(shape.slice(1), data.slice(place * size, (place + 1) * size)),
  );
}
