// Questions of a lesson: choose, and be told why. Without this script each answer is folded below its question.
"use strict";

// What answers a prediction: the first figure below it that this theme shows, or the first numbers.
const ANSWERS = { figure: "img.lesson-figure, video.lesson-video, [data-play]", numbers: ".sphx-glr-script-out" };

function answerBelow(quiz) {
  const below = (found) => quiz.compareDocumentPosition(found) & Node.DOCUMENT_POSITION_FOLLOWING;
  return [...document.querySelectorAll(ANSWERS[quiz.dataset.look])].find((found) => below(found) && found.offsetParent);
}

function pointAt(found, quiz, verdict) {
  const figure = found.closest(".figure-frame") ?? found;
  document.querySelector(".is-pointed-at")?.classList.remove("is-pointed-at");
  figure.classList.add("is-pointed-at");
  figure.id ||= `${quiz.querySelector("input").name}-answer`;
  const link = document.createElement("a");
  link.href = `#${figure.id}`;
  link.textContent = `Look at the ${quiz.dataset.look}.`;
  verdict.append(" ", link);
}

for (const quiz of document.querySelectorAll(".quiz")) {
  const button = quiz.querySelector(".quiz-check");
  const verdict = quiz.querySelector(".quiz-verdict");
  const answer = quiz.querySelector(".quiz-answer");
  const predicts = quiz.classList.contains("prediction");
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
    const right = chosen.value === quiz.dataset.right;
    const name = chosen.name;
    quiz.dispatchEvent(new CustomEvent("answered", { bubbles: true, detail: { name, right } }));
    const reason = answer.querySelector(`[data-choice="${chosen.value}"]`);
    verdict.replaceChildren(...reason.cloneNode(true).childNodes);
    verdict.classList.toggle("is-right", right);
    // The figure gives a prediction away, so that nothing is left to keep back.
    answer.hidden = !right && !predicts;
    const found = predicts && answerBelow(quiz);
    if (found) pointAt(found, quiz, verdict);
  });
}
