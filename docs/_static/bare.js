/* A page to play with, alone: ?bare leaves out the site around it, for a slide or a frame of another page.

   In a frame it tells the page around it its height, and nothing else, each time it changes. Without ?bare, the page
   offers the lines that put it into another page as it stands. */
(() => {
  "use strict";
  const KIND = "glassbox-height"; // of the message
  const UNTOLD = 700; // pixels, until a frame of this width has told its own
  const LISTENS = `<script>
addEventListener("message", ({ source, data }) => {
  for (const frame of document.querySelectorAll("iframe")) {
    if (frame.contentWindow === source && data?.kind === "${KIND}") frame.style.height = \`\${data.height}px\`;
  }
});
</script>`;
  const article = document.querySelector("#furo-main-content");
  const widget = article?.querySelector(".play[data-play]:not([data-embed])");
  if (!widget) return;
  if (new URLSearchParams(location.search).has("bare")) {
    stripBare();
  } else {
    offer();
  }

  function stripBare() {
    document.documentElement.classList.add("is-bare");
    if (parent === window) return;
    document.documentElement.classList.add("is-framed");
    const content = article.closest(".content");
    let told = 0;
    const tell = () => {
      const height = Math.ceil(content.getBoundingClientRect().height);
      if (height !== told && widget.querySelector(":scope > :not(noscript)")) {
        told = height;
        parent.postMessage({ kind: KIND, height }, "*");
      }
    };
    new ResizeObserver(tell).observe(content);
  }

  function offer() {
    const fold = element("details", "take-along");
    const width = element("input", "", { type: "number", min: 280, max: 4000, step: 10, value: 800 });
    const label = element("label", "", {}, "Width in pixels ", width);
    const fits = element("input", "", { type: "checkbox", checked: true });
    const fitting = element("label", "", {}, fits, " Fit the height at every width");
    const code = element("textarea", "", { readOnly: true, rows: 4, spellcheck: false });
    const copy = element("button", "", { type: "button" }, "Copy");
    const said = element("span", "", { role: "status" });
    const place = element("div", "take-along-frame", { tabIndex: 0, role: "region" });
    const words =
      "These lines put this page into yours, as it stands: what you have chosen is in its address. The height is what it needs " +
      "at this width; where yours changes, the script below lets the frame follow.";
    const published = document.querySelector("link[rel=canonical]")?.href;
    code.setAttribute("aria-label", "Lines of HTML");
    place.setAttribute("aria-label", "The page as the lines show it");
    fold.append(
      element("summary", "", {}, "Put this into a page of yours"),
      element("p", "", {}, words),
      element("div", "take-along-controls", {}, label, fitting, copy, said),
      code,
      place,
    );
    if (!published && location.protocol === "file:") {
      const only =
        "This page is read from disk, and so are its lines: for others, open it where the course is published.";
      code.before(element("p", "", {}, only));
    }
    let frame = null;
    let height = UNTOLD;

    const here = () => {
      const address = new URL(published ?? location.href);
      address.search = "";
      address.hash = location.hash.includes("=") ? location.hash : "";
      return address.href.replace(/(?=#|$)/, "?bare");
    };
    const write = () => {
      const title = document.title.replace(/"/g, "&quot;");
      const address = here().replace(/&/g, "&amp;").replace(/"/g, "&quot;");
      code.value =
        `<iframe src="${address}" title="${title}" loading="lazy"\n` +
        `  style="border: 0; width: 100%; max-width: ${width.value}px; height: ${height}px"></iframe>\n` +
        `<p>From <a href="${address.replace("?bare", "")}">${title}</a>, by The Glassbox authors,\n` +
        `  <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>.</p>` +
        (fits.checked ? `\n${LISTENS}` : "");
      said.textContent = "";
    };
    const measure = () => {
      frame?.remove();
      height = UNTOLD;
      frame = element("iframe", "", { src: `?bare${location.hash}`, title: document.title });
      frame.style.width = `${width.value}px`;
      frame.style.height = `${height}px`;
      place.append(frame);
      write();
    };
    addEventListener("message", ({ source, data }) => {
      if (source === frame?.contentWindow && data?.kind === KIND) {
        height = data.height;
        frame.style.height = `${height}px`;
        write();
      }
    });
    fold.addEventListener("toggle", () => {
      if (fold.open) {
        measure();
      } else {
        frame?.remove();
      }
    });
    width.addEventListener("change", () => {
      width.value = Math.min(4000, Math.max(280, Math.round(Number(width.value)) || 800));
      measure();
    });
    fits.addEventListener("change", write);
    copy.addEventListener("click", () => {
      code.select();
      const copied = navigator.clipboard?.writeText(code.value) ?? Promise.reject(new Error("none"));
      copied.then(
        () => (said.textContent = "Copied."),
        () => (said.textContent = "Selected: copy it with the keys."),
      );
    });
    widget.closest("section").append(fold);
  }

  function element(tag, name, properties = {}, ...children) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    for (const [key, value] of Object.entries(properties)) {
      if (key === "role") {
        made.setAttribute(key, value);
      } else {
        made[key] = value;
      }
    }
    made.append(...children);
    return made;
  }
})();
