// Fields under the text of an exercise: what is typed is judged in the page. Without this script the notebook does it.
"use strict";

const { judge, readNumber, readTable } = globalThis.glassboxJudging;

for (const form of document.querySelectorAll(".exercise-answer")) {
  const known = JSON.parse(atob(form.dataset.known));
  const verdict = form.querySelector("[role=status]");
  const fields = [...form.querySelectorAll("input[type=text]")];
  const fieldsOf = (part) => fields.filter((field) => field.dataset.part === part);
  const fieldAt = (part, entry) => fieldsOf(part).find((field) => !entry || field.dataset.entry === entry.join(" "));
  form.hidden = false;

  function say(message, { right = false, field = null } = {}) {
    verdict.textContent = message.slice(0, 1).toUpperCase() + message.slice(1);
    verdict.classList.toggle("is-right", right);
    field?.setAttribute("aria-invalid", "true");
  }

  function forget() {
    verdict.textContent = "";
    verdict.classList.remove("is-right");
    for (const field of fields) field.removeAttribute("aria-invalid");
  }

  // The numbers of the fields, or null where one cannot be read, which is said.
  function read() {
    const answer = {};
    for (const part of Object.keys(known.right)) {
      const data = [];
      for (const field of fieldsOf(part)) {
        const { value, problem } = readNumber(field.value);
        if (problem) {
          say(problem, { field });
          return null;
        }
        data.push(value);
      }
      answer[part] = { shape: known.right[part].shape, data };
    }
    return answer;
  }

  function choose() {
    const chosen = form.querySelector("input:checked");
    if (!chosen) say("not answered yet: choose one, and check again.");
    return chosen && { "": chosen.value };
  }

  function check(answer) {
    const { right, message, part, entry } = judge(known, answer);
    const shown = right || known.choices || known.regions ? null : fieldAt(part, entry);
    say(message, { right, field: shown });
    const name = `exercise-${form.dataset.exercise}`;
    form.dispatchEvent(new CustomEvent("answered", { bubbles: true, detail: { name, right } }));
  }

  // Another number takes the verdict on the last one away.
  form.addEventListener("input", forget);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    forget();
    const answer = known.choices ? choose() : read();
    if (answer) check(answer);
  });

  // A table that is pasted fills the fields; one of another shape is judged as it is.
  form.addEventListener("paste", (event) => {
    const { part } = event.target.dataset;
    const table = part === undefined ? null : readTable(event.clipboardData.getData("text"));
    if (!table) return;
    event.preventDefault();
    forget();
    const places = fieldsOf(part);
    if (String(table.shape) === String(known.right[part].shape)) {
      for (const [index, field] of places.entries()) field.value = table.cells[index];
      return;
    }
    const numbers = table.cells.map(readNumber);
    const unread = numbers.find(({ problem }) => problem);
    if (unread) say(unread.problem);
    else {
      const { message } = judge(
        { ...known, right: { [part]: known.right[part] } },
        {
          [part]: { shape: table.shape, data: numbers.map(({ value }) => value) },
        },
      );
      say(message);
    }
  });
}
