// A page to play with inside a lesson: its style and script are fetched when the reader starts it.
"use strict";

for (const still of document.querySelectorAll(".play-still")) {
  const button = still.querySelector(".play-start");
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = `${still.dataset.start}.css`;
    const script = document.createElement("script");
    script.src = `${still.dataset.start}.js`;
    script.addEventListener("load", () => {
      const page = still.nextElementSibling;
      page.dispatchEvent(new CustomEvent("started", { bubbles: true }));
      still.remove();
      page.focus();
    });
    document.head.append(style, script);
  });
}
