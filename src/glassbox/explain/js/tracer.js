// The exported page: choose a sample, read the outputs, open any number.
import { Address, readAddress, whole } from "./address.js";
import { make } from "./dom.js";
import { decode } from "./network.js";
import { decodeTensor, tensor } from "./tensor.js";
import { Viewer } from "./viewer.js";

/** Show the network on its samples. */
export function main(root, data) {
  const network = decode(data.network);
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

  const choose = (number) => {
    chosen = Math.max(0, Math.min(samples.length - 1, Math.round(number) || 0));
    field.value = chosen;
    truth.textContent = data.labels ? `Its label: ${viewer.classes[data.labels[chosen]]}.` : "";
    viewer.read(samples[chosen], targets?.[chosen]);
    viewer.address?.changed();
  };
  const step = (by, sign, word) =>
    make(
      "button",
      { type: "button", class: "tracer-button", "aria-label": `${word} sample`, onclick: () => choose(chosen + by) },
      sign,
    );
  const chooser = make(
    "div",
    { class: "tracer-controls tracer-sample" },
    make("label", { class: "tracer-field" }, "Sample ", field),
    step(-1, "←", "previous"),
    step(1, "→", "next"),
    truth,
  );
  const viewer = new Viewer({
    network,
    begin: chooser,
  });
  root.replaceChildren(viewer.element, viewer.learn.element);
  const readers = { sample: whole(0, samples.length - 1), ...viewer.readers() };
  const restore = ({ sample = chosen, ...found }) => {
    choose(sample);
    viewer.restore(found);
  };
  restore(readAddress(readers));
  viewer.address = new Address({
    readers,
    describe: () => ({ sample: chosen, ...viewer.state() }),
    restore,
    note: () => viewer.note(),
    travel: (note) => viewer.travel(note),
  });
}

/** The parts of a tensor along its first dimension. */
function partsOf({ shape, data }) {
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, place) =>
    tensor(shape.slice(1), data.slice(place * size, (place + 1) * size)),
  );
}
