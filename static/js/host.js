/* The host: Pipedrive around our frame, spoken to through the App Extensions SDK. Defines window.Host.

   The SDK's promises never settle when nobody answers, so every question here has its own time limit, and everything
   the page needs goes on without a host: our own dialog, our own toast, the size we happen to have.
   https://pipedrive.readme.io/docs/custom-ui-extensions-sdk */
(() => {
  "use strict";

  const START_LIMIT = 8000; // Pipedrive hides a frame that has not started within 10 seconds
  const ANSWER_LIMIT = 1500;
  const RESIZING = 300;
  const FIRST_CONTENT = 400; // how long the start waits for real content, to ask for its height at once
  const PANEL = { least: 100, most: 750 };
  const MODAL = { width: 1000, height: 720, fitWidth: 720, leastHeight: 240 };
  const SETTINGS = { least: 400, chrome: 160 };

  const root = document.documentElement;
  const body = document.body;
  const surface = body.dataset.surface;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const within = (promise, ms) =>
    Promise.race([promise, pause(ms).then(() => { throw new Error("no answer"); })]);

  let sdk = null;
  let hostWindow = { windowWidth: screen.availWidth, windowHeight: screen.availHeight };
  let lastSize = "";

  const words = (id) => (document.getElementById(`text-${id}`)?.content.textContent ?? "").trim();

  /* Two sources may report the same thing at almost the same time; the page hears it once. */
  const lastTold = {};
  function tellOnce(name) {
    const now = Date.now();
    if (now - (lastTold[name] ?? 0) > 800) body.dispatchEvent(new Event(`host:${name}`));
    lastTold[name] = now;
  }

  async function ask(command, args, limit = ANSWER_LIMIT) {
    await ready;
    if (!sdk) throw new Error("no host");
    const answer = sdk.execute(command, args);
    return limit ? within(answer, limit) : answer;
  }

  // Size

  function contentHeight() {
    const floating = [...document.querySelectorAll(".menu, .list, .calendar")].filter((box) => box.offsetParent);
    const lowest = Math.max(0, ...floating.map((box) => box.getBoundingClientRect().bottom + window.scrollY + 8));
    return Math.ceil(Math.max(body.getBoundingClientRect().height, lowest));
  }

  const between = (least, value, most) => Math.round(Math.max(least, Math.min(value, most)));

  function wantedSize() {
    if (surface === "panel") return { height: between(PANEL.least, contentHeight(), PANEL.most) };
    const { windowWidth, windowHeight } = hostWindow;
    if (surface === "settings") {
      return { height: between(SETTINGS.least, contentHeight(), Math.max(600, windowHeight - SETTINGS.chrome)) };
    }
    const most = { width: between(320, windowWidth * 0.9, MODAL.width), height: between(120, windowHeight * 0.85, MODAL.height) };
    if (!document.querySelector("[data-fit]")) return most;
    return {
      width: Math.min(MODAL.fitWidth, most.width),
      height: between(Math.min(MODAL.leastHeight, most.height), contentHeight(), most.height),
    };
  }

  function fit() {
    root.toggleAttribute("data-fits", surface === "panel" && contentHeight() <= PANEL.most);
    if (!sdk) return;
    const size = wantedSize();
    if (JSON.stringify(size) === lastSize) return;
    lastSize = JSON.stringify(size);
    sdk.execute("resize", size).catch(() => { lastSize = ""; });
  }

  /* The frame gets its new size a little after the host has answered; until then everything stands in the old one. */
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  function sized({ width = innerWidth, height = innerHeight }) {
    const there = () => width === innerWidth && height === innerHeight;
    const changed = new Promise((done) => addEventListener("resize", () => there() && done()));
    return Promise.race([there() ? drawn() : changed.then(drawn), pause(RESIZING)]);
  }

  let fitting = 0;
  function fitSoon() {
    cancelAnimationFrame(fitting);
    fitting = requestAnimationFrame(fit);
  }

  // Start

  function useTheme(theme) {
    if (theme !== "light" && theme !== "dark") return;
    root.dataset.theme = theme;
  }

  function outside() {
    body.querySelectorAll("main, [hx-trigger]").forEach((part) => part.remove());
    body.prepend(document.getElementById("outside-host").content.cloneNode(true));
  }

  async function start() {
    let starting;
    try {
      if (window.parent === window) throw new Error("not framed");
      starting = new AppExtensionsSDK(); // throws without ?id=
    } catch {
      body.dataset.host = "none";
      outside();
      return;
    }
    if (!document.querySelector("[data-full]")) { // what has its full size from the start waits for nothing
      const content = new Promise((done) => body.addEventListener("htmx:afterSettle", done, { once: true }));
      await Promise.race([content, pause(FIRST_CONTENT)]);
    }
    try {
      const size = wantedSize();
      lastSize = JSON.stringify(size);
      await within(starting.initialize({ size }), START_LIMIT);
    } catch {
      body.dataset.host = "silent";
      return;
    }
    sdk = starting;
    sdk.listen("user_settings_change", ({ data }) => useTheme(data?.theme));
    sdk.listen("close_custom_modal", () => tellOnce("modal-closed"));
    sdk.listen("visibility", ({ data }) => data?.is_visible && tellOnce("visible"));
  }

  const ready = start();
  ready.then(async () => {
    if (!sdk) return;
    try {
      if (surface !== "panel") hostWindow = (await ask("get_metadata")) ?? hostWindow;
    } catch { /* the screen's size has to do */ }
    const inPlace = sized(wantedSize());
    fit();
    await inPlace;
    body.dataset.host = "ready";
  });
  new ResizeObserver(fitSoon).observe(body);
  document.addEventListener("visibilitychange", () => !document.hidden && tellOnce("visible"));

  // What pages ask of the host

  let toastTimer = 0;
  function ownToast(message) {
    const toast = document.getElementById("toast");
    if (!toast) return;
    toast.textContent = message;
    toast.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { toast.hidden = true; }, 5000);
  }

  function snackbar(message) {
    return ask("show_snackbar", { message }).catch(() => ownToast(message));
  }

  function ownDialog({ title, text, button, tone }) {
    const dialog = document.getElementById("confirmation");
    const yes = dialog.querySelector("[value=yes]");
    document.getElementById("confirmation-title").textContent = title;
    document.getElementById("confirmation-text").textContent = text ?? "";
    yes.textContent = button;
    yes.className = `button button--${tone === "primary" ? "primary" : "danger"}`;
    return new Promise((done) => {
      const finish = (answer) => {
        dialog.removeEventListener("click", onClick);
        dialog.removeEventListener("close", onClose);
        if (dialog.open) dialog.close();
        done(answer);
      };
      const onClick = ({ target }) => { if (target.value) finish(target.value === "yes"); };
      const onClose = () => finish(false);
      dialog.addEventListener("click", onClick);
      dialog.addEventListener("close", onClose);
      dialog.showModal();
      dialog.querySelector("[value=no]").focus();
    });
  }

  /* The host's confirmation stays open as long as the reader thinks, so its silence says nothing. Another question is
     asked beside it: when that one finds no host within the limit, our own dialog asks instead. */
  async function confirm({ title, text, button, tone = "negative" }) {
    await ready;
    if (!sdk) return ownDialog({ title, text, button, tone });
    const settled = sdk.execute("show_confirmation", {
      title, description: text ?? "", okText: button, cancelText: words("cancel"), okColor: tone,
    }).then((answer) => Boolean(answer?.confirmed));
    const first = await Promise.race([settled, ask("get_metadata").then(() => settled)]).catch(() => null);
    return first ?? ownDialog({ title, text, button, tone });
  }

  async function openModal(data) {
    try {
      await ask("open_modal", { type: "custom_modal", action_id: body.dataset.modalId, data }, 0);
      tellOnce("modal-closed");
    } catch {
      ownToast(words("no-modal"));
    }
  }

  window.Host = {
    words,
    fit: fitSoon,
    snackbar,
    confirm,
    openModal,
    closeModal: () => ask("close_modal").catch(() => ownToast(words("no-close"))),
    redirect: (view, id, address) => ask("redirect_to", id ? { view, id: Number(id) } : { view })
      .catch(() => (address ? window.open(address, "_blank", "noopener") : ownToast(words("no-redirect")))),
    signedToken: async () => (await ask("get_signed_token", undefined, 5000)).token,
  };
})();
