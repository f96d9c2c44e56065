/* Comboboxes and disclosures: each works by attributes on server-rendered markup.
   Pattern: https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ */
(() => {
  "use strict";

  const SEARCH_AFTER = 250;
  const body = document.body;
  const fit = () => window.Host.fit();

  // Combobox: a text field whose list is filled by the server

  const inputOf = (box) => box.querySelector("[role=combobox]");
  const listOf = (box) => document.getElementById(inputOf(box).getAttribute("aria-controls"));
  const optionsOf = (box) => [...listOf(box).querySelectorAll("[role=option]")];
  const isOpen = (box) => inputOf(box).getAttribute("aria-expanded") === "true";
  const timers = new WeakMap();
  const chosenLabel = new WeakMap();

  function showList(box, open) {
    const input = inputOf(box);
    const list = listOf(box);
    const has = open && list.childElementCount > 0;
    list.hidden = !has;
    input.setAttribute("aria-expanded", String(has));
    if (!has) mark(box, null);
    fit();
  }

  function mark(box, option) {
    const input = inputOf(box);
    for (const other of optionsOf(box)) other.setAttribute("aria-selected", String(other === option));
    if (!option) input.removeAttribute("aria-activedescendant");
    else {
      option.id ||= `${listOf(box).id}-${optionsOf(box).indexOf(option)}`;
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }
  }

  function search(box, now = false) {
    const input = inputOf(box);
    clearTimeout(timers.get(box));
    if (input.value.trim().length < Number(input.dataset.min ?? 2)) {
      showList(box, false);
      return;
    }
    const fire = () => input.dispatchEvent(new CustomEvent("combobox:search", { bubbles: true }));
    timers.set(box, setTimeout(fire, now ? 0 : SEARCH_AFTER));
  }

  function choose(box, option) {
    const input = inputOf(box);
    const hidden = box.querySelector("input[type=hidden]");
    input.value = option.dataset.label ?? option.textContent.trim();
    chosenLabel.set(box, input.value);
    clearTimeout(timers.get(box));
    showList(box, false);
    showClear(box);
    if (hidden) {
      hidden.value = option.dataset.value ?? "";
      hidden.dispatchEvent(new Event("change", { bubbles: true }));
    }
    box.dispatchEvent(new CustomEvent("combobox:chosen", { bubbles: true, detail: { ...option.dataset } }));
  }

  function showClear(box) {
    const clear = box.querySelector(".combobox__clear");
    if (clear) clear.hidden = !inputOf(box).value;
  }

  /* What was put back without being chosen is what the field falls back to. */
  body.addEventListener("combobox:reset", ({ target }) => chosenLabel.delete(target));

  const comboboxOf = (target) => target.closest?.("[data-combobox]");

  body.addEventListener("input", ({ target }) => {
    const box = target.matches("[role=combobox]") && comboboxOf(target);
    if (!box) return;
    showClear(box);
    search(box);
  });

  body.addEventListener("focusin", ({ target }) => {
    const box = target.matches?.("[role=combobox]") && comboboxOf(target);
    if (!box) return;
    if (!chosenLabel.has(box)) chosenLabel.set(box, target.value);
    if (target.dataset.min === "0" && !isOpen(box)) search(box, true);
  });

  body.addEventListener("focusout", ({ target, relatedTarget }) => {
    const box = target.matches?.("[role=combobox]") && comboboxOf(target);
    if (!box || box.contains(relatedTarget)) return;
    clearTimeout(timers.get(box));
    showList(box, false);
    if (box.hasAttribute("data-required-choice")) target.value = chosenLabel.get(box) ?? "";
  });

  body.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[role=listbox]")) event.preventDefault(); // the focus stays in the text field
  });

  body.addEventListener("click", ({ target }) => {
    const box = comboboxOf(target);
    if (!box) return;
    const option = target.closest("[role=option]");
    if (option) choose(box, option);
    else if (target.closest(".combobox__clear")) clear(box);
    else if (target === inputOf(box) && !isOpen(box)) {
      if (listOf(box).childElementCount) showList(box, true);
      else if (target.dataset.min === "0") search(box, true);
    }
  });

  function clear(box) {
    const input = inputOf(box);
    input.value = "";
    listOf(box).replaceChildren();
    showList(box, false);
    showClear(box);
    input.focus();
    search(box, true);
  }

  body.addEventListener("keydown", (event) => {
    const box = event.target.matches?.("[role=combobox]") && comboboxOf(event.target);
    if (!box) return;
    const options = optionsOf(box);
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const open = isOpen(box);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (event.altKey) return;
      if (!open && !options.length) search(box, true);
      else {
        if (!open) showList(box, true);
        const down = event.key === "ArrowDown";
        mark(box, options.at(down ? (at + 1) % options.length : at < 0 ? -1 : at - 1));
      }
    } else if (open && event.key === "Home") mark(box, options[0]);
    else if (open && event.key === "End") mark(box, options.at(-1));
    else if (event.key === "Enter" && open && at >= 0) choose(box, options[at]);
    else if (event.key === "Enter") { /* never sends the form by accident */ }
    else if (event.key === "Escape" && open) showList(box, false);
    else if (event.key === "Escape" && event.target.value) clear(box);
    else return;
    event.preventDefault();
  });

  body.addEventListener("htmx:afterSettle", ({ target }) => {
    const list = target.closest?.("[role=listbox]");
    const input = list && document.querySelector(`[role=combobox][aria-controls="${CSS.escape(list.id)}"]`);
    const box = input && comboboxOf(input);
    if (!box) return;
    showList(box, document.activeElement === input);
    mark(box, null);
  });

  // Disclosure

  body.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-reveal]");
    const block = button && document.getElementById(button.dataset.reveal);
    if (!block) return;
    block.hidden = !block.hidden;
    button.setAttribute("aria-expanded", String(!block.hidden));
    if (!block.hidden) block.querySelector("input:not([type=hidden]), select, textarea, button")?.focus();
    fit();
  });

  // Links of an error summary go to their field, also when that is hidden in a block or is a group

  body.addEventListener("click", (event) => {
    const link = event.target.closest(".errors a[href^='#']");
    const place = link && document.getElementById(link.hash.slice(1));
    if (!place) return;
    event.preventDefault();
    const block = place.closest("[hidden][id]");
    if (block) block.hidden = false;
    const control = "input:not([type=hidden]), select, textarea, button";
    const field = place.matches(control) ? place : place.querySelector("input:checked") ?? place.querySelector(control) ?? place;
    if (field === place && !place.matches(control)) place.tabIndex = -1;
    field.focus();
    field.scrollIntoView({ block: "center" });
  });
})();
