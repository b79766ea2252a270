// Questions at the end of a lesson: choose, check, be told why. Without this script each answer is folded below.
"use strict";

for (const quiz of document.querySelectorAll(".quiz")) {
  const button = quiz.querySelector(".quiz-check");
  const verdict = quiz.querySelector(".quiz-verdict");
  const answer = quiz.querySelector(".quiz-answer");
  button.hidden = false;
  answer.hidden = true;

  // Another choice takes the verdict on the last one away.
  quiz.addEventListener("change", () => {
    verdict.replaceChildren();
    verdict.classList.remove("is-right");
  });

  button.addEventListener("click", () => {
    const chosen = quiz.querySelector("input:checked");
    if (!chosen) {
      verdict.textContent = "Choose an answer first.";
      return;
    }
    const reason = answer.querySelector(`[data-choice="${chosen.value}"]`);
    verdict.replaceChildren(...reason.cloneNode(true).childNodes);
    verdict.classList.toggle("is-right", chosen.value === quiz.dataset.right);
    answer.hidden = chosen.value !== quiz.dataset.right;
  });
}
