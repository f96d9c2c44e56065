/* Keeps header, details and history of an open deal current without a reload; the tabs choose what the history shows. */
"use strict";
(() => {
  const PAUSE = 3000;
  const timeline = document.querySelector("[data-source]");
  const seen = {};

  async function look() {
    try {
      const answer = await fetch(timeline.dataset.source);
      if (!answer.ok) return;
      for (const [name, html] of Object.entries(await answer.json())) {
        const place = document.querySelector(`[data-live="${name}"]`);
        const busy = name === "header" && place.contains(document.activeElement);
        if (seen[name] === html || busy) continue;
        place.innerHTML = html;
        seen[name] = html;
      }
    } catch {
      /* The stand-in is down or restarting: the page keeps what it shows. */
    }
  }

  for (const tab of document.querySelectorAll("[data-show]")) {
    tab.addEventListener("click", () => {
      timeline.dataset.showing = tab.dataset.show;
      for (const other of document.querySelectorAll("[data-show]")) other.setAttribute("aria-pressed", String(other === tab));
    });
  }
  setInterval(look, PAUSE);
  window.addEventListener("focus", look);
  window.__sandboxRefresh = look;
})();
