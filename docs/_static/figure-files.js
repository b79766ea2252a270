// Beside the files of a figure: its description in words, to be pasted where a slide or a page asks for one.
"use strict";

for (const row of document.querySelectorAll(".figure-files")) {
  const figure = row.previousElementSibling.querySelector("img, video");
  const description = figure.alt || figure.getAttribute("aria-label");
  const button = document.createElement("button");
  const said = document.createElement("span");
  const words = document.createElement("q");
  button.type = "button";
  button.textContent = "Description";
  button.setAttribute(
    "aria-label",
    row.firstElementChild.getAttribute("aria-label").replace(/ as .*/, ": copy its description"),
  );
  said.setAttribute("role", "status");
  words.textContent = description;
  row.append(button, said);

  button.addEventListener("click", () => {
    if (said.hasChildNodes()) {
      said.replaceChildren();
      return;
    }
    const copied = navigator.clipboard?.writeText(description) ?? Promise.reject(new Error("none"));
    copied.then(
      () => said.replaceChildren("Copied: ", words),
      () => {
        said.replaceChildren("Copy it with the keys: ", words);
        getSelection().selectAllChildren(words);
      },
    );
  });
}
