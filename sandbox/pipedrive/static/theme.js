/* The switch between light and dark; the server remembers it in a cookie. Other scripts listen for "themechange". */
"use strict";
document.getElementById("theme-switch").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  fetch("/theme", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ theme }) });
  window.dispatchEvent(new CustomEvent("themechange", { detail: { theme } }));
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.who[open], details.menu-holder[open]")) {
    if (!menu.contains(event.target) || event.target.closest("[data-modal]")) menu.open = false;
  }
});
