/* Requests of a page inside the frame: htmx with our page token, busy buttons, failures said in place, focus kept.
   Needs htmx and host.js. Attributes: docs/design-system.md, section 7. */
(() => {
  "use strict";

  const RENEW_BEFORE = 90_000; // renew a token that ends within this time
  const SPINNER_AFTER = 200;
  const SPINNER_LEAST = 400;

  const body = document.body;
  const { words } = window.Host;

  // The page token: proof of who looks, in a header of each request

  let token = body.dataset.pageToken ?? "";
  let ends = Date.now() + Number(body.dataset.tokenSeconds ?? 0) * 1000;
  let renewal = null;

  /* Figures are read in the locale that the page was opened in, whatever its reader has chosen since. */
  const headersOfPage = () => ({ ...(token && { Authorization: `Bearer ${token}` }), "X-Page-Locale": body.dataset.locale });

  function renew() {
    renewal ??= (async () => {
      const proof = await window.Host.signedToken().catch(() => { throw new Error("expired"); });
      const answer = await fetch(body.dataset.tokenUrl, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ token: proof, surface: body.dataset.surface }),
        credentials: "omit",
        signal: AbortSignal.timeout(10_000),
      }).catch(() => { throw new Error("network"); });
      if (answer.status === 401) throw new Error("expired");
      if (!answer.ok) throw new Error("fault");
      const fresh = await answer.json();
      token = fresh.page_token;
      ends = Date.now() + fresh.expires_in * 1000;
    })().finally(() => { renewal = null; });
    return renewal;
  }

  /* Which of our words tell why something could not be fetched; a host that gives no proof vouches for nothing. */
  function kindOf({ name, message }) {
    if (name === "TimeoutError") return "timeout";
    return message === "expired" || message === "fault" ? message : "network";
  }

  body.addEventListener("htmx:configRequest", ({ detail: { headers } }) => Object.assign(headers, headersOfPage()));

  // Before a request: no second press, the question if there is one, a fresh token

  const again = new WeakMap(); // element -> send its last request once more
  const repeated = new WeakSet();

  body.addEventListener("htmx:confirm", async (event) => {
    const { elt, issueRequest, triggeringEvent } = event.detail;
    again.set(elt, () => issueRequest(true));
    const pressed = buttonOf(elt, triggeringEvent);
    if ("asked" in elt.dataset || pressed?.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    const question = questionOf(triggeringEvent?.submitter) ?? questionOf(elt);
    const stale = token && ends - Date.now() < RENEW_BEFORE;
    if (!question && !stale) return;
    event.preventDefault();
    elt.dataset.asked = "";
    try {
      if (question) {
        const yes = await window.Host.confirm(question);
        buttonOf(elt, triggeringEvent)?.focus(); // which the host's question had
        if (!yes) return;
      }
      if (stale) await renew().catch(() => {}); // the answer says so if the token is not accepted
    } finally {
      delete elt.dataset.asked;
    }
    if (elt.isConnected) issueRequest(true);
  });

  function questionOf(element) {
    const { confirmTitle, confirmText, confirmButton, confirmTone } = element?.dataset ?? {};
    return confirmTitle && { title: confirmTitle, text: confirmText, button: confirmButton, tone: confirmTone };
  }

  const isQuiet = (elt) => elt.dataset.onError === "keep";

  // Busy buttons

  const busy = new WeakMap(); // requesting element -> give its button back

  function buttonOf(elt, trigger) {
    const button = trigger?.submitter ?? (elt.matches("button, a.button, a.link") ? elt : null);
    const menu = button?.closest("[role=menu]");
    return menu ? document.querySelector(`[aria-controls="${CSS.escape(menu.id)}"]`) : button;
  }

  function makeBusy(button) {
    const content = [...button.childNodes];
    const width = button.offsetWidth;
    let since = 0;
    button.setAttribute("aria-disabled", "true");
    const timer = setTimeout(() => {
      since = Date.now();
      const spinner = document.createElement("span");
      spinner.className = "spinner";
      button.style.minInlineSize = `${width}px`;
      button.classList.add("is-busy");
      if (button.dataset.busyText) button.replaceChildren(spinner, button.dataset.busyText);
      else {
        button.querySelector(":scope > .icon")?.remove();
        button.prepend(spinner);
      }
    }, SPINNER_AFTER);
    return () => {
      clearTimeout(timer);
      const rest = since ? Math.max(0, SPINNER_LEAST - (Date.now() - since)) : 0;
      setTimeout(() => {
        button.removeAttribute("aria-disabled");
        button.classList.remove("is-busy");
        button.style.minInlineSize = "";
        if (since) button.replaceChildren(...content);
      }, rest);
    };
  }

  body.addEventListener("htmx:beforeRequest", ({ detail: { elt, requestConfig } }) => {
    const button = buttonOf(elt, requestConfig.triggeringEvent);
    if (button) busy.set(elt, makeBusy(button));
  });

  body.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
    busy.get(elt)?.();
    busy.delete(elt);
    if (successful) repeated.delete(elt);
  });

  // Failures: said where the answer would have stood, with a way to try again

  body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status >= 400 && detail.xhr.getResponseHeader("X-Fragment") === "swap") {
      detail.shouldSwap = true; // the server wrote the error itself
      detail.isError = false;
    }
  });

  body.addEventListener("htmx:responseError", async ({ detail: { elt, xhr, target } }) => {
    const expired = xhr.status === 401 && xhr.getResponseHeader("X-Page-Token") === "expired";
    if (expired && !repeated.has(elt)) {
      repeated.add(elt);
      try {
        await renew();
        again.get(elt)?.();
      } catch (problem) {
        repeated.delete(elt); // another press may renew it
        fault(elt, target, kindOf(problem));
      }
      return;
    }
    if (expired) fault(elt, target, "expired");
    else fault(elt, target, "fault", xhr.getResponseHeader("X-Request-Id"));
  });
  body.addEventListener("htmx:sendError", ({ detail: { elt, target } }) => fault(elt, target, "network"));
  body.addEventListener("htmx:timeout", ({ detail: { elt, target } }) => fault(elt, target, "timeout"));

  function fault(elt, target, kind, code, said) {
    if (!target || isQuiet(elt)) return;
    const banner = document.getElementById("fragment-error").content.firstElementChild.cloneNode(true);
    const [fact, effect] = said || words(kind).split("|");
    banner.querySelector("[data-fact]").textContent = fact;
    banner.querySelector("[data-effect]").textContent = effect;
    if (code && !said) {
      const line = banner.querySelector("[data-code]");
      line.textContent = words("code").replace("{code}", code);
      line.hidden = false;
    }
    const retry = banner.querySelector("[data-again]");
    if (kind === "expired" || !again.has(elt)) retry.remove();
    retry.addEventListener("click", () => {
      if (elt.isConnected) again.get(elt)();
      banner.remove();
      window.Host.fit();
    });
    place(banner, target, elt);
    faulty.set(banner, elt);
    window.Host.fit();
  }

  /* What had failed has been done by somebody else meanwhile, such as the page that goes on asking: the button that was
     pressed is gone with the rest of the old state, or what nobody pressed has been brought up to date. */
  const faulty = new WeakMap(); // banner -> what had failed
  function forget(isDone) {
    for (const banner of document.querySelectorAll("[data-fault]")) {
      const elt = faulty.get(banner);
      if (elt && isDone(elt) && !banner.contains(document.activeElement)) banner.remove();
    }
    window.Host.fit();
  }
  body.addEventListener("htmx:afterSettle", () => forget((elt) => !elt.isConnected));
  body.addEventListener("htmx:afterRequest", ({ detail: { successful, target } }) => {
    if (successful) forget((elt) => elt === target);
  });

  /* A form says its failures at its top, a list of a combobox in the list, and what nobody pressed in its own place. */
  const unasked = (elt, target) => elt.hidden || elt === target;
  const slotOf = (elt, target) =>
    unasked(elt, target) || target?.matches("[role=listbox]")
      ? null
      : elt.closest("form")?.querySelector("[data-fault-slot]") ?? target?.querySelector("[data-fault-slot]");

  const unsay = (place) => place?.querySelectorAll(":scope > [data-fault]").forEach((old) => old.remove());

  function place(banner, target, elt) {
    const slot = slotOf(elt, target);
    unsay(slot ?? target);
    if (!slot && target.querySelector("[aria-busy]")) target.replaceChildren(banner);
    else (slot ?? target).prepend(banner);
    if (target.matches("[role=listbox]")) target.hidden = false;
    if (!unasked(elt, target)) banner.scrollIntoView({ block: "nearest" }); // else somebody is busy elsewhere
  }

  body.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target } = event.detail;
    if (isQuiet(elt)) {
      if (document.querySelector("[data-hold], [data-asked]")) event.preventDefault(); // somebody is busy with what would be replaced
      return;
    }
    unsay(target);
    unsay(slotOf(elt, target));
  });

  // What is fetched by script: a document, a text to copy. Faults come as words for our own banner.

  const ask = (url, options) =>
    fetch(url, { headers: headersOfPage(), credentials: "omit", signal: AbortSignal.timeout(40_000), ...options });

  const pageOf = (elt) => elt.closest(".result__body, #invoice") ?? document.getElementById("panel");

  async function take(elt, url = elt.dataset.download ?? elt.dataset.copyFrom, options) {
    const page = pageOf(elt);
    const button = buttonOf(elt);
    if (button.getAttribute("aria-disabled") === "true") return null;
    const done = makeBusy(button);
    unsay(page);
    try {
      if (ends - Date.now() < RENEW_BEFORE) await renew();
      let answer = await ask(url, options);
      if (answer.status === 401) {
        await renew();
        answer = await ask(url, options);
        if (answer.headers.get("X-Page-Token") === "expired") throw new Error("expired");
      }
      if (answer.ok) return answer;
      if (answer.status === 410) dirty = false; // a form that is gone is left without its entries
      const said = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : {};
      fault(elt, page, "fault", answer.headers.get("X-Request-Id"), said.fact && [said.fact, said.effect]);
    } catch (problem) {
      fault(elt, page, kindOf(problem));
    } finally {
      done();
    }
    return null;
  }

  async function download(elt) {
    const answer = await take(elt);
    if (!answer) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "invoice.pdf";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  // After a swap: focus, news, and the right size

  let focused = null; // how to find the focused thing again

  body.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
    const active = document.activeElement;
    focused = null;
    if (!shouldSwap || !target?.contains(active) || active === target) return;
    const card = active.closest("section")?.getAttribute("aria-labelledby");
    focused = { target, active, card };
  });

  body.addEventListener("htmx:afterSettle", () => {
    window.Host.fit();
    if (!focused || document.activeElement !== body) return;
    const { target, active, card } = focused;
    focused = null;
    const place = target.isConnected ? target : document.getElementById(target.id) ?? body;
    const titles = [...place.querySelectorAll("h1, h2")];
    const seen = titles.filter((title) => title.getClientRects()[0]?.top >= 0); // what the reader has before him
    const same =
      document.getElementById(active.id) ||
      (active.name && place.querySelector(`[name="${CSS.escape(active.name)}"]`)) ||
      (active.ariaLabel && place.querySelector(`[aria-label="${CSS.escape(active.ariaLabel)}"]`)) ||
      seen.find((title) => title.id === card) ||
      seen[0] ||
      titles[0] ||
      place;
    if (same.tabIndex < 0) same.tabIndex = -1;
    same.focus({ preventScroll: true });
  });

  function each(part, attribute, use) {
    const found = part.matches?.(`[${attribute}]`) ? [part] : [];
    for (const element of [...found, ...(part.querySelectorAll?.(`[${attribute}]`) ?? [])]) {
      const value = element.getAttribute(attribute);
      element.removeAttribute(attribute); // once
      use(element, value);
    }
  }

  let dirty = false;

  body.addEventListener("htmx:load", ({ detail: { elt } }) => {
    each(elt, "data-snackbar", (_, message) => message && window.Host.snackbar(message));
    each(elt, "data-announce", (_, message) => announce(message));
    each(elt, "data-clean", () => { dirty = false; });
    each(elt, "data-autofocus", (element) => element.focus());
  });

  const live = document.getElementById("live");
  let speaking = 0;
  function announce(message) {
    if (!message) return;
    live.textContent = "";
    clearTimeout(speaking);
    speaking = setTimeout(() => { live.textContent = message; }, 50); // an emptied region is read again
  }

  // Attributes on anything that is pressed

  const KEEP_AFTER = 15_000; // without a change
  let keeping = 0;
  function changed({ target }) {
    if (!target.closest("[data-dirty-guard]")) return;
    dirty = true;
    clearTimeout(keeping);
    keeping = setTimeout(keep, KEEP_AFTER);
  }
  body.addEventListener("input", changed);
  body.addEventListener("change", changed);
  window.addEventListener("beforeunload", (event) => {
    if (dirty && document.querySelector("[data-dirty-guard]:not([data-keep])")) event.preventDefault();
  });

  /* The entries of a form with data-keep are kept, in whatever way it is left: also now and then, since a window may go
     without a word, and with more in it than a page may send as it goes. */
  const entries = (guard) => ({ method: "POST", body: new URLSearchParams(new FormData(guard)) });
  async function keep(last) {
    const guard = document.querySelector("[data-keep]");
    if (!dirty || !guard) return;
    try {
      if (!last && ends - Date.now() < RENEW_BEFORE) await renew();
      await ask(guard.dataset.keep, { ...entries(guard), ...last });
    } catch { /* the next time */ }
  }

  window.addEventListener("pagehide", () => keep({ keepalive: true }));

  async function leave(pressed) {
    const guard = document.querySelector("[data-dirty-guard]");
    const { leaveTitle: title, leaveText: text, leaveButton: button, keep } = guard?.dataset ?? {};
    const later = pressed.hasAttribute("data-later");
    if (dirty && title && !later && !(await window.Host.confirm({ title, text, button, tone: "primary" }))) return;
    if (keep && (dirty || later) && !(await take(pressed, keep, entries(guard)))) return;
    dirty = false;
    window.Host.closeModal();
  }

  /* A form or history goes; its opener has the focus. */
  function closeForm(pressed) {
    const opener = document.getElementById(pressed.dataset.closeForm);
    pressed.closest(".send").remove();
    opener?.focus();
    window.Host.fit();
  }

  /* A text that has to be fetched is promised to the clipboard within the press: Safari takes none after it. What a browser
     does not take (the host may not have allowed it to frames) is shown instead. */
  async function copy(elt) {
    const type = "text/plain";
    const coming = (async () => new Blob([elt.dataset.copy ?? (await (await take(elt)).json()).text], { type }))();
    try {
      await navigator.clipboard.write([new ClipboardItem({ [type]: coming })]);
    } catch {
      const text = await coming.then((blob) => blob.text()).catch(() => "");
      if (!text) return; // why, has been said
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "visually-hidden";
      const back = document.activeElement;
      body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      back?.focus();
      if (!done) return fault(elt, pageOf(elt), "", "", [words("uncopied"), text]);
    }
    window.Host.snackbar(elt.dataset.copied || words("copied"));
  }

  body.addEventListener("click", (event) => {
    const pressed = event.target.closest?.(
      "[data-open-invoice], [data-close-modal], [data-redirect], [data-copy], [data-copy-from], [data-download], [data-close-form], a[data-confirm-title]",
    );
    if (!pressed) return;
    for (const [name, act] of Object.entries({ download, copy, copyFrom: copy, closeForm })) {
      if (pressed.dataset[name] !== undefined) return void act(pressed);
    }
    const { openInvoice, modalData, redirect, redirectId } = pressed.dataset;
    if (openInvoice !== undefined) {
      const deal = openInvoice === "" ? {} : { deal: Number(openInvoice) };
      window.Host.openModal({ ...deal, ...(modalData ? JSON.parse(modalData) : {}) });
    } else if (pressed.hasAttribute("data-close-modal")) leave(pressed);
    else if (redirect) {
      if (pressed.href) event.preventDefault();
      window.Host.redirect(redirect, redirectId, pressed.href);
    }
    else if (pressed.hasAttribute("href") && !pressed.hasAttribute("hx-get") && !pressed.hasAttribute("hx-post")) {
      event.preventDefault();
      window.Host.confirm(questionOf(pressed)).then((yes) => yes && window.open(pressed.href, pressed.target || "_self", "noopener"));
    }
  });

  window.Embed = { announce, touch: () => { dirty = true; } };
})();
