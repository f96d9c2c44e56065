/*
 * The host side of Pipedrive's App Extensions SDK: frames with their commands and events.
 * Messages are {id, payload: {type: "command"|"listener"|"track", ...}} with one MessagePort; each command gets exactly one answer,
 * {data} or {error}. For browser tests every message is kept in window.__calls, and window.__sandbox gives access to the frames.
 */
"use strict";
(() => {
  const START_LIMIT = 10000; // Pipedrive shows nothing of a page that has not initialised by then
  const RANGE = {
    panel: { height: [100, 750] },
    modal: { height: [120, () => window.innerHeight], width: [320, () => window.innerWidth] },
    settings: { height: [100, () => 10000] },
  };
  const START_SIZE = { panel: { height: 360 }, modal: { width: 800, height: 560 }, settings: { height: 600 } };
  const frames = new Map();
  const body = document.body;
  const calls = (window.__calls = []);
  let modal = null;

  const theme = () => document.documentElement.dataset.theme;

  async function ask(path, content) {
    const answer = await fetch(`/web/${body.dataset.domain}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(content || {}),
    });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error || "refused");
    return found;
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  class Frame {
    constructor(kind, place, wanted) {
      Object.assign(this, { kind, place, wanted, listeners: {}, id: null, iframe: null, timer: null, ready: false, answers: 0 });
    }

    async open() {
      this.close();
      const waiting = element("p", { class: "extension-note waiting" }, "Loading…");
      this.place.replaceChildren(waiting);
      let found;
      try {
        found = await ask("/frames", { kind: this.kind, theme: theme(), ...this.wanted });
      } catch {
        this.fail();
        return;
      }
      this.id = found.id;
      this.iframe = element("iframe", { src: found.url, title: this.kind === "panel" ? "QuickBooks invoices" : body.dataset.modalName });
      this.iframe.className = "not-ready";
      this.size(START_SIZE[this.kind]);
      frames.set(this.id, this);
      this.timer = setTimeout(() => this.fail(), START_LIMIT);
      this.place.append(this.iframe);
    }

    started() {
      clearTimeout(this.timer);
      this.ready = true;
      this.iframe.className = "";
      for (const note of this.place.querySelectorAll(".waiting")) note.remove();
    }

    fail() {
      this.close();
      const again = element("button", { type: "button", onclick: () => this.open() }, "Refresh");
      this.place.replaceChildren(
        element("div", { class: "extension-note failed", role: "alert" }, element("strong", {}, "Something went wrong"), element("p", {}, "The app did not answer in time."), again),
      );
    }

    close() {
      clearTimeout(this.timer);
      if (this.iframe) this.iframe.remove();
      frames.delete(this.id);
      Object.assign(this, { id: null, iframe: null, listeners: {}, ready: false });
    }

    /* Pipedrive ignores a size out of range; it does not clamp it. */
    size(wanted) {
      if (!wanted || !this.iframe) return false;
      const range = RANGE[this.kind];
      const chosen = Object.entries(range).filter(([name]) => wanted[name] !== undefined && wanted[name] !== null);
      for (const [name, [least, most]] of chosen) {
        const value = wanted[name];
        const limit = typeof most === "function" ? most() : most;
        if (typeof value !== "number" || !(value >= least && value <= limit)) return false;
      }
      for (const [name] of chosen) this.iframe.style[name] = `${wanted[name]}px`;
      return true;
    }

    push(event, data) {
      for (const port of this.listeners[event] || []) port.postMessage({ data });
    }
  }

  function pushAll(event, data) {
    for (const frame of frames.values()) frame.push(event, data);
  }

  /* --- dialogs of the host ------------------------------------------------------------------------------------------------ */

  function snackbar({ message, link }) {
    const bar = element("div", { class: "snackbar", role: "status" }, element("span", {}, String(message)));
    if (link && link.url) bar.append(element("a", { href: link.url, target: "_blank", rel: "noopener" }, link.label || link.url));
    bar.setAttribute("popover", "manual"); // above an open dialog
    body.append(bar);
    bar.showPopover();
    setTimeout(() => bar.remove(), 6000);
  }

  function dialog(name, ...children) {
    const made = element("dialog", { class: name }, ...children);
    body.append(made);
    made.showModal();
    return made;
  }

  function confirmation({ title, description, okText, cancelText, okColor }) {
    return new Promise((resolve) => {
      const done = (confirmed) => {
        box.remove();
        resolve({ confirmed });
      };
      const ok = element("button", { type: "button", class: `ok ${okColor || "negative"}`, onclick: () => done(true) }, okText || "OK");
      const cancel = element("button", { type: "button", class: "cancel", onclick: () => done(false) }, cancelText || "Cancel");
      const words = [element("h2", {}, String(title))];
      if (description) words.push(element("p", {}, String(description)));
      const box = dialog("confirmation", ...words, element("div", { class: "row" }, cancel, ok));
      box.addEventListener("cancel", (event) => {
        event.preventDefault();
        done(false);
      });
      cancel.focus();
    });
  }

  function openModal(wanted) {
    return new Promise((resolve) => {
      const place = element("div", { class: "extension-body" });
      const shut = element("button", { type: "button", class: "shut", "aria-label": "Close", onclick: () => modal.shut() }, "✕");
      const box = dialog("custom-modal", element("header", {}, element("h2", {}, body.dataset.modalName), shut), place);
      const frame = new Frame("modal", place, wanted);
      const shutModal = () => {
        if (!modal) return;
        modal = null;
        frame.close();
        box.remove();
        resolve({ status: "closed" });
        pushAll("close_custom_modal", {});
      };
      box.addEventListener("cancel", (event) => {
        event.preventDefault();
        shutModal();
      });
      modal = { frame, shut: shutModal };
      frame.open();
    });
  }

  /* --- commands ----------------------------------------------------------------------------------------------------------- */

  const REDIRECTS = { deals: "deal", contacts: "person", organizations: "organization" };
  const LISTS = { deals: "deals" };

  function redirect({ view, id, context }) {
    const base = `/web/${body.dataset.domain}`;
    if (view === "settings") {
      const query = new URLSearchParams(context || {}).toString();
      location.assign(`${base}/settings/marketplace/app/${body.dataset.clientId}/app-settings${query ? `?${query}` : ""}`);
    } else if (REDIRECTS[view] && id) location.assign(`${base}/${REDIRECTS[view]}/${encodeURIComponent(id)}`);
    else if (LISTS[view]) location.assign(`${base}/${LISTS[view]}`);
    else snackbar({ message: "This page is not part of the stand-in." });
  }

  const COMMANDS = {
    initialize(frame, args) {
      frame.started();
      frame.size(args && args.size);
    },
    resize(frame, args) {
      frame.size(args);
    },
    show_snackbar(frame, args) {
      snackbar(args || {});
    },
    show_confirmation(frame, args) {
      if (!args || !args.title) throw new Error("Title is required");
      return confirmation(args);
    },
    open_modal(frame, args) {
      const { type, action_id: action, data } = args || {};
      if (type !== "custom_modal") {
        snackbar({ message: "This dialog of Pipedrive is not part of the stand-in." });
        return { status: "closed" };
      }
      if (action !== body.dataset.modalName && action !== body.dataset.modalId) throw new Error("Modal not found");
      if (modal) throw new Error("A modal is open already");
      return openModal(data === undefined ? {} : { data });
    },
    close_modal(frame) {
      if (frame.kind !== "modal") throw new Error("No modal to close");
      setTimeout(() => modal && modal.shut(), 0);
    },
    get_signed_token() {
      return ask("/frames/token");
    },
    redirect_to(frame, args) {
      setTimeout(() => redirect(args || {}), 0);
    },
    get_metadata() {
      return { windowHeight: window.innerHeight, windowWidth: window.innerWidth };
    },
  };
  const ELSEWHERE = ["show_floating_window", "hide_floating_window", "set_notification", "set_focus_mode"];

  async function obey(frame, command, args, port) {
    let answer;
    try {
      if (ELSEWHERE.includes(command)) throw new Error("Command is not available for this extension");
      if (!Object.hasOwn(COMMANDS, command)) throw new Error("Invalid command");
      if (command !== "initialize" && !frame.ready) throw new Error("Extension is not initialized");
      answer = { data: await COMMANDS[command](frame, args) };
    } catch (error) {
      answer = { error: error.message };
    }
    port.postMessage(answer);
  }

  window.addEventListener("message", (event) => {
    const { id, payload } = event.data || {};
    const frame = frames.get(id);
    if (!frame || !payload || event.source !== frame.iframe.contentWindow) return;
    const port = event.ports[0];
    calls.push({ kind: frame.kind, id, type: payload.type, name: payload.command || payload.event, args: payload.args, at: Date.now() });
    if (payload.type === "command" && port) obey(frame, payload.command, payload.args, port);
    else if (payload.type === "listener" && port) (frame.listeners[payload.event] ||= []).push(port);
  });

  /* --- the page ----------------------------------------------------------------------------------------------------------- */

  window.addEventListener("themechange", (event) => pushAll("user_settings_change", { theme: event.detail.theme }));

  for (const place of document.querySelectorAll(".extension[data-kind]")) {
    const { kind, resource, selected, context } = place.dataset;
    const wanted = resource ? { resource, selectedIds: selected } : { context: context ? JSON.parse(context) : {} };
    const frame = new Frame(kind, place.querySelector(".extension-body"), wanted);
    place.frame = frame;
    frame.open();
  }

  for (const head of document.querySelectorAll(".extension-head")) {
    head.addEventListener("click", () => {
      const open = head.getAttribute("aria-expanded") !== "true";
      head.setAttribute("aria-expanded", String(open));
      const place = head.closest(".extension");
      place.classList.toggle("folded", !open);
      if (place.frame) place.frame.push("visibility", { is_visible: open, context: { invoker: "user" } });
    });
  }

  for (const entry of document.querySelectorAll("[data-modal]")) {
    entry.addEventListener("click", () => {
      if (!modal) openModal({ resource: entry.dataset.resource, selectedIds: entry.dataset.selected });
    });
  }

  window.__sandbox = {
    frames: () => [...frames.values()],
    push: pushAll,
    reload: (kind) => [...frames.values()].filter((frame) => frame.kind === kind).forEach((frame) => frame.open()),
  };
})();
