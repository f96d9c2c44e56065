/* The invoice form: rows of the grid, the search for an item inside a row, previews that follow each change, and the way
   from a finding to its field. No figure is worked out here: the server answers every change with all of them.
   Needs htmx, host.js, embed.js (window.Embed), controls.js (comboboxes) and fields.js (tidy values). */
(() => {
  "use strict";

  const PREVIEW_AFTER = 400;

  const body = document.body;
  const form = () => document.getElementById("invoice-form");
  const rows = () => [...document.querySelectorAll("#line-rows > tr")];
  const field = (row, name) => row.querySelector(`[name="${row.dataset.line}-${name}"]`);

  // Previews

  let timer = 0;
  let waiting = new Set(); // what changed and no preview was asked for yet
  let asked = new Set();

  function changed(name) {
    waiting.add(name);
    clearTimeout(timer);
    timer = setTimeout(askForPreview, PREVIEW_AFTER);
  }

  function askForPreview() {
    if (form()) window.htmx.trigger("#preview", "form:changed");
  }

  // One that waits for another may never be sent: what it would have told goes with the next, and so does what failed

  body.addEventListener("htmx:configRequest", ({ detail: { elt, parameters } }) => {
    if (elt.id !== "preview") return;
    [asked, waiting] = [waiting, new Set()];
    parameters.changed = [...asked].join(" ");
  });

  body.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
    if (elt.id === "preview" && !successful) asked.forEach((name) => waiting.add(name));
  });

  // What is sent is not previewed any more: a late answer would look in vain for the form that it was meant for

  let previewing = null;

  body.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    if (elt === form()) clearTimeout(timer);
  });

  body.addEventListener("htmx:beforeSend", ({ detail: { elt, xhr } }) => {
    if (elt.id === "preview") previewing = xhr;
  });

  body.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
    if (target.id !== "invoice" || !shouldSwap || !previewing) return;
    previewing.onload = null;
    previewing = null;
  });

  // Beside the main button: other ways to finish

  let then = "";

  body.addEventListener("htmx:configRequest", ({ detail: { elt, parameters } }) => {
    if (elt !== form()) return;
    parameters.then = then;
    then = "";
  });

  for (const kind of ["click", "keydown"]) {
    body.addEventListener(kind, ({ target, key }) => {
      const more = document.getElementById("more-ways");
      if (!more?.open || (key ? key !== "Escape" : target.closest("#more-ways > summary"))) return;
      more.open = false;
      if (key) more.firstElementChild.focus();
      if (target.id !== "create-and-send" || key) return;
      then = "send";
      document.getElementById("create").click();
    });
  }

  function nameOf(control) {
    const row = control.closest("[data-line]");
    return row ? row.dataset.line : control.name;
  }

  const isSearch = (control) => Boolean(control.closest("[data-combobox]"));

  for (const kind of ["input", "change"]) {
    body.addEventListener(kind, ({ target }) => {
      if (!target.form || target.form !== form() || !target.name || isSearch(target)) return;
      clearFault(target);
      if (kind === "input" && target.matches("[type=radio], [type=checkbox], select")) return; // "change" follows
      if (target.closest("#customer-update")) {
        countTicks(target.closest(".diff"));
        return; // changes no figure of the invoice
      }
      if (target.name === "preset") return; // what it fills in comes with its answer, and the preview after that
      if (target.name === "due_date") document.getElementById("f-due_follows").value = "";
      if (target.name === "sales_tax") document.getElementById("f-sales_tax_follows").value = "";
      if (target.name === "customer") showNewCustomer(target.value === "new");
      if (target.name === "amounts_are") form().dataset.amounts = target.value;
      if (target.matches("[data-tick]")) target.closest("tr").classList.toggle("line--off", !target.checked);
      if (target.matches("[data-line-name]")) nameRow(target.closest("tr"), target.value);
      changed(nameOf(target));
    });
  }

  function showNewCustomer(show) {
    document.getElementById("new-customer").hidden = !show;
    window.Host.fit();
  }

  /* What is ticked of the differences between Pipedrive and the customer in QuickBooks. */
  function countTicks(card) {
    const on = card.querySelector("[name=update_customer]").checked;
    const count = card.querySelectorAll("[name=update_field]:checked").length;
    const aside = document.getElementById("update-aside");
    document.getElementById("update-table").hidden = !on;
    aside.textContent = on ? aside.dataset.ticked.replace("{ticked}", String(count)) : aside.dataset.all;
    window.Host.fit();
  }

  // A fault that is being mended is no longer shown; the next press or preview says what is left

  function clearFault(control) {
    const group = control.closest("fieldset[aria-invalid], fieldset[aria-describedby]");
    for (const marked of [control, group]) {
      if (!marked?.getAttribute("aria-invalid")) continue;
      marked.removeAttribute("aria-invalid");
      const error = document.getElementById(`${marked.id}-error`);
      if (error) error.hidden = true;
      marked.closest(".field--error")?.classList.remove("field--error");
    }
  }

  // From a finding to its field

  /* Controls of a line have no id until there is a fault at them; their name is the same. */
  const byId = (id) => document.getElementById(id) ?? document.querySelector(`#invoice-form [name="${CSS.escape(id)}"]`);

  function go(id) {
    const place = byId(id);
    if (!place) return;
    const block = place.closest("[hidden][id]");
    if (block) block.hidden = false;
    const folded = place.closest("details");
    if (folded) folded.open = true;
    const control = "input:not([type=hidden]), select, textarea, button";
    const target = place.matches(`${control}, [tabindex]`) ? place : place.querySelector(control) ?? place;
    target.focus();
    target.scrollIntoView({ block: "center" });
  }

  /* A service date on each line: few invoices need one, so the fields come when they are asked for. */
  const DATED = "lines--dated";

  function showServiceDates() {
    document.getElementById("lines").classList.add(DATED);
    rows().forEach(addServiceDate);
    document.getElementById("f-service-dates").remove();
    field(rows()[0], "service_date")?.focus();
    window.Host.fit();
  }

  function addServiceDate(row) {
    if (field(row, "service_date")) return;
    row.querySelector(".line__state").after(fromTemplate("line-service", row.dataset.line));
    const name = row.querySelector(".line__name")?.textContent ?? row.querySelector("[data-line-name]").value;
    if (name) nameRow(row, name);
  }

  function put(id, value) {
    const control = byId(id);
    const named = control?.matches("input, select, textarea") ? control : control?.parentElement.querySelector("[name]");
    if (!named) return null;
    named.value = value;
    return named;
  }

  /* What the customer usually pays, on each line of the invoice. */
  function taxAll(code) {
    const taxes = rows().filter((row) => field(row, "ticked")?.checked).map((row) => field(row, "tax"));
    for (const tax of taxes) {
      tax.value = code;
      tax.dispatchEvent(new Event("change", { bubbles: true }));
    }
    document.getElementById("usual-tax").remove();
    taxes[0]?.focus();
    window.Host.fit();
  }

  body.addEventListener("click", (event) => {
    const ways = "[data-go], [data-set], [data-tax-code], [data-open-items], [data-check-again]";
    const pressed = event.target.closest(ways);
    if (!pressed || !form()) return;
    if (pressed.dataset.go) {
      event.preventDefault();
      go(pressed.dataset.go);
    } else if (pressed.dataset.set) {
      const control = put(pressed.dataset.set, pressed.dataset.value);
      control?.dispatchEvent(new Event("change", { bubbles: true }));
      if (control?.type !== "hidden") control?.focus();
    } else if (pressed.dataset.taxCode) taxAll(pressed.dataset.taxCode);
    else if (pressed.dataset.openItems) openItems(byId(pressed.dataset.openItems)?.closest("tr"));
    else {
      if (form().elements.taken_name) window.htmx.trigger("#name-check", "name:again");
      if (form().elements.gone_customer) window.htmx.trigger("#customer-update", "customer:again");
      askForPreview();
    }
  });

  // What a preview brings besides its figures

  body.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    for (const carrier of target.querySelectorAll("[data-put]")) {
      const control = put(carrier.dataset.put, carrier.dataset.value);
      carrier.remove();
      if (!control) continue;
      clearFault(control);
      if (control.name === "amounts_are") form().dataset.amounts = control.value;
      const folded = control.closest("details");
      if (folded && control.value) folded.open = true;
    }
    if (target.id === "customer-section") changed("customer");
    if (target.matches("#name-check, #customer-update")) {
      const told = target.querySelector("[name=taken_name], [name=gone_customer], [name=usual_tax]") !== null;
      if (told || target.dataset.told) changed("customer"); // the checks know more now, or less
      target.dataset.told = told ? "yes" : "";
    }
    if (target.id === "preset-field") changed("preset");
    for (const row of rows()) {
      row.classList.toggle("line--fault", field(row, "ticked").checked && row.querySelector(".line__item--fault, [aria-invalid]") !== null);
    }
  });

  body.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    if (target.id === "customer-section") target.querySelector("[name=customer]:checked")?.focus();
    const first = target.querySelector?.("[data-first-focus]");
    if (first) {
      const id = first.dataset.firstFocus;
      first.removeAttribute("data-first-focus");
      const place = byId(id);
      (place?.querySelector("input:checked") ?? place)?.focus({ preventScroll: id !== "errors" });
    }
  });

  // The search for an item, inside its row

  function openItems(row) {
    if (!row) return;
    const open = row.querySelector(".line__search");
    if (open) {
      closeItems(row);
      return;
    }
    document.querySelectorAll(".line__search").forEach((other) => closeItems(other.closest("tr"), false));
    const box = fromTemplate("item-search", row.dataset.line);
    row.querySelector(".line__product").append(box);
    window.htmx.process(box);
    document.getElementById(`${row.dataset.line}-choose`).setAttribute("aria-expanded", "true");
    box.querySelector("input").focus();
    window.Host.fit();
  }

  function closeItems(row, refocus = true) {
    row.querySelector(".line__search")?.remove();
    const button = document.getElementById(`${row.dataset.line}-choose`);
    button?.setAttribute("aria-expanded", "false");
    if (refocus) button?.focus();
    window.Host.fit();
  }

  body.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-choose-item]");
    if (button) openItems(button.closest("tr"));
  });

  /* As QuickBooks does, where no product tells the tax; what a person chose stays. */
  function taxAsItem(row, code) {
    const tax = form().elements[`${row.dataset.line}-tax`];
    if (!code || !tax || tax.value !== row.dataset.itemTax) return;
    tax.value = row.dataset.itemTax = code;
    clearFault(field(row, "tax"));
  }

  body.addEventListener("combobox:chosen", ({ target, detail }) => {
    const row = target.closest("[data-line]");
    if (!row) return;
    field(row, "item").value = detail.value;
    taxAsItem(row, detail.tax);
    const name = field(row, "description"); // only added rows have one
    if (name && !name.value.trim()) {
      name.value = detail.label;
      nameRow(row, detail.label);
    }
    closeItems(row);
    window.Embed.touch();
    changed(row.dataset.line);
  });

  body.addEventListener("keydown", (event) => {
    const row = event.target.closest?.(".line__search")?.closest("tr");
    if (row && event.key === "Escape" && event.target.getAttribute("aria-expanded") === "false") {
      event.preventDefault();
      closeItems(row);
    }
  });

  // Rows: add, remove, move

  let added = 0;

  function fromTemplate(id, key) {
    const markup = document.getElementById(id).innerHTML.replaceAll("KEY", key);
    const holder = document.createElement("template");
    holder.innerHTML = markup;
    return holder.content.querySelector(id === "line-template" ? "tr" : "div");
  }

  function newKey() {
    do added += 1; while (document.getElementById(`a${added}`));
    return `a${added}`;
  }

  function addLine() {
    const row = fromTemplate("line-template", newKey());
    document.getElementById("line-rows").append(row);
    if (document.getElementById("lines").classList.contains(DATED)) addServiceDate(row);
    window.htmx.process(row);
    row.querySelector("[data-line-name]").focus();
    say("added");
    window.Embed.touch();
    changed(row.dataset.line);
    window.Host.fit();
  }

  function removeLine(row) {
    const all = rows();
    const next = all[all.indexOf(row) - 1] ?? all[all.indexOf(row) + 1];
    row.remove();
    const place = next?.querySelector("[data-remove-line], [data-tick]") ?? document.getElementById("f-add-line");
    place.focus();
    say("removed");
    window.Embed.touch();
    changed("lines");
    window.Host.fit();
  }

  function moveLine(row, step) {
    const all = rows();
    const other = all[all.indexOf(row) + step];
    if (!other) return;
    const focused = document.activeElement;
    if (step < 0) other.before(row);
    else other.after(row);
    focused.focus();
    say("moved", { place: String(rows().indexOf(row) + 1), count: String(all.length) });
    window.Embed.touch();
    changed("lines");
  }

  /* The name of an added line stands in the names of all its controls. */
  function nameRow(row, name) {
    for (const control of row.querySelectorAll("[data-name-pattern]")) {
      control.setAttribute("aria-label", control.dataset.namePattern.replace("{name}", name));
    }
  }

  function say(what, values = {}) {
    const key = `announce${what[0].toUpperCase()}${what.slice(1)}`;
    let text = document.getElementById("f-add-line").dataset[key] ?? "";
    for (const [name, value] of Object.entries(values)) text = text.replace(`{${name}}`, value);
    window.Embed.announce(text);
  }

  body.addEventListener("click", ({ target }) => {
    const revealed = target.closest("[data-reveal=whole-discount]");
    if (revealed) revealed.hidden = true; // a discount that counts must stay in sight
    if (target.closest("[data-show-service-dates]")) showServiceDates();
    if (target.closest("[data-add-line]")) addLine();
    const remove = target.closest("[data-remove-line]");
    if (remove) removeLine(remove.closest("tr"));
  });

  body.addEventListener("keydown", (event) => {
    const row = event.target.closest?.("[data-line]");
    if (!row || !event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    if (event.target.matches("select, [role=combobox]")) return;
    event.preventDefault();
    moveLine(row, event.key === "ArrowUp" ? -1 : 1);
  });

  // Enter in a field of the grid moves on instead of sending an unfinished invoice

  body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("#invoice-form input:not([type=radio], [type=checkbox])")) return;
    if (event.defaultPrevented || isSearch(event.target)) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
    const stops = [...form().querySelectorAll("input:not([type=hidden]), select, textarea, button")].filter((stop) => stop.offsetParent);
    stops[stops.indexOf(event.target) + 1]?.focus();
  });
})();
