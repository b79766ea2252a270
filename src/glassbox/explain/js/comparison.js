// Several networks on one input: what each makes of it and of the number that is open, and which one is shown.
import { make, makeNumber } from "./dom.js";
import { percent, written } from "./numbers.js";
import { placeOfAddress } from "./places.js";

export class Comparison {
  /** `titles` name the networks of the `viewers`; `turn(k)` is called when the reader asks for one of them. */
  constructor({ titles, viewers, turn }) {
    this.viewers = viewers;
    this.open = make("th", { scope: "col" });
    this.rows = titles.map((title, k) => {
      const radio = make("input", { type: "radio", name: "network", value: k, onchange: () => turn(k) });
      const [answer, number] = [make("td"), make("td")];
      const name = make("th", { scope: "row" }, make("label", {}, radio, " ", title));
      return { radio, answer, number, element: make("tr", {}, name, answer, number) };
    });
    const head = [make("th", { scope: "col" }, "Network"), make("th", { scope: "col" }, this.wordOfAnswer), this.open];
    this.element = make(
      "table",
      { class: "comparison" },
      make("caption", { class: "tracer-hidden" }, "What each network makes of the sample"),
      make("thead", {}, make("tr", {}, head)),
      make(
        "tbody",
        {},
        this.rows.map(({ element }) => element),
      ),
    );
  }

  get wordOfAnswer() {
    return this.viewers[0].areShares ? "reads" : "loss";
  }

  /** Show what each makes of the number that is open in the viewer `shown`. */
  draw(shown) {
    this.open.textContent = shown.place === null ? "" : shown.codeOf(shown.place);
    this.viewers.forEach((viewer, k) => {
      const { radio, answer, number } = this.rows[k];
      radio.checked = viewer === shown;
      answer.replaceChildren(...answerOf(viewer));
      const value = shown.place && valueIn(viewer, shown);
      number.replaceChildren(value === null ? "–" : makeNumber(written(value), value));
    });
  }
}

function answerOf(viewer) {
  if (!viewer.areShares) {
    return [makeNumber(written(viewer.slopes.loss), viewer.slopes.loss)];
  }
  const [shares, best] = [viewer.shownOutputs(), viewer.readClass];
  return [`${viewer.classes[best]}, `, makeNumber(percent(shares[best]), shares[best])];
}

/** What a viewer has at the place that is open in another, or null where it has no such place. */
function valueIn(viewer, shown) {
  const place = placeOfAddress(viewer.network, shown.addressOf(shown.place));
  if (place === null) {
    return null;
  }
  return viewer.explain(place, shown.direction).result;
}
