/* Keeps header, details and history of an open deal current without a reload. */
"use strict";
(() => {
  const PAUSE = 3000;
  const source = document.querySelector("[data-source]").dataset.source;
  const seen = {};

  async function look() {
    try {
      const answer = await fetch(source);
      if (!answer.ok) return;
      for (const [name, html] of Object.entries(await answer.json())) {
        const place = document.querySelector(`[data-live="${name}"]`);
        if (seen[name] !== undefined && seen[name] !== html && !place.contains(document.activeElement)) place.innerHTML = html;
        else if (seen[name] === undefined && name === "timeline") place.innerHTML = html;
        if (!place.contains(document.activeElement)) seen[name] = html;
      }
    } catch {
      /* The stand-in is down or restarting: the page keeps what it shows. */
    }
  }

  setInterval(look, PAUSE);
  window.addEventListener("focus", look);
  window.__sandboxRefresh = look;
})();
