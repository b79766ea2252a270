// What the page shows, kept in the fragment of its address, so that a link opens the same again, and in the history of
// the browser, so that its Back returns to the number that was open before.
//
// An address is typed and cut short by people. A page names each key that it takes with a function that reads its text:
// it returns what the text says, or undefined for anything else.
import { make } from "./dom.js";

/** A whole number from `least` to `most`. */
export function whole(least, most) {
  return (text) => {
    const number = Number(text);
    return /^\d{1,9}$/.test(text) && number >= least && number <= most ? number : undefined;
  };
}

/** A number from `least` to `most`, written with digits, a point and perhaps a power of ten. */
export function decimal(least, most) {
  return (text) => {
    const number = Number(text);
    const isWritten = /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i.test(text);
    return isWritten && number >= least && number <= most ? number : undefined;
  };
}

/** One of these words. */
export function oneOf(...words) {
  return (text) => (words.includes(text) ? text : undefined);
}

/** Several of what `read` reads, with commas between them; `counts` says how many there may be. */
export function several(read, counts) {
  return (text) => {
    const parts = text.split(",", Math.max(...counts) + 1).map(read);
    return counts.includes(parts.length) && !parts.includes(undefined) ? parts : undefined;
  };
}

/** Read a fragment, that of the page unless another is given, by the readers of its keys. */
export function readAddress(readers, fragment = location.hash) {
  const said = new URLSearchParams(fragment.replace(/^#/, ""));
  const pairs = Object.entries(readers).map(([key, read]) => [key, said.has(key) ? read(said.get(key)) : undefined]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

/** What a fragment says that no reader takes, as in ["digit=99"]; a link to a part of the page says nothing. */
export function refusedIn(readers, fragment = location.hash) {
  const said = new URLSearchParams(fragment.replace(/^#/, ""));
  const pairs = fragment.includes("=") ? [...said] : [];
  const isTaken = ([key, text]) => Object.hasOwn(readers, key) && readers[key](text) !== undefined;
  return pairs.filter((pair) => !isTaken(pair)).map(([key, text]) => `${key}=${text}`);
}

const SOON = 250; // ms: a browser refuses to rewrite the address at every pixel of a drawing
const SHORT = 24; // letters of what was refused that are said again

/** To be made once the page shows what its address said: a link to a part of the page stays as it is until then. */
export class Address {
  /**
   * `describe()` gives what the address must say, and `restore(found)` shows what it says after others have changed
   * it. Where the reader can go back to what was open, `note()` gives that, and `travel(note)` returns to it. What is
   * refused in an address is said above `element`, the page.
   */
  constructor({ readers, element, describe, restore, note = () => null, travel = () => {} }) {
    Object.assign(this, { describe, note });
    this.timer = null;
    const style = "border-left: 4px solid var(--tracer-picked); margin: 0 0 0.8rem; padding-left: 0.7rem";
    this.notice = make("p", { class: "play", role: "status", style });
    element.before(this.notice);
    this.kept = history.state?.glassbox; // where the page was left and is back, or is loaded again
    this.entry = this.kept?.entry ?? 0; // of those that this page has made
    this.travel = travel;
    this.tellRefused(readers);
    this.said = this.text();
    history.replaceState(this.state(), "");
    addEventListener("popstate", ({ state }) => {
      if (state?.glassbox) {
        [this.entry, this.said] = [state.glassbox.entry, state.glassbox.said];
        travel(state.glassbox.note);
        this.write("replaceState"); // the rest of the page has not gone back
      }
    });
    addEventListener("hashchange", () => {
      if (!history.state?.glassbox && location.hash.includes("=")) {
        this.tellRefused(readers);
        restore(readAddress(readers));
        this.said = null; // what was refused in it goes
        this.write("replaceState");
      }
    });
  }

  /** Return to what was open when the page was left, with the way to it, which no address says. */
  resume() {
    if (this.kept) {
      this.travel(this.kept.note);
      this.write("replaceState");
    }
  }

  /** Say what of the address was not understood. */
  tellRefused(readers) {
    const refused = refusedIn(readers).map((text) => (text.length > SHORT ? `${text.slice(0, SHORT)} …` : text));
    const words = `Not understood in the address, and left out: ${refused.join(", ")}.`;
    this.notice.hidden = refused.length === 0;
    this.notice.textContent = refused.length > 0 ? words : "";
  }

  state() {
    return { glassbox: { entry: this.entry, note: this.note(), said: this.said } };
  }

  text() {
    const text = new URLSearchParams(this.describe()).toString();
    return `#${text.replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
  }

  /** What is shown has changed: the address follows soon. */
  changed() {
    clearTimeout(this.timer);
    // an entry without a note is the reader's own, who has just changed the address: it is read first
    this.timer = setTimeout(() => history.state?.glassbox && this.write("replaceState"), SOON);
  }

  /** Another thing is open: the browser's Back will return to the one before. */
  opened() {
    clearTimeout(this.timer);
    this.entry += 1;
    this.write("pushState");
  }

  write(how) {
    const [before, text] = [this.said, this.text()];
    this.said = text;
    history[how](this.state(), "", text === before ? undefined : text);
  }

  get canGoBack() {
    return this.entry > 0;
  }

  back() {
    history.back();
  }
}
