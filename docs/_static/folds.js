// Folded code: a switch that shows all of it, kept for the next page, and folds that open where the search found a word.
"use strict";

const FOLDS_KEY = "glassbox-show-all-code";
const folds = [...document.querySelectorAll("details.drawing")];
const showAll = document.querySelector(".show-code input");

// From disk, or with storage switched off, a browser may refuse: then the choice holds for this page.
function stored(change) {
  try {
    return change(localStorage);
  } catch {
    return null;
  }
}

function showCode(shown) {
  for (const fold of folds) fold.open = shown;
}

showAll.checked = stored((storage) => storage.getItem(FOLDS_KEY)) === "yes";
if (showAll.checked) showCode(true);

showAll.addEventListener("change", () => {
  showCode(showAll.checked);
  stored((storage) => storage.setItem(FOLDS_KEY, showAll.checked ? "yes" : "no"));
});

// The search marks its words some time after the page is ready.
const marks = new MutationObserver(() => {
  for (const fold of folds) if (fold.querySelector(".highlighted")) fold.open = true;
});
for (const fold of folds) marks.observe(fold, { childList: true, subtree: true });
