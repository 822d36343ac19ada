// The palette, confirmations, and events that ask for input: their page works by itself; here it opens in a dialog.
const FRAGMENT = { "HX-Request": "true" };

const palette = () => document.getElementById("palette");

export function openPalette() {
  palette().showModal();
  palette().querySelector("input").select();
}

async function openDialog(link) {
  const dialog = document.getElementById("dialog");
  const answer = await fetch(link.href, { headers: FRAGMENT });
  if (!answer.ok) { location.href = link.href; return; }
  fill(dialog, await answer.text());
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

function fill(dialog, html) {
  // Our own server's page, escaped there.
  dialog.innerHTML = html;
  const title = dialog.querySelector("h2");
  if (title) { title.id = "dialog-title"; dialog.setAttribute("aria-labelledby", title.id); }
}

async function sendDialog(form, dialog, submitter) {
  const busy = submitter ?? form.querySelector("[type=submit]");
  busy?.setAttribute("aria-busy", "true");
  const body = new FormData(form, submitter);
  const answer = await fetch(form.action, { method: "POST", body: form.enctype === "multipart/form-data" ? body : new URLSearchParams(body), headers: FRAGMENT });
  const target = answer.headers.get("HX-Redirect");
  if (target) { location.href = target; return; }
  fill(dialog, await answer.text());
  dialog.querySelector("[data-focus]")?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey) { event.preventDefault(); openDialog(link); }
  if (event.target.closest("[data-palette]")) openPalette();
  const dialog = event.target.closest("dialog");
  if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) { event.preventDefault(); dialog.close(); }
});

document.addEventListener("submit", (event) => {
  const dialog = event.target.closest("#dialog");
  if (dialog) { event.preventDefault(); sendDialog(event.target, dialog, event.submitter); return; }
  const words = (event.submitter ?? event.target).dataset.confirm;
  if (words && !confirm(words)) { event.preventDefault(); return; }
  // A second press sends nothing; the page is about to be replaced.
  if (event.target.method === "post") {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
    (event.submitter ?? event.target.querySelector("[type=submit]"))?.setAttribute("aria-busy", "true");
  }
});

// A page out of the browser's own cache may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});
