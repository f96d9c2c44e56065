/* The settings: the save bar, and the list of sections beside the cards. Needs host.js and controls.js. */
(() => {
  "use strict";

  const body = document.body;
  const fit = () => window.Host.fit();

  // Save bar: shown while a value differs from the saved one (data-saved), else from the one it was rendered with

  function isChanged(control) {
    if (!control.name || control.type === "hidden" || control.type === "submit") return false;
    if (isTick(control)) return control.checked !== wasChecked(control);
    if (control.options) return control.selectedOptions[0] !== initialOption(control);
    return control.value !== initialValue(control);
  }

  const MOST_WHOLE = 3; // of more changes only what they are about is told

  const isTick = ({ type }) => type === "checkbox" || type === "radio";
  const initialValue = (control) => control.dataset.saved ?? control.defaultValue;
  const wasChecked = ({ dataset: { saved }, value, defaultChecked }) => saved === undefined ? defaultChecked : value === saved;
  const initialOption = (select) => {
    const { saved } = select.dataset;
    const isInitial = (option) => saved === undefined ? option.defaultSelected : option.value === saved;
    return [...select.options].find(isInitial) ?? select.options[0];
  };

  const labelOf = (control) => control.dataset.changeLabel ?? control.labels?.[0]?.textContent.trim() ?? control.name;

  function changeOf(control) {
    const label = labelOf(control);
    if (control.options) return `${label}: ${initialOption(control)?.text.trim()} → ${control.selectedOptions[0]?.text.trim()}`;
    if (isTick(control)) return label;
    return `${label}: ${initialValue(control) || "–"} → ${control.value || "–"}`;
  }

  // The bar must not lie on the field that made it appear.
  function uncover(control, bar) {
    if (!bar.closest("form").contains(control)) return;
    const place = control.closest(".field") ?? control;
    const hidden = place.getBoundingClientRect().bottom + 12 - bar.getBoundingClientRect().top;
    if (hidden > 0) window.scrollBy(0, hidden);
  }

  function showChanges(form) {
    const bar = form.querySelector("[data-save-bar]");
    const text = form.querySelector("[data-change-text]");
    const changed = [...form.elements].filter((control) => isChanged(control) && !(control.type === "radio" && !control.checked));
    if (!bar) return;
    const appears = bar.hidden && changed.length;
    bar.hidden = !changed.length;
    if (appears) uncover(document.activeElement, bar);
    if (text && changed.length) {
      const pattern = changed.length === 1 ? text.dataset.one : text.dataset.many;
      const told = changed.length > MOST_WHOLE ? [...new Set(changed.map(labelOf))] : changed.map(changeOf);
      const names = told.join(" · ");
      text.textContent = pattern.replace("{count}", String(changed.length)).replace("{names}", names);
    }
    fit();
  }

  for (const kind of ["input", "change"]) {
    body.addEventListener(kind, ({ target }) => target.form?.matches("[data-changes]") && showChanges(target.form));
  }
  // What a check of the connection finds loads the page anew, but not over what somebody is still typing.
  let outdated = false;
  document.addEventListener("settings-changed", (event) => {
    outdated = document.querySelector("[data-save-bar]:not([hidden]), #presets form") !== null;
    if (outdated) event.stopPropagation();
  }, true);

  body.addEventListener("reset", ({ target }) => {
    if (!target.matches("[data-changes]")) return;
    setTimeout(() => {
      for (const control of target.elements) {
        if (control.dataset.saved === undefined) continue;
        if (isTick(control)) control.checked = wasChecked(control);
        else control.value = control.dataset.saved;
        control.closest("[data-combobox]")?.dispatchEvent(new CustomEvent("combobox:reset", { bubbles: true }));
      }
      showChanges(target);
      if (outdated) window.htmx.trigger(body, "settings-changed");
    });
  });
  body.addEventListener("htmx:afterSwap", () => document.querySelectorAll("form[data-changes]").forEach(showChanges));

  // List of sections: the select on narrow pages, the mark in the list on wide ones; both follow the reader

  const entries = () => [...document.querySelectorAll(".settings__nav .nav-entry")];
  const sectionOf = (entry) => document.getElementById(entry.hash.slice(1));
  let chosen = null; // the last sections are too short to come to the top: who chose one is there all the same

  function mark(entry) {
    for (const other of entries()) other.removeAttribute("aria-current");
    entry.setAttribute("aria-current", "true");
    const select = document.querySelector("[data-section-select]");
    if (select) select.value = entry.hash.slice(1);
  }

  function markWhatIsRead() {
    const places = entries().map((entry) => [entry, sectionOf(entry)?.getBoundingClientRect().top ?? Infinity]);
    const read = places.filter(([, top]) => top <= window.innerHeight / 3).sort(([, one], [, other]) => one - other).at(-1);
    const atTheEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2 && window.scrollY > 0;
    const atTheStart = window.scrollY <= 0; // a short first section leaves the second one high up
    if (read && !chosen) mark(atTheEnd ? entries().at(-1) : atTheStart ? entries()[0] : read[0]);
    chosen = null;
  }

  let waiting = 0;
  window.addEventListener("scroll", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(markWhatIsRead);
  }, { passive: true });

  body.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-section-select]")) return;
    const entry = entries().find(({ hash }) => hash.slice(1) === target.value);
    chosen = entry;
    if (entry) mark(entry);
    document.getElementById(target.value)?.scrollIntoView();
  });

  body.addEventListener("click", ({ target }) => {
    const entry = target.closest(".settings__nav .nav-entry");
    if (!entry) return;
    chosen = entry;
    mark(entry);
  });
})();
