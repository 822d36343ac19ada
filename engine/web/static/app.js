// What every page has: menu, theme, palette, keys, dialogs. No inline handlers anywhere, so that the CSP can be strict.
import "./combo.js";
import "./dialogs.js";
import "./keys.js";
import "./rows.js";

const root = document.documentElement;

/** Says something to screen readers without moving the focus. */
export function say(text) {
  document.getElementById("live").textContent = text;
}

const THEMES = ["auto", "light", "dark"];

function nextTheme(link) {
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  root.dataset.theme = theme;
  document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
  const name = link.dataset[theme];
  link.setAttribute("aria-label", name);
  link.title = name;
  say(name);
}

function toggleMenu(open) {
  const side = document.getElementById("side"), button = document.querySelector("[data-menu]");
  if (!side || !button) return;
  side.classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
  if (open) side.querySelector("a").focus();
}

document.addEventListener("click", (event) => {
  const near = (selector) => event.target.closest(selector);
  const theme = near("[data-theme-next]");
  if (theme) { event.preventDefault(); nextTheme(theme); }
  const side = document.getElementById("side");
  if (near("[data-menu]")) toggleMenu(!side.classList.contains("open"));
  else if (side?.classList.contains("open") && !near("#side")) toggleMenu(false);
  for (const open of document.querySelectorAll("details.who[open]")) if (!open.contains(event.target)) open.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (document.getElementById("side")?.classList.contains("open")) { toggleMenu(false); document.querySelector("[data-menu]").focus(); }
  for (const open of document.querySelectorAll("details.who[open]")) { open.open = false; open.querySelector("summary").focus(); }
});

// A summary of faults takes the focus: on a fresh page, and when htmx has put one in.
const focusFaults = () => document.querySelector("[data-focus]")?.focus();
document.addEventListener("htmx:after:swap", focusFaults);
focusFaults();

// Filters answer at once; without this module the form has a button for it.
document.addEventListener("change", (event) => {
  const select = event.target.closest(".filters select");
  if (select) select.classList.toggle("set", select.value !== "");
});

// Only pages with a form that computes need this one.
if (document.getElementById("plan")) import("./live.js");

// A long drawing shows where its record stands.
for (const box of document.querySelectorAll(".drawing .scroll")) {
  const now = box.querySelector("[data-now]");
  if (!now || !box.clientWidth) continue;
  const at = now.getBoundingClientRect(), frame = box.getBoundingClientRect();
  box.scrollLeft += at.left + at.width / 2 - frame.left - frame.width / 2;
  box.scrollTop += at.top + at.height / 2 - frame.top - frame.height / 2;
}
