/* A lesson for the wall: ?present shows one section at a time, large, with its code folded.

   The page's own content is used as it is; only classes and a bar are added, and all of it goes when the reader leaves.
   Keys: right, left, space, Page Up and Down (a clicker's) move; C shows code, F a figure in full, Escape brings it
   back, which is scrolled as a page is, + and - size the text, Home and End go to the ends, X leaves a section out and
   Shift X brings it back.

   A plan of a class says in the address which sections are left out, by their identifiers, and which lessons come then,
   each by its number and without what: ?present&without=nine-weights,questions&then=1.3,the-digits;1.4. Between them
   stand breaks and words, which the bar says: &then=10 minutes: A break.;1.4. */
(() => {
  "use strict";
  const article = document.querySelector("#furo-main-content");
  const lesson = article?.querySelector("section");
  if (!lesson) return;

  const MOVED = "present-moved"; // the address to which a lesson went on
  const LAST = "#end"; // the last section
  const AIR = 0.03; // of the window's height, above what a move brings to the top
  const address = new URL(location.href);
  if (!address.searchParams.has("present")) {
    offer();
    return;
  }

  const root = document.documentElement;
  const all = [lesson, ...lesson.querySelectorAll(":scope > section")];
  const without = (address.searchParams.get("without") ?? "exercises,download").split(",");
  let sections = all.filter((section) => section === lesson || !without.includes(section.id));
  const then = address.searchParams.get("then");
  const neighbors = { previous: link("prev"), next: link("next") };
  let zoom = Number(sessionStorage.getItem("present-zoom")) || 1;
  let { search } = location;
  const dropped = []; // by X
  let told = 0; // of the plan's words before its next lesson
  let full = null;
  let before = 0;
  root.classList.add("present");
  document.title = `${document.title} (presentation)`;

  const bar = document.createElement("nav");
  bar.className = "present-bar";
  bar.setAttribute("aria-label", "Presentation");
  const place = document.createElement("span");
  place.setAttribute("role", "status");
  const note = document.createElement("span");
  note.className = "present-note"; // with words in it, the bar stays
  note.setAttribute("role", "status");
  const code = button("Code", "Show or hide the code (C)", toggleCode);
  bar.append(
    button("‹", "Previous (left arrow)", () => move(-1)),
    place,
    note,
    button("›", "Next (right arrow, space)", () => move(1)),
    code,
    button("A−", "Smaller text (-)", () => resize(zoom / 1.1)),
    button("A+", "Larger text (+)", () => resize(zoom * 1.1)),
    button("Leave", "Back to the lesson", leave),
  );
  document.body.append(bar);

  const moved = sessionStorage.getItem(MOVED) === withoutHash(location.href);
  sessionStorage.removeItem(MOVED);
  if (moved) history.replaceState({ moved }, "");
  let current = 0;
  resize(zoom);
  showCode(false);
  show(location.hash === LAST ? sections.length - 1 : placeOf(sectionOf(location.hash)));
  tellStrange();

  // Another lesson that the text names is shown on the wall, too; the browser's way back leads here.
  for (const way of article.querySelectorAll('a.internal[href*="plot_"]:not([download])')) way.search = "?present";

  let idle = setTimeout(hideBar, 4000);
  addEventListener("mousemove", () => {
    clearTimeout(idle);
    root.classList.remove("present-idle");
    idle = setTimeout(hideBar, 4000);
  });
  addEventListener("keydown", onKey);
  article.addEventListener("answered", ({ target }) => target.classList.add("present-made"));
  article.addEventListener("started", ({ target }) => {
    if (full?.matches(".play-still") && full.nextElementSibling === target) toggleFull(target);
  });
  addEventListener("hashchange", () => {
    const section = sectionOf(location.hash);
    if (section !== sections[current]) show(placeOf(section));
  });
  article.addEventListener("click", (event) => {
    // Chosen with the mouse, a choice leaves the arrows to the wall: they would choose another.
    if (event.detail > 0 && event.target.closest(".prediction label")) requestAnimationFrame(leaveChoice);
    const figure = event.target.closest("a.lesson-figure"); // films and pages to play with are worked by clicks: F
    if (!figure) return;
    event.preventDefault();
    toggleFull(figure);
  });

  /* The way in, in the lesson as it is read. */
  function offer() {
    const way = document.createElement("a");
    address.searchParams.set("present", "");
    way.href = `?present${location.hash}`;
    way.className = "present-way";
    way.textContent = "Present";
    way.title = "One section at a time, large, for a projector";
    document.querySelector(".content-icon-container")?.prepend(way);
  }

  function leaveChoice() {
    if (document.activeElement.matches("[type=radio]")) document.activeElement.blur();
  }

  function hideBar() {
    root.classList.add("present-idle");
  }

  function withoutHash(href) {
    return href.split("#")[0];
  }

  /* A plan may name a section that has another title by now: it is shown, and the bar says so until the first move. */
  function tellStrange() {
    if (!address.searchParams.has("without")) return;
    const strange = without.filter((name) => name && !all.some(({ id }) => id === name));
    if (strange.length) note.textContent = `Not in this lesson, so not left out: ${strange.join(", ")}`;
  }

  function link(relation) {
    return document.querySelector(`head link[rel="${relation}"]`)?.href;
  }

  function button(text, label, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.title = label;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  /* The section that an address names, or that holds what it names. */
  function sectionOf(hash) {
    const named = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    return (named && all.findLast((section) => section.contains(named))) || lesson;
  }

  /* Where a section comes; one that was left out and is named by an address comes again. */
  function placeOf(wanted) {
    sections = all.filter((section) => section === wanted || sections.includes(section));
    return sections.indexOf(wanted);
  }

  function show(index) {
    close();
    current = index;
    told = 0;
    for (const section of all) section.classList.toggle("present-now", section === sections[index]);
    lesson.classList.toggle("present-first", index === 0);
    place.textContent = `${index + 1} / ${sections.length}`;
    history.replaceState(history.state, "", `${search}#${sections[index].id}`);
    scrollTo(0, 0);
  }

  /* A screen further within the section, then to the next section, then to the next lesson. */
  function move(direction) {
    if (full) return scrollFull(direction) || close();
    const length = direction > 0 ? lengthDown() : lengthUp();
    if (length > 4) {
      scrollBy({ top: direction * length, behavior: "instant" });
      return undefined;
    }
    if (direction > 0 && lookOn()) return undefined;
    const index = current + direction;
    note.textContent = "";
    if (sections[index]) {
      show(index);
      if (direction < 0) {
        while (lookOn());
        scrollTo(0, scrollY + blocks().at(-1).getBoundingClientRect().bottom - innerHeight * 0.97);
      }
      return undefined;
    }
    return direction > 0 ? goOn() : goBack();
  }

  /* Most of a screen further in what is shown in full: whether there was any. */
  function scrollFull(direction) {
    const left = direction > 0 ? full.scrollHeight - full.clientHeight - full.scrollTop : full.scrollTop;
    if (left <= 4) return false;
    full.scrollBy({ top: direction * innerHeight * 0.8, behavior: "instant" });
    return true;
  }

  /* To the next lesson: the plan's, where there is one, when its words before that lesson are told. */
  function goOn() {
    const plan = (then ?? "").split(";").slice(told);
    if (/^\d+ minutes: /.test(plan[0])) {
      [note.textContent] = plan;
      told += 1;
      return;
    }
    const [[number, ...left], ...later] = (plan.length ? plan : [""]).map((each) => each.split(","));
    const next = then === null ? neighbors.next : pageOf(number);
    if (next?.includes("/plot_")) {
      const query = then === null ? "" : `&without=${left}&then=${later.join(";")}`;
      const target = new URL(`${next}?present${query}`).href;
      sessionStorage.setItem(MOVED, target);
      location.href = target;
    } else if (then !== null) {
      note.textContent = number ? `The plan goes on with lesson ${number}, which is not there` : "The end of the plan";
    }
  }

  /* To the lesson before: where the room came from, if it did. */
  function goBack() {
    if (history.state?.moved) {
      history.back();
    } else if (then === null && neighbors.previous?.includes("/plot_")) {
      location.href = `${neighbors.previous}?present${LAST}`;
    }
  }

  /* The page of a lesson, which the list of all pages knows. */
  function pageOf(number) {
    const name = `/plot_${number.replace(".", "")}_`;
    return [...document.querySelectorAll(".sidebar-tree a")].find(({ href }) => href.includes(name))?.href;
  }

  /* Show what follows a prediction, which waits until it is made or the room has had its time: whether there was any. */
  function lookOn() {
    const waiting = sections[current].querySelector(":scope > .prediction:not(.present-made)");
    if (!waiting) return false;
    waiting.classList.add("present-made");
    const next = [...waiting.parentElement.children].find(
      (element) => element.offsetHeight > 0 && waiting.compareDocumentPosition(element) & 4, // it follows
    );
    if (next) scrollBy({ top: next.getBoundingClientRect().top - innerHeight * AIR, behavior: "instant" });
    return true;
  }

  /* The paragraphs, figures and prints of the section that are shown. */
  function blocks() {
    return [...sections[current].children].filter((element) => element.offsetHeight > 0);
  }

  /* Down to what is not whole on this screen, with what leads to it, or the figure that it speaks of, if both fit. */
  function lengthDown() {
    const shown = blocks();
    const index = shown.findIndex((block) => block.getBoundingClientRect().bottom > innerHeight + 4);
    if (index < 0) return 0;
    const { top, bottom } = shown[index].getBoundingClientRect();
    const above = shown[index - 1]?.getBoundingClientRect().top ?? 0;
    const belongs = above > innerHeight * 0.4 || shown[index - 1]?.matches(".figure-frame");
    const begin = belongs && bottom - above < innerHeight ? above : top;
    const air = Math.max(0, Math.min(innerHeight * AIR, innerHeight - (bottom - begin)));
    const fits = bottom - begin <= innerHeight || begin > innerHeight * 0.25;
    return fits && begin - air > 4 ? begin - air : innerHeight * 0.85;
  }

  /* Most of a screen up, to where a paragraph, figure or print begins. */
  function lengthUp() {
    const begins = blocks().map((block) => innerHeight * AIR - block.getBoundingClientRect().top);
    const reached = begins.filter((length) => length > 4 && length < innerHeight * 0.9);
    return Math.min(scrollY, Math.max(...reached, reached.length ? 0 : innerHeight * 0.85));
  }

  /* A plan of one's own is made by going through a lesson: the address then holds it. */
  function leaveOut() {
    if (current === 0) return; // the title stays
    const [section] = sections.splice(current, 1);
    dropped.push(section);
    rewrite(Math.min(current, sections.length - 1));
    note.textContent = "Left out; Shift X brings it back";
  }

  function bringBack() {
    if (dropped.length) rewrite(placeOf(dropped.pop()));
  }

  function rewrite(index) {
    const left = all.filter((section) => !sections.includes(section)).map(({ id }) => id);
    search = `?present&without=${left}${then === null ? "" : `&then=${then}`}`;
    note.textContent = "";
    show(index);
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target.closest("input, select, textarea, [contenteditable]");
    const isOurs =
      ["Escape", "PageDown", "PageUp"].includes(event.key) || (!inField && event.key.toLowerCase() === "f");
    if ((inField || event.target.closest(".play")) && !isOurs) return; // what is played with has its own keys
    const onButton = event.target.closest("button, summary, a, video") && event.key === " ";
    const acts = {
      ArrowRight: () => move(1),
      PageDown: () => move(1),
      ArrowLeft: () => move(-1),
      PageUp: () => move(-1),
      Home: () => show(0),
      End: () => show(sections.length - 1),
      Escape: close,
      "+": () => resize(zoom * 1.1),
      "=": () => resize(zoom * 1.1),
      "-": () => resize(zoom / 1.1),
      0: () => resize(1),
      c: toggleCode,
      x: event.shiftKey ? bringBack : leaveOut,
      f: () => toggleFull(figureInView()),
    };
    if (!onButton) acts[" "] = () => move(event.shiftKey ? -1 : 1);
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  function resize(factor) {
    zoom = Math.min(3, Math.max(0.6, factor));
    sessionStorage.setItem("present-zoom", zoom);
    root.style.setProperty("--present-zoom", zoom);
  }

  function toggleCode() {
    showCode(!root.classList.contains("present-code"));
  }

  function showCode(shown) {
    root.classList.toggle("present-code", shown);
    code.setAttribute("aria-pressed", String(shown));
  }

  /* Figures, films and pages to play with that are seen; before its start, the still of such a page. */
  function figures() {
    const drawn = article.querySelectorAll("a.lesson-figure, .play, .play-still, video");
    return [...drawn].filter((element) => element.offsetHeight > 0 && !element.matches(".play:empty"));
  }

  /* The one at the middle of the screen, however long it is, or the nearest to it. */
  function figureInView() {
    const off = (element) => {
      const { top, bottom } = element.getBoundingClientRect();
      return Math.max(top - innerHeight / 2, innerHeight / 2 - bottom, 0);
    };
    return figures().sort((a, b) => off(a) - off(b))[0];
  }

  function toggleFull(figure) {
    const opened = figure !== full;
    close();
    if (!figure || !opened) return;
    full = figure;
    before = scrollY; // the page is shorter without the figure
    full.classList.add("present-full");
    if (full.matches("video")) full.play().catch(() => {}); // a browser may refuse
    root.classList.add("present-still");
  }

  function close() {
    if (!full) return;
    full.classList.remove("present-full");
    if (full.matches("video")) full.pause();
    root.classList.remove("present-still");
    full = null;
    scrollTo(0, before);
  }

  function leave() {
    location.href = `${location.pathname}#${sections[current].id}`;
  }
})();
