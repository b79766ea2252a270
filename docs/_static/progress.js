// What was read and answered, kept by this browser and sent nowhere: marks in the sidebar and on the map, the way back
// to the last lesson, and the page Review. Without this script every page is whole.
"use strict";

{
  const KEY = "glassbox-progress";
  const root = new URL(document.documentElement.dataset.content_root, location.href);
  const place = (address) => new URL(address, location.href).pathname.slice(root.pathname.length);
  const here = place(location.href);

  // What was stored by an older page, or by hand, may be anything.
  function load() {
    const fresh = { read: {}, answered: {}, last: null };
    try {
      const found = JSON.parse(localStorage.getItem(KEY)) ?? {};
      const known = (value) => (value && typeof value === "object" ? value : null);
      const last = typeof found.last?.page === "string" && typeof found.last.title === "string" ? found.last : null;
      return { read: known(found.read) ?? {}, answered: known(found.answered) ?? {}, last };
    } catch {
      return fresh;
    }
  }

  // From disk, or with storage switched off, a browser may refuse.
  function change(how) {
    const progress = load();
    how(progress);
    try {
      localStorage.setItem(KEY, JSON.stringify(progress));
      return true;
    } catch {
      return false;
    }
  }

  function element(name, text, className = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function mark() {
    for (const old of document.querySelectorAll(".was-read, .was-answered")) old.remove();
    const { read, answered } = load();
    for (const link of document.querySelectorAll(".sidebar-tree a, .lesson-words > p:first-child a")) {
      if (!read[place(link.href)] || link.querySelector("img")) continue;
      const sign = element("span", "✓", "was-read");
      sign.setAttribute("role", "img");
      sign.setAttribute("aria-label", "read");
      link.append(sign);
    }
    count(answered);
  }

  // How many of a lesson's questions and exercises were answered right, on its card of the map.
  function count(answered) {
    const right = Object.keys(answered).filter((name) => answered[name] === true);
    for (const card of document.querySelectorAll(".lesson-words")) {
      const number = card.textContent.trim().match(/^\d+\.\d+/)?.[0];
      const own = right.filter((name) => name.split("-").slice(1).join(".").startsWith(`${number}.`)).length;
      if (own) card.querySelector(".lesson-facts").append(element("p", `Answered right: ${own}`, "was-answered"));
    }
  }

  function offerToGoOn() {
    const { last, read } = load();
    const title = document.querySelector("article h1");
    // The address is one of this site, whatever is stored.
    if (!last || !/^lessons\/[\w/]+\.html$/.test(last.page) || !title) return;
    const line = element("p", read[last.page] ? "Last read: " : "Go on where you were: ", "go-on");
    const link = element("a", last.title);
    link.href = new URL(last.page, root).href;
    line.append(link);
    title.after(line);
  }

  function watchLesson() {
    const title = document.querySelector("article h1").cloneNode(true);
    for (const sign of title.querySelectorAll(".headerlink")) sign.remove();
    change((progress) => {
      progress.last = { page: here, title: title.textContent.trim() };
    });
    const end = document.querySelector("#questions, #download");
    if (!end) return;
    const seen = new IntersectionObserver(([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      seen.disconnect();
      change((progress) => {
        progress.read[here] = true;
      });
      mark();
    });
    seen.observe(end.querySelector("h2") ?? end);
  }

  function shuffle(items) {
    for (let last = items.length - 1; last > 0; last -= 1) {
      const other = Math.floor(Math.random() * (last + 1));
      [items[last], items[other]] = [items[other], items[last]];
    }
    return items;
  }

  function review(questions) {
    const { answered } = load();
    const left = [];
    for (const question of questions.children) {
      question.hidden = answered[question.querySelector("input").name] === true;
      if (!question.hidden) left.push(question);
    }
    questions.append(...shuffle(left));
    const exercises = [...document.querySelectorAll(".review-exercises li")];
    for (const item of exercises) {
      const address = item.querySelector("a")?.hash ?? "";
      const name = address.slice(1).replace(/^exercise-(\d)-(\d)-/, "exercise-$1.$2-");
      item.hidden = answered[name] === true;
    }
    const kept = change(() => {});
    const words = left.length ? `${left.length} questions are left.` : "All questions are answered right.";
    return kept ? words : `${words} This browser keeps nothing for this page, so that all of them come at each visit.`;
  }

  function openReview(questions) {
    const says = element("p", "", "review-says");
    says.setAttribute("role", "status");
    const forget = element("button", "Forget all that I read and answered", "review-forget");
    forget.type = "button";
    forget.addEventListener("click", () => {
      try {
        localStorage.removeItem(KEY);
      } catch {
        // Nothing was kept.
      }
      mark();
      says.textContent = `Forgotten. ${review(questions)}`;
    });
    questions.before(says);
    questions.parentElement.append(forget);
    says.textContent = review(questions);
  }

  document.addEventListener("answered", ({ detail: { name, right } }) => {
    change((progress) => {
      progress.answered[name] = right;
    });
  });
  mark();
  if (/^lessons\/.*\/plot_/.test(here)) watchLesson();
  if (["", "index.html", "map.html"].includes(here)) offerToGoOn();
  const questions = document.querySelector(".review-questions");
  if (questions) openReview(questions);
}
