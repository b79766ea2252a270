// The tracer: a network, a few samples, and every number open.
import { decode, forward, probabilities } from "./network.js";
import { decodeTensor, tensor } from "./tensor.js";

/** Show the network on its first sample. */
export function main(root, data) {
  const network = decode(data.network);
  const samples = decodeTensor(data.samples);
  const perSample = samples.data.length / samples.shape[0];
  const run = forward(network, tensor(network.input, samples.data.slice(0, perSample)));
  const list = document.createElement("ol");
  probabilities(run).data.forEach((probability, k) => {
    const item = document.createElement("li");
    item.textContent = `${network.classes?.[k] ?? k}: ${(100 * probability).toFixed(1)} %`;
    list.append(item);
  });
  root.replaceChildren(list);
}
