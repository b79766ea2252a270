// Names of the numbers of a run: in code, as in conv2[1, 4, 5]; in words; and short, for the address of the page.

const AXES = {
  1: ["number"],
  2: ["to", "from"],
  3: ["channel", "row", "column"],
  4: ["output channel", "input channel", "kernel row", "kernel column"],
};

/** The name of values[i]: what layer i - 1 made, or the input. */
export function nameOfValue(network, i) {
  return i === 0 ? "input" : network.layers[i - 1].name;
}

/** What holds a place: the name of a layer's output, or of one of its tensors. */
export function nameOfPlace(network, place) {
  const { what, layer } = place;
  if (what === "weight" || what === "bias") {
    return `${network.layers[layer].name}.${what}`;
  }
  return what === "value" || what === "slope" || what === "padding" ? nameOfValue(network, place.value) : what;
}

/** A place as code: conv2[1, 4, 5]. Indices count from 0, as in the lessons. */
export function codeOfPlace(network, place) {
  const name = nameOfPlace(network, place);
  return place.index === undefined ? name : `${name}[${place.index.join(", ")}]`;
}

/** An index in words: channel 1, row 4, column 5. */
export function wordsOfIndex(index, classes = null) {
  if (index.length === 1 && classes !== null) {
    return `class ${classes[index[0]] ?? index[0]}`;
  }
  return index.map((part, axis) => `${AXES[index.length]?.[axis] ?? "index"} ${part}`).join(", ");
}

/** A place for the address: conv2:1.4.5. */
export function addressOfPlace(network, place) {
  const index = place.index === undefined ? "" : `:${place.index.join(".")}`;
  return `${nameOfPlace(network, place)}${index}`;
}

/** The place that an address names, or null: addresses are typed and cut short by people. */
export function placeOfAddress(network, address) {
  const [name, digits = ""] = splitLast(address ?? "", ":");
  const index = digits.split(".").map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : NaN));
  if (name === "loss") {
    return { what: "loss" };
  }
  return (
    candidates(network, name)
      .find(({ shape }) => fits(index, shape))
      ?.placeAt(index) ?? null
  );
}

function candidates(network, name) {
  const found =
    name === "input" ? [{ shape: network.input, placeAt: (index) => ({ what: "value", value: 0, index }) }] : [];
  network.layers.forEach((layer, l) => {
    if (name === layer.name) {
      found.push({ shape: layer.outputShape, placeAt: (index) => ({ what: "value", value: l + 1, index }) });
    }
    for (const what of ["weight", "bias"]) {
      if (layer[what] && name === `${layer.name}.${what}`) {
        found.push({ shape: layer[what].shape, placeAt: (index) => ({ what, layer: l, index }) });
      }
    }
  });
  if (name === "probability") {
    found.push({ shape: network.layers.at(-1).outputShape, placeAt: (index) => ({ what: "probability", index }) });
  }
  return found;
}

function fits(index, shape) {
  return (
    index.length === shape.length &&
    index.every((part, axis) => Number.isInteger(part) && part >= 0 && part < shape[axis])
  );
}

function splitLast(text, separator) {
  const at = text.lastIndexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
