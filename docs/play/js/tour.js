// A tour in a few steps, each beside what it speaks of. It shows itself once; after that only who asks for it gets it.
import { make } from "./dom.js";

export class Tour {
  /**
   * `steps` are {element, above, words}: to stand above something and outline `element`; `enter()`, where there is one,
   * makes it ready, and `leave()` undoes that. `key` is the name under which the browser remembers that it was shown.
   */
  constructor({ steps, key }) {
    Object.assign(this, { steps, key, at: 0 });
    const button = (kind, text, act) => {
      return make("button", { type: "button", class: `tracer-button ${kind}`, onclick: act }, text);
    };
    this.words = make("p", { tabindex: -1 });
    this.nextButton = button("is-main", "Next", () => this.next());
    this.element = make(
      "aside",
      { class: "tour", "aria-label": "A short tour", hidden: true },
      this.words,
      make(
        "div",
        {},
        this.nextButton,
        button("", "Skip the tour", () => this.end()),
      ),
    );
  }

  /** Show the tour, unless it was shown before. */
  showOnce() {
    if (!wasShown(this.key)) {
      this.show(0);
    }
  }

  show(at) {
    this.at = at;
    this.mark(false);
    this.element.hidden = false;
    this.steps[at].above.before(this.element);
    this.words.textContent = `${at + 1} of ${this.steps.length}. ${this.steps[at].words}`;
    this.nextButton.textContent = at + 1 < this.steps.length ? "Next" : "Done";
    this.mark(true);
  }

  /** The reader is already at what a step speaks of. */
  reached(at) {
    if (!this.element.hidden && this.at < at) {
      this.show(at);
    }
  }

  next() {
    if (this.at + 1 < this.steps.length) {
      this.steps[this.at].leave?.();
      this.show(this.at + 1);
      this.steps[this.at].enter?.();
      if (!this.steps[this.at].element.contains(this.element)) {
        this.element.scrollIntoView({ block: "center" });
      }
      this.nextButton.focus({ preventScroll: true }); // it was moved
    } else {
      this.end();
    }
  }

  end() {
    this.mark(false);
    this.element.hidden = true;
  }

  mark(isOn) {
    this.steps.forEach(({ element }, k) => element.classList.toggle("is-toured", isOn && k === this.at));
  }
}

/** Whether this is not the first time; a browser may refuse to remember. */
function wasShown(key) {
  try {
    const before = localStorage.getItem(key);
    localStorage.setItem(key, "shown");
    return before !== null;
  } catch {
    return false;
  }
}
