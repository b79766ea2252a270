// Elements of a page. Text goes in as text: what a user named a class or a layer is never read as markup.

/**
 * Make an element. An attribute that is a function listens ("onclick"), `true` has no value, false and null are left
 * out.
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (name === "style") {
      element.style.cssText = value; // which a Content-Security-Policy allows, unlike the attribute
    } else if (value !== false && value !== null) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== false));
  return element;
}

/** A number, rounded for the eye; its full value stays in the element, for programs and for whoever copies it. */
export function makeNumber(text, value) {
  return make("data", { value: String(value) }, text);
}
