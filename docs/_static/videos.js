// A still is fetched when its video comes near: as a poster in the page, the hidden variant's would be fetched too.
"use strict";

const stills = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) target.poster = target.dataset.still;
    }
  },
  { rootMargin: "100%" },
);

// A print shows them all.
addEventListener("beforeprint", () => {
  for (const video of document.querySelectorAll("video[data-still]")) video.poster = video.dataset.still;
});

for (const video of document.querySelectorAll("video[data-still]")) stills.observe(video);
