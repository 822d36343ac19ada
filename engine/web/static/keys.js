// The keyboard. Single keys never fire while somebody types.
import { openPalette } from "./dialogs.js";

const rows = () => [...document.querySelectorAll("table[data-keys] tbody tr")];

function step(by) {
  const all = rows(), at = all.indexOf(document.activeElement);
  (all[at + by] ?? (at < 0 ? all[0] : null))?.focus();
}

const PLAIN = {
  "/": () => { const search = document.getElementById("q"); search?.focus(); search?.select(); return search; },
  n: () => { const link = document.querySelector("a[data-new]"); link?.click(); return link; },
  e: () => { const link = document.querySelector("a[data-edit]"); link?.click(); return link; },
  j: () => { step(1); return true; },
  k: () => { step(-1); return true; },
  x: () => { const box = document.activeElement.closest("table[data-keys] tr")?.querySelector("input[type=checkbox]"); box?.click(); return box; },
};

// Buttons that bring a key of their own; in an open dialog only those of the dialog.
const own = (key) => /^[a-z]$/.test(key) && (document.querySelector("dialog[open]") ?? document).querySelector(`a[data-key="${key}"]`);
const plain = (key) => !document.querySelector("dialog[open]") && PLAIN[key];

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const control = event.ctrlKey || event.metaKey;
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (control && event.key.toLowerCase() === "k") {
    if (document.getElementById("palette")) { event.preventDefault(); openPalette(); }
  } else if (control && event.key === "Enter") {
    const form = event.target.closest("#dialog form") ?? document.querySelector("form[data-save]");
    const button = form?.querySelector("[data-main]");
    if (button) { event.preventDefault(); form.requestSubmit(button); }
  } else if (!typing && !control && !event.altKey && (plain(event.key) || own(event.key))) {
    const button = own(event.key);
    if (button) { event.preventDefault(); button.click(); } else if (PLAIN[event.key]()) event.preventDefault();
  } else if (event.key === "Enter" && event.target.matches("form[data-save] input") && !event.target.closest("[data-grid]")) {
    event.preventDefault(); // a form of many fields is saved on purpose: by a button, or with Ctrl+Enter
  } else if (event.key === "Enter" && event.target.matches("table[data-keys] tbody tr")) {
    event.target.querySelector("a")?.click();
  }
});
