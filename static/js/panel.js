// The panel's own clock: while somebody can see it, the list is asked for quietly and swapped only when it changed.
(function () {
  "use strict";

  function body() { return document.getElementById("panel-body"); }

  function isBusyUnderTheHand(panel) {
    return panel.classList.contains("htmx-request") || panel.querySelector('[aria-expanded="true"]') !== null;
  }

  function tick() {
    const panel = body();
    if (panel && document.visibilityState === "visible" && !isBusyUnderTheHand(panel)) {
      window.htmx.trigger(panel, "panel:tick");
    }
  }

  let timer = 0;
  function start() {
    const panel = body();
    const seconds = Number(panel && panel.dataset.pollSeconds) || 10;
    window.clearInterval(timer);
    timer = window.setInterval(tick, seconds * 1000);
  }

  document.addEventListener("htmx:load", start);
  document.addEventListener("visibilitychange", tick);
  document.body.addEventListener("host:visible", tick);
  start();
})();
