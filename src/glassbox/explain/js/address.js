// What the page shows, kept in the fragment of its address, so that a link opens the same number again.

/** Read the fragment: #digit=3&open=conv2:1.4.5 gives {digit: "3", open: "conv2:1.4.5"}. */
export function readAddress() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/**
 * Keep the fragment as `describe()` says: returns a function to call after each change. `restore(address)` is called
 * when the fragment is changed by others.
 */
export function keepAddress(describe, restore) {
  let [timer, written] = [null, null];
  const write = () => {
    const text = new URLSearchParams(describe()).toString();
    written = `#${text.replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
    history.replaceState(history.state, "", written);
  };
  addEventListener("hashchange", () => {
    if (location.hash !== written && location.hash.includes("=")) {
      restore(readAddress());
    }
  });
  // A browser refuses to rewrite the address at every pixel of a drawing.
  return () => {
    clearTimeout(timer);
    timer = setTimeout(write, 250);
  };
}
