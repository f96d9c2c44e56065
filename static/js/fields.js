/* Fields that take what readers type: price, quantity, discount and date, shown in the locale's form on leaving.
   The server reads the same forms (integration_settings/formats.py), so a page without this script still works.
   Attributes: data-price (with data-decimals), data-quantity, data-discount (with data-currency),
   data-date (on .date; the input may name the field it counts from in data-base). Defines window.Fields. */
(() => {
  "use strict";

  const body = document.body;
  const locale = body.dataset.locale || "en";
  const MINUS = "\u2212";
  const MOST_DECIMALS = 20; // of what Intl shows

  // Numbers

  const example = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(12345.6);
  const POINT = example.find((part) => part.type === "decimal")?.value ?? ".";

  const APART = /\d{4}\s+\d|\d(?=\s*[\t\n\r\f\v])\s+\d|\d\s+(?!\d{3}(?!\d))\d/; // blanks that group no thousands

  /* The figure as "-1234.5", without zeros that say nothing; null when it is none. */
  function plainNumber(text) {
    const sign = asAmount("0", currency()).match(/\p{Sc}/u); // of another currency's the server says so
    const seen = text.replace(sign, "\t").replace(/\p{Cf}/gu, "").replace(/['’]/g, " ");
    if (APART.test(seen)) return null;
    const plain = seen.replace(/\s/g, "").replaceAll(MINUS, "-");
    if (!/^[+-]?(\d[\d.,]*|[.,]\d+)$/.test(plain) || plain.length > 30) return null;
    const point = decimalSign(plain);
    const at = point ? plain.indexOf(point) : plain.length;
    const whole = plain.slice(0, at);
    const rest = plain.slice(at + 1);
    if (!/^[+-]?(\d*|\d{1,3}([.,]\d{2,3})*[.,]\d{3})$/.test(whole) || !/^\d*$/.test(rest)) return null;
    const digits = whole.replace(/[.,+]/g, "").replace(/^(-?)0+(?=\d)/, "$1").replace(/^-?$/, "$&0");
    const decimals = rest.replace(/0+$/, "");
    return digits + (decimals && `.${decimals}`);
  }

  function decimalSign(plain) {
    const [sign] = plain.match(/[.,](?=\d*$)/) ?? [];
    if (!sign) return "";
    const count = plain.split(sign).length - 1;
    if (plain.includes(sign === "." ? "," : ".")) return count === 1 ? sign : "";
    if (count > 1) return "";
    const grouped = /^[+-]?(?!0\D)\d{1,3}\D\d{3}$/.test(plain);
    return grouped && POINT !== sign ? "" : sign;
  }

  const decimalsOf = (plain) => Math.min(plain.split(".")[1]?.length ?? 0, MOST_DECIMALS);

  function showNumber(plain, least) {
    const shape = { minimumFractionDigits: least, maximumFractionDigits: Math.max(least, decimalsOf(plain)), numberingSystem: "latn" };
    return new Intl.NumberFormat(locale, shape).format(Number(plain)).replace("-", MINUS);
  }

  const currency = () => document.querySelector("[data-currency]")?.dataset.currency;

  function tidy(input, least) {
    const plain = plainNumber(input.value);
    if (plain !== null) setFigure(input, plain, showNumber(plain, least));
  }

  const PERCENT = /[%％٪]/;

  function tidyDiscount(input) {
    const typed = input.value;
    const percent = PERCENT.test(typed);
    const plain = plainNumber(typed.replace(PERCENT, " "));
    if (plain === null) return;
    if (Number(plain) === 0) setValue(input, "");
    else if (percent) {
      const shape = { style: "percent", maximumFractionDigits: decimalsOf(plain), numberingSystem: "latn" };
      setFigure(input, plain, new Intl.NumberFormat(locale, shape).format(Number(plain) / 100));
    } else setFigure(input, plain, asAmount(plain, currency()), showNumber(plain, 2));
  }

  /* The amount with its sign, so that it is seen that money was understood. */
  function asAmount(plain, code) {
    if (!code) return showNumber(plain, 0);
    const shape = { style: "currency", currency: code, currencyDisplay: "narrowSymbol", numberingSystem: "latn" };
    return new Intl.NumberFormat(locale, shape).format(Number(plain)).replace("-", MINUS);
  }

  /* The first that loses nothing: a double drops digits, a currency decimals. Else what was typed stays for the server. */
  function setFigure(input, plain, ...ways) {
    const shown = ways.find((way) => plainNumber(way.replace(PERCENT, "")) === plain);
    if (shown !== undefined) setValue(input, shown);
  }

  function setValue(input, value) {
    if (input.value === value) return;
    input.value = value;
    input.dispatchEvent(new CustomEvent("field:tidied", { bubbles: true }));
  }

  // Dates, as days without a time: "2026-12-07"

  const dayOf = (iso) => new Date(`${iso}T00:00:00Z`);
  const isoOf = (day) => day.toISOString().slice(0, 10);
  const shift = (iso, days) => isoOf(new Date(dayOf(iso).getTime() + days * 86_400_000));
  const today = () => body.dataset.today || isoOf(new Date());
  const intl = (shape) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", calendar: "gregory", numberingSystem: "latn", ...shape });
  const showDate = (iso) => intl({ dateStyle: "medium" }).format(dayOf(iso));
  const plainWord = (word) => word.toLocaleLowerCase(locale).normalize("NFKD").replace(/[^\p{L}]/gu, "");

  const months = ["long", "short"].flatMap((month) =>
    [locale, "en"].flatMap((language) =>
      Array.from({ length: 12 }, (_, number) => {
        const format = new Intl.DateTimeFormat(language, { month, day: "numeric", timeZone: "UTC" });
        const name = format.formatToParts(new Date(Date.UTC(2026, number, 1))).find((part) => part.type === "month");
        return [plainWord(name.value), number + 1];
      }),
    ),
  );

  function monthOf(word) {
    const plain = plainWord(word);
    if (plain.length < 3) return null;
    const ways = [(name) => name === plain, (name) => name.startsWith(plain), (name) => name.length >= 3 && plain.startsWith(name)];
    for (const alike of ways) {
      const found = new Set(months.filter(([name]) => alike(name)).map(([, number]) => number));
      if (found.size === 1) return [...found][0];
    }
    return null;
  }

  const order = intl({ dateStyle: "short" }).formatToParts(dayOf("2026-11-23"))
    .map((part) => part.type[0]).join("").replace(/[^dmy]/g, "");

  function parseDate(text, base) {
    text = text.normalize("NFKC").trim();
    const days = /^\+\s*(\d{1,4})$/.exec(text);
    if (days) return shift(base || today(), Number(days[1]));
    const figures = text.match(/\d+/g) ?? [];
    const [month, another] = (text.match(/\p{L}+/gu) ?? []).map(monthOf).filter(Boolean);
    if (another) return null; // the server knows weekdays, "mardi" from March, and which of "7 Dec 26" is the year
    let places = order;
    const yearAt = figures.findIndex((figure) => figure.length === 4);
    if (month) places = ["yd", "dy"][yearAt] ?? "d";
    else if (figures.length === 3 && yearAt === 0) places = "ymd";
    if (figures.length === places.length - 1) places = places.replace("y", "");
    if (figures.length !== places.length || (!month && figures.length < 2)) return null;
    const found = Object.fromEntries([...places].map((place, index) => [place, figures[index]]));
    const at = month ?? Number(found.m);
    if (found.y) return sane(Number(found.y) + (found.y.length < 3 ? 2000 : 0), at, Number(found.d));
    const year = Number(today().slice(0, 4));
    const since = shift(today(), -183);
    return [year - 1, year, year + 1].map((one) => sane(one, at, Number(found.d))).find((day) => day && day > since) ?? null;
  }

  function sane(year, month, day) {
    const found = new Date(Date.UTC(year, month - 1, day));
    return year >= 1900 && year <= 2200 && found.getUTCMonth() === month - 1 && found.getUTCDate() === day ? isoOf(found) : null;
  }

  function dateOf(input) {
    const base = input.dataset.base && document.getElementById(input.dataset.base);
    return parseDate(input.value, base ? parseDate(base.value) : null);
  }

  function tidyDate(input) {
    const iso = input.value.trim() ? dateOf(input) : null;
    if (iso) setValue(input, showDate(iso));
  }

  // Calendar: a dialog with a grid of days

  let calendar = null; // { box, holder, input, shown, focus }

  const firstWeekday = (() => {
    const place = new Intl.Locale(locale);
    return ((place.getWeekInfo?.() ?? place.weekInfo)?.firstDay ?? 1) % 7;
  })();

  function openCalendar(holder) {
    closeCalendar(false);
    const input = holder.querySelector("input");
    const box = document.getElementById("calendar").content.firstElementChild.cloneNode(true);
    const head = box.querySelector("thead tr");
    for (let at = 0; at < 7; at += 1) {
      const day = new Date(Date.UTC(2023, 0, 1 + ((firstWeekday + at) % 7))); // 1 January 2023 was a Sunday
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = intl({ weekday: "narrow" }).format(day);
      cell.ariaLabel = intl({ weekday: "long" }).format(day);
      head.append(cell);
    }
    holder.append(box);
    calendar = { box, holder, input, chosen: dateOf(input), focus: dateOf(input) ?? today() };
    drawCalendar();
    const pane = holder.closest(".invoice__form") ?? document.documentElement; // what scrolls around the field
    if (box.getBoundingClientRect().right > pane.getBoundingClientRect().right) box.classList.add("calendar--end");
    box.querySelector("[tabindex='0']").focus();
    box.scrollIntoView({ block: "nearest" });
    window.Host?.fit();
  }

  function drawCalendar() {
    const { box, focus, chosen } = calendar;
    const month = focus.slice(0, 7);
    box.querySelector("[data-month]").textContent = intl({ month: "long", year: "numeric" }).format(dayOf(`${month}-01`));
    const first = dayOf(`${month}-01`);
    let day = shift(isoOf(first), -((first.getUTCDay() - firstWeekday + 7) % 7));
    const rows = [];
    do {
      const row = document.createElement("tr");
      for (let at = 0; at < 7; at += 1, day = shift(day, 1)) row.append(dayCell(day, month, focus, chosen));
      rows.push(row);
    } while (day.startsWith(month));
    box.querySelector("tbody").replaceChildren(...rows);
  }

  function dayCell(day, month, focus, chosen) {
    const cell = document.createElement("td");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "calendar__day";
    button.dataset.day = day;
    button.textContent = Number(day.slice(8));
    button.ariaLabel = intl({ dateStyle: "full" }).format(dayOf(day));
    button.tabIndex = day === focus ? 0 : -1;
    if (day === today()) button.ariaCurrent = "date";
    if (day === chosen) { button.classList.add("calendar__day--chosen"); button.ariaPressed = true; }
    if (!day.startsWith(month)) button.classList.add("calendar__day--other");
    cell.append(button);
    return cell;
  }

  function moveTo(iso) {
    calendar.focus = iso;
    drawCalendar();
    calendar.box.querySelector("[tabindex='0']").focus();
  }

  function addMonths(iso, count) {
    const day = dayOf(iso);
    const found = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + count + 1, 0)); // that month's last day
    found.setUTCDate(Math.min(day.getUTCDate(), found.getUTCDate()));
    return isoOf(found);
  }

  function closeCalendar(refocus = true) {
    if (!calendar) return;
    const { box, holder } = calendar;
    calendar = null;
    box.remove();
    if (refocus) holder.querySelector(".date__open").focus();
    window.Host?.fit();
  }

  function pick(iso) {
    const { input } = calendar;
    closeCalendar();
    input.value = showDate(iso);
    for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
  }

  function onCalendarKey(event) {
    const { focus } = calendar;
    const onDay = event.target.matches("[data-day]");
    const rtl = getComputedStyle(calendar.box).direction === "rtl" ? -1 : 1;
    const weekday = (dayOf(focus).getUTCDay() - firstWeekday + 7) % 7;
    const moves = {
      ArrowLeft: () => shift(focus, -rtl), ArrowRight: () => shift(focus, rtl), ArrowUp: () => shift(focus, -7), ArrowDown: () => shift(focus, 7),
      Home: () => shift(focus, -weekday), End: () => shift(focus, 6 - weekday),
      PageUp: () => addMonths(focus, event.shiftKey ? -12 : -1), PageDown: () => addMonths(focus, event.shiftKey ? 12 : 1),
    };
    if (event.key === "Escape") closeCalendar();
    else if (onDay && moves[event.key]) moveTo(moves[event.key]());
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  body.addEventListener("click", ({ target }) => {
    const opener = target.closest(".date__open");
    if (opener) {
      const holder = opener.closest("[data-date]");
      if (calendar?.holder === holder) closeCalendar();
      else openCalendar(holder);
      return;
    }
    if (!calendar) return;
    const day = target.closest("[data-day]");
    const step = target.closest("[data-step]");
    if (day && calendar.box.contains(day)) pick(day.dataset.day);
    else if (step && calendar.box.contains(step)) { calendar.focus = addMonths(calendar.focus, Number(step.dataset.step)); drawCalendar(); }
    else if (target.isConnected && !calendar.box.contains(target)) closeCalendar(false);
  });

  body.addEventListener("focusin", ({ target }) => {
    if (calendar && !calendar.holder.contains(target)) closeCalendar(false);
  });

  body.addEventListener("keydown", (event) => {
    if (calendar?.box.contains(event.target)) onCalendarKey(event);
    else if (event.altKey && event.key === "ArrowDown" && event.target.closest?.("[data-date]")) {
      event.preventDefault();
      openCalendar(event.target.closest("[data-date]"));
    }
  });

  // The keyboard of figures, where there is one on the screen; said here once and not in each of hundreds of fields

  const FIGURES = "[data-price], [data-quantity], [data-discount]";

  for (const event of ["pointerdown", "focusin"]) {
    body.addEventListener(event, ({ target }) => {
      if (target.matches?.(FIGURES)) target.inputMode = "decimal";
    }, true);
  }

  // The browser makes a blank of a line break: two cells of a column, 5 and 100, would be the number 5 100

  body.addEventListener("paste", (event) => {
    const cells = event.clipboardData.getData("text").trim().replace(/[\r\n]+/g, "\t");
    if (!event.target.matches(FIGURES) || !cells.includes("\t")) return;
    event.preventDefault();
    document.execCommand("insertText", false, cells);
  });

  // On leaving a field; before its own "change" is heard by others, so that they read the tidy value

  body.addEventListener("change", ({ target }) => {
    if (target.name === "currency") {
      document.querySelector("[data-currency]").dataset.currency = target.value;
      for (const input of document.querySelectorAll("[data-discount]")) {
        input.value = input.value.replace(/\p{Sc}/u, ""); // an amount is one of the currency that is chosen now
        tidyDiscount(input);
      }
    }
    if (!target.matches("input")) return;
    if (target.matches("[data-price]")) tidy(target, Number(target.dataset.decimals ?? 2));
    else if (target.matches("[data-quantity]")) tidy(target, 0);
    else if (target.matches("[data-discount]")) tidyDiscount(target);
    else if (target.closest("[data-date]")) tidyDate(target);
  }, true);

  window.Fields = { plainNumber, parseDate, showDate };
})();
