/* Menus, comboboxes and disclosures: each works by attributes on server-rendered markup.
   Patterns: https://www.w3.org/WAI/ARIA/apg/patterns/menu-button/ and .../combobox/ */
(() => {
  "use strict";

  const SEARCH_AFTER = 250;
  const body = document.body;
  const fit = () => window.Host.fit();

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
