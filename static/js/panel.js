/* The panel's own clock: while somebody can see it, the list is asked for quietly, and swapped only when it changed. */
(() => {
  "use strict";

  const poll = () => document.getElementById("panel-poll");

  function tick() {
    const element = poll();
    const busy = document.getElementById("panel-body")?.classList.contains("htmx-request");
    if (element && !busy && document.visibilityState === "visible") window.htmx.trigger(element, "panel:tick");
  }

  let timer = 0;
  function start() {
    const seconds = Number(poll()?.dataset.pollSeconds) || 10;
    window.clearInterval(timer);
    timer = window.setInterval(tick, seconds * 1000);
  }

  document.addEventListener("htmx:load", start);
  document.addEventListener("visibilitychange", tick);
  document.body.addEventListener("host:visible", tick);
  start();
})();
