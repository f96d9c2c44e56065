/* The panel: its own clock, and the menus of its rows, which work by attributes on server-rendered markup.
   Pattern of a menu: https://www.w3.org/WAI/ARIA/apg/patterns/menu-button/ */
(() => {
  "use strict";

  const body = document.body;
  const fit = () => window.Host.fit();

  // While somebody can see it, the list is asked for quietly, and swapped only when it changed

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

  // What is unfolded stays while the list below it is swapped; what it tells of invoices may be another now
  body.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    if (target?.id === "panel") window.htmx.trigger(body, "panel:news");
  });
  body.addEventListener("host:modal-closed", () => document.getElementById("plan-title")?.focus()); // which opened it

  document.addEventListener("htmx:load", start);
  document.addEventListener("visibilitychange", tick);
  body.addEventListener("host:visible", tick);
  start();

  // Menu button

  const menuOf = (button) => document.getElementById(button.getAttribute("aria-controls"));
  const entriesOf = (menu) => [...menu.querySelectorAll("[role=menuitem]")];
  const openMenuButton = () => document.querySelector("[data-menu] [aria-haspopup=menu][aria-expanded=true]");

  function openMenu(button, last = false) {
    closeMenu(false);
    const menu = menuOf(button);
    menu.hidden = false;
    menu.classList.remove("menu--above");
    button.setAttribute("aria-expanded", "true");
    const at = button.getBoundingClientRect();
    const height = menu.offsetHeight + 8;
    if (at.bottom + height > window.innerHeight && at.top >= height) menu.classList.add("menu--above");
    const entries = entriesOf(menu);
    entries.forEach((entry) => { entry.tabIndex = -1; });
    entries.at(last ? -1 : 0)?.focus({ preventScroll: true });
    fit();
  }

  function closeMenu(refocus = true) {
    const button = openMenuButton();
    if (!button) return;
    menuOf(button).hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (refocus) button.focus({ preventScroll: true });
    fit();
  }

  body.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-menu] [aria-haspopup=menu]");
    if (button) {
      if (button.getAttribute("aria-expanded") === "true") closeMenu();
      else if (button.getAttribute("aria-disabled") !== "true") openMenu(button);
    } else if (target.closest("[role=menuitem]")) closeMenu();
    else closeMenu(false);
  });

  body.addEventListener("keydown", (event) => {
    const button = event.target.closest?.("[data-menu] [aria-haspopup=menu]");
    if (button && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      openMenu(button, event.key === "ArrowUp");
      return;
    }
    const menu = event.target.closest?.("[data-menu] [role=menu]");
    if (menu) onMenuKey(event, entriesOf(menu));
  });

  function onMenuKey(event, entries) {
    const at = entries.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key in steps) entries.at(steps[event.key] % entries.length).focus();
    else if (event.key === "Escape") closeMenu();
    else if (event.key === "Tab") { closeMenu(); return; }
    else if (event.key === " ") document.activeElement.click(); // a link does not do that by itself
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const letter = event.key.toLocaleLowerCase();
      [...entries.slice(at + 1), ...entries].find((entry) => entry.textContent.trim().toLocaleLowerCase().startsWith(letter))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  window.addEventListener("blur", () => closeMenu(false)); // a press on the host's page closes too
})();
