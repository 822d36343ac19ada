// Rows of a form. The browser owns which rows exist; what they come to is computed elsewhere (live.js, the server).
// A new row is a clone of the <template> with a key of its own in the place of __key__.
import { say } from "./app.js";

const body = (grid) => grid.querySelector("tbody");
const changed = (grid) => { number(grid); body(grid).dispatchEvent(new CustomEvent("rows", { bubbles: true })); };

function number(grid) {
  [...body(grid).rows].forEach((row, at) => { row.querySelector(".place output").textContent = at + 1; });
}

function firstInput(row) {
  return row?.querySelector("input:not([type=hidden]), select, textarea");
}

function add(grid, after = null) {
  const key = `n${crypto.getRandomValues(new Uint32Array(2)).join("")}`;
  const template = grid.querySelector("template").innerHTML.replaceAll("__key__", key);
  if (after) after.insertAdjacentHTML("afterend", template);
  else body(grid).insertAdjacentHTML("beforeend", template);
  return after ? after.nextElementSibling : body(grid).lastElementChild;
}

function duplicate(grid, row) {
  const copy = add(grid, row);
  const from = row.querySelectorAll("[name]"), to = copy.querySelectorAll("[name]");
  // The first is the row's key, the second its id: both are the copy's own.
  to.forEach((input, at) => {
    if (input.matches("[data-own]")) return;
    if (input.type === "checkbox" || input.type === "radio") input.checked = from[at].checked;
    else input.value = from[at].value;
  });
  return copy;
}

function remove(grid, row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  const words = grid.dataset.removed;
  if (words) say(words);
  return next ?? add(grid);
}

function move(row, by) {
  const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  const focused = document.activeElement;
  if (by < 0) other.before(row);
  else other.after(row);
  focused.focus();
}

document.addEventListener("click", (event) => {
  const grid = event.target.closest("[data-grid]");
  if (!grid) return;
  const row = event.target.closest("tr");
  let shown;
  if (event.target.closest("[data-add]")) shown = add(grid);
  else if (event.target.closest("[data-duplicate]")) shown = duplicate(grid, row);
  else if (event.target.closest("[data-remove]")) shown = remove(grid, row);
  else return;
  event.preventDefault();
  changed(grid);
  firstInput(shown)?.focus();
});

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-grid] tbody tr");
  if (!row || event.isComposing || event.defaultPrevented) return;
  const grid = row.closest("[data-grid]");
  const up = event.altKey && event.key === "ArrowUp", down = event.altKey && event.key === "ArrowDown";
  if (up || down) { move(row, up ? -1 : 1); changed(grid); event.preventDefault(); }
  else if (event.altKey && event.key === "Insert") { const copy = duplicate(grid, row); changed(grid); firstInput(copy)?.focus(); event.preventDefault(); }
  else if (event.altKey && event.key === "Delete") { const next = remove(grid, row); changed(grid); firstInput(next)?.focus(); event.preventDefault(); }
  else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.target.matches("input")) {
    // Down the column, like a spreadsheet; below the last row a new one begins.
    event.preventDefault();
    const next = row.nextElementSibling;
    if (!next) { const made = add(grid); changed(grid); firstInput(made)?.focus(); return; }
    const cell = event.target.closest("td").cellIndex;
    (next.cells[cell].querySelector("input:not([type=hidden]), select") ?? firstInput(next)).focus();
  }
});
