/* A lesson for the wall: ?present shows one section at a time, large, with its code folded.

   The page's own content is used as it is; only classes and a bar are added, and all of it goes when the reader leaves.
   Keys: right, left, space, Page Up and Down (a clicker's) move; C shows code, F a figure in full, Escape brings it
   back, which is scrolled as a page is, + and - size the text, B and the period make the screen black, Home and End go
   to the ends, X leaves a section out and Shift X brings it back.

   A plan of a class says in the address which sections are left out, by their identifiers, and which lessons come then,
   each by its number and without what: ?present&without=nine-weights&never=questions&then=1.3,the-digits;1.4. What is
   never shown is left out of each of them. Between them stand breaks, words and pages to play with, a slide each:
   &then=10 minutes: A break.;7 minutes play/digit: Draw a digit.;1.4. */
(() => {
  "use strict";
  const article = document.querySelector("#furo-main-content");
  const lesson = article?.querySelector("section");
  if (!lesson) return;

  const MOVED = "present-moved"; // the address to which a lesson went on
  const LAST = "#end"; // the last section
  const AIR = 0.03; // of the window's height, above what a move brings to the top
  const FOR_LATER = ["exercises", "download"]; // left out where the address says nothing
  const TALK = /^(\d+ minutes)(?: (play\/\w+))?: (.+)$/;
  const address = new URL(location.href);
  if (!address.searchParams.has("present")) {
    offer();
    return;
  }

  const root = document.documentElement;
  const without = namesIn("without");
  let never = namesIn("never") ?? [];
  const then = address.searchParams.get("then");
  const later = addTalks();
  const all = [lesson, ...lesson.querySelectorAll(":scope > section")];
  const gone = [...never, ...(without ?? FOR_LATER)];
  let sections = all.filter((section) => section === lesson || !gone.includes(section.id));
  const neighbors = { previous: link("prev"), next: link("next") };
  let zoom = Number(sessionStorage.getItem("present-zoom")) || 1;
  let { search } = location;
  const dropped = []; // by X
  let full = null;
  let worked = null; // the page to play with that was in full last
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
  if (without) tellStrange();
  if (without) hideTime();

  // Another lesson that the text names is shown on the wall, too; the browser's way back leads here.
  for (const way of article.querySelectorAll('a.internal[href*="plot_"]:not([download])')) way.search = "?present";

  let idle = setTimeout(hideBar, 4000);
  addEventListener("mousemove", () => {
    clearTimeout(idle);
    root.classList.remove("present-idle");
    idle = setTimeout(hideBar, 4000);
  });
  addEventListener("keydown", onKey);
  addEventListener("pointerdown", lightUp);
  bar.addEventListener("click", () => (note.textContent = ""), { capture: true });
  article.addEventListener("answered", ({ target }) => {
    target.classList.add("present-made");
    requestAnimationFrame(() => {
      if (target.contains(document.activeElement)) document.activeElement.blur();
      target.querySelector(".quiz-verdict").scrollIntoView({ block: "nearest" });
    });
  });
  article.addEventListener("started", ({ target }) => {
    if (full?.matches(".play-still") && full.nextElementSibling === target) toggleFull(target);
  });
  addEventListener("hashchange", () => {
    const section = sectionOf(location.hash);
    if (section !== sections[current]) show(placeOf(section));
  });
  // Pressed with the mouse, a button or a choice leaves the keys to the wall, which would press or choose again.
  addEventListener("click", ({ detail, target }) => {
    if (detail > 0 && target.closest("button, summary, .prediction label")) requestAnimationFrame(leaveKeys);
  });
  article.addEventListener("click", (event) => {
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

  function namesIn(parameter) {
    return address.searchParams.get(parameter)?.split(",").filter(Boolean);
  }

  /* The plan's breaks and words before its next lesson, a slide each: what comes after them. */
  function addTalks() {
    const plan = (then ?? "").split(";");
    for (let count = 1; TALK.test(plan[0]); count += 1) {
      const [, minutes, page, words] = TALK.exec(plan.shift());
      const slide = make("section", "present-talk", make("h2", "", minutes), make("p", "", words));
      slide.id = `plan-${count}`;
      if (page) slide.append(...handOut(page));
      lesson.append(slide);
    }
    return plan;
  }

  /* The address of a page to play with, for the phones of a class, or what lets them in where they cannot. */
  function handOut(page) {
    const path = `${root.dataset.content_root}${page}.html`;
    const published = document.querySelector("link[rel=canonical]")?.href;
    const isAlone = location.protocol === "file:" || /^(localhost|127\.|\[::1\])/.test(location.hostname);
    const { href } = new URL(path, (isAlone && published) || location.href);
    const isReached = published || !isAlone;
    const way = make("a", "", isReached ? href.replace("https://", "") : `${page}.html`);
    way.href = `${path}?bare`;
    const line = make("p", "present-address", way);
    line.style.setProperty("--length", way.textContent.length);
    const how = [
      "No phone reaches this page, which is on this computer alone. Run ",
      make("code", "", "python -m http.server"),
      " in the folder of the site, and open it by the computer's address in the room's network, as in ",
      make("code", "", "http://192.168.1.20:8000"),
      ".",
    ];
    return [line, ...(isReached ? [] : [make("p", "", ...how)])];
  }

  function leaveKeys() {
    if (document.activeElement.matches("button, summary, [type=radio]")) document.activeElement.blur();
  }

  /* Whether the screen was black. */
  function lightUp() {
    const wasBlack = root.classList.contains("present-black");
    root.classList.remove("present-black");
    return wasBlack;
  }

  function hideBar() {
    root.classList.add("present-idle");
  }

  function withoutHash(href) {
    return href.split("#")[0];
  }

  /* A plan may name a section that has another title by now: it is shown, and the bar says so until the first key. */
  function tellStrange() {
    const strange = without.filter((name) => !all.some(({ id }) => id === name));
    if (strange.length) note.textContent = `Not in this lesson, so not left out: ${strange.join(", ")}`;
  }

  /* The minutes of a lesson are those of reading all of it alone: a plan has its own. */
  function hideTime() {
    const paragraphs = [...lesson.querySelectorAll(":scope > p")];
    paragraphs.find(({ textContent }) => textContent.startsWith("Time: "))?.classList.add("present-hidden");
  }

  function link(relation) {
    return document.querySelector(`head link[rel="${relation}"]`)?.href;
  }

  function make(tag, name, ...children) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...children);
    return made;
  }

  function button(text, label, act) {
    const made = make("button", "", text);
    made.type = "button";
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
    worked = null;
    current = index;
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
    if (sections[index]) {
      show(index);
      if (direction < 0) {
        while (lookOn());
        scrollTo(0, scrollY + blocks().at(-1).getBoundingClientRect().bottom - floor());
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

  /* To the next lesson: the plan's, where there is one. */
  function goOn() {
    const [number, ...left] = (later[0] ?? "").split(",");
    const next = then === null ? neighbors.next : pageOf(number);
    if (next?.includes("/plot_")) {
      const target = new URL(`${next}${then === null ? "?present" : query(left, later.slice(1).join(";"))}`).href;
      sessionStorage.setItem(MOVED, target);
      location.href = target;
    } else if (then !== null) {
      note.textContent = number ? `The plan goes on with lesson ${number}, which is not there` : "The end of the plan";
    }
  }

  /* To the lesson before: where the room came from, if it did; else the one that leads to this one in its plan. */
  function goBack() {
    if (history.state?.moved) {
      history.back();
    } else if (neighbors.previous?.includes("/plot_")) {
      const [, part, index] = location.pathname.match(/plot_(\d)(\d)/);
      const plan = `${part}.${index},${without ?? FOR_LATER};${then}`;
      location.href =
        neighbors.previous + (then === null ? "?present" : query(never.length ? [] : FOR_LATER, plan)) + LAST;
    }
  }

  /* A plan in an address: what is left out of its lesson, and what comes then. */
  function query(left, next) {
    const always = never.length ? `&never=${never}` : "";
    return `?present&without=${left}${always}${next === null ? "" : `&then=${next}`}`;
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

  /* Where the bar begins: what lies below is not seen whole. */
  function floor() {
    return bar.getBoundingClientRect().top;
  }

  /* The paragraphs, figures and prints of the section that are shown. */
  function blocks() {
    return [...sections[current].children].filter((element) => element.offsetHeight > 0);
  }

  /* Down to what is not whole on this screen, with what leads to it, or the figure that it speaks of, if both fit. */
  function lengthDown() {
    const shown = blocks();
    const end = floor();
    const index = shown.findIndex((block) => block !== worked && block.getBoundingClientRect().bottom > end + 4);
    if (index < 0) return 0;
    const { top, bottom } = shown[index].getBoundingClientRect();
    const above = shown[index - 1]?.getBoundingClientRect().top ?? 0;
    const belongs = above > innerHeight * 0.4 || shown[index - 1]?.matches(".figure-frame");
    const begin = belongs && bottom - above < end ? above : top;
    const air = Math.max(0, Math.min(innerHeight * AIR, end - (bottom - begin)));
    const fits = bottom - begin <= end || begin > innerHeight * 0.25;
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
    never = never.filter((name) => left.includes(name));
    const here = left.filter((name) => !never.includes(name));
    search = query(here, then);
    show(index);
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (lightUp()) {
      event.preventDefault();
      return;
    }
    const inField = event.target.closest("input, select, textarea, [contenteditable]");
    const isOurs =
      ["Escape", "PageDown", "PageUp"].includes(event.key) || (!inField && event.key.toLowerCase() === "f");
    const hasOwnKeys = inField || event.target.matches(".play [tabindex='0']"); // a picture that is worked by keys
    if (hasOwnKeys && !isOurs) return;
    const onButton = event.target.closest("button, summary, a, video") && event.key === " ";
    const still = full?.matches(".play-still") && full;
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
      b: goBlack,
      ".": goBlack,
      f: () => (still ? start(still) : toggleFull(figureInView())),
    };
    if (still) acts.Enter = () => start(still);
    if (!onButton) acts[" "] = () => move(event.shiftKey ? -1 : 1);
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    hideBar(); // it lies on the last line
    note.textContent = "";
    act();
  }

  function goBlack() {
    root.classList.add("present-black");
  }

  function start(still) {
    still.querySelector(".play-start").click();
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
    if (full.matches(".play")) worked = full; // and is not gone through again
    root.classList.remove("present-still");
    full = null;
    scrollTo(0, before);
  }

  function leave() {
    location.href = `${location.pathname}#${sections[current].id}`;
  }
})();
