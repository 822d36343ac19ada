// Live totals. What the browser can work out by itself it does at once, with the same expressions and exact decimals as the
// server (a generated module); for the rest it asks the server, which always has the last word. Only what an edited field
// feeds is worked out again.
//
// The plan (a JSON block of the page): `module` and `ask`, addresses; `computed`: in the order of dependence, each with
// `at` (the rows field it stands in, or ""), `name`, `run` (the function in the module), `reads` (paths from where it
// stands), `outer` (paths of the enclosing record) and `digits`; `remote`: paths that feed what only the server can compute.
const plan = JSON.parse(document.getElementById("plan").textContent);
const form = document.querySelector("form[data-save]");
const DELAY = 250; // milliseconds without a change before the server is asked

const computed = plan.module ? await load(plan.module) : [];
let record = read();

async function load(address) {
  const module = await import(address);
  return plan.computed.map((one) => ({ ...one, run: module[one.run] }));
}

// Reading the form ------------------------------------------------------------------------------------------------------

/** The value of an input as the API would send it. */
function value(input) {
  if (input.type === "checkbox") return input.checked;
  const text = input.value.trim();
  if (text === "") return null;
  if (input.dataset.kind === "number") {
    const plain = text.normalize("NFKC").replaceAll(/[,\s]/g, "");
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain)) return null; // not a number yet; the server will say so
    // A percentage is put in as 13 and means 0.13.
    return input.dataset.shift ? shifted(plain, Number(input.dataset.shift)) : plain;
  }
  if (input.dataset.kind === "link") return { id: text };
  return text;
}

/** The decimal text with its point moved to the left. */
function shifted(text, places) {
  const [, sign, whole, part = ""] = /^([+-]?)(\d*)\.?(\d*)$/.exec(text);
  const digits = whole.padStart(places + 1, "0"), cut = digits.length - places;
  return `${sign}${digits.slice(0, cut)}.${digits.slice(cut)}${part}`;
}

/** Which field an input or output is for: its rows field or "", the row's key, the field's name. */
function place(name) {
  const parts = name.split(".");
  return parts.length === 3 ? { at: parts[0], key: parts[1], name: parts[2] } : { at: "", key: "", name: parts[0] };
}

function read() {
  const whole = {};
  for (const grid of plan.grids) whole[grid] = [];
  const rows = new Map();
  for (const grid of plan.grids) {
    for (const own of form.querySelectorAll(`[data-grid="${grid}"] tbody [data-row]`)) {
      const row = {};
      rows.set(`${grid}.${own.value}`, row);
      Object.defineProperty(row, "key", { value: own.value });
      whole[grid].push(row);
    }
  }
  for (const input of form.querySelectorAll("[data-field]")) {
    const { at, key, name } = place(input.name);
    if (input.closest("template")) continue;
    const target = at ? rows.get(`${at}.${key}`) : whole;
    if (target) target[name] = value(input);
  }
  for (const output of form.querySelectorAll("output[data-value]")) {
    const { at, key, name } = place(output.getAttribute("name"));
    const target = at ? rows.get(`${at}.${key}`) : whole;
    if (target && !(name in target)) target[name] = output.dataset.value === "" ? null : output.dataset.value;
  }
  return whole;
}

// Working out ------------------------------------------------------------------------------------------------------------

const NUMBER = new Intl.NumberFormat("en", { useGrouping: true, maximumFractionDigits: 0 });

/** A number with separators and as many places as the field has, rounded half up. */
function shown(number, digits) {
  if (digits === null) return number;
  const [whole, part = ""] = number.replace("-", "").split(".");
  const text = NUMBER.format(BigInt(whole)) + (digits ? `.${part.padEnd(digits, "0").slice(0, digits)}` : "");
  return number.startsWith("-") && /[1-9]/.test(text) ? `-${text}` : text;
}

/** What the field keeps of a result: as many places as it has, rounded half up. */
function settled(result, digits) {
  if (result === null || digits === null) return result;
  const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(result) ?? [];
  if (whole === undefined) throw new Error(`not a number: ${result}`);
  const kept = BigInt(whole + part.padEnd(digits, "0").slice(0, digits)) + (part.charAt(digits) >= "5" ? 1n : 0n);
  const text = String(kept).padStart(digits + 1, "0"), cut = text.length - digits;
  return (sign && kept ? "-" : "") + text.slice(0, cut) + (digits ? `.${text.slice(cut)}` : "");
}

function put(path, result, text) {
  for (const output of form.querySelectorAll(`output[name="${CSS.escape(path)}"]`)) {
    output.dataset.value = result ?? "";
    output.textContent = text;
  }
}

/** Works out again what the dirty paths feed; `dirty` maps a path ("lines.quantity") to row keys, or null for all rows. */
function recompute(dirty) {
  for (const one of computed) {
    const feeds = (path, prefix) => dirty.has(prefix ? `${prefix}.${path}` : path);
    const outer = one.outer.some((path) => feeds(path, ""));
    const own = one.reads.filter((path) => feeds(path, one.at));
    if (!outer && !own.length) continue;
    if (!one.at) { settle(one, record, ""); continue; }
    const keys = outer || own.some((path) => dirty.get(`${one.at}.${path}`) === null)
      ? null : new Set(own.flatMap((path) => [...dirty.get(`${one.at}.${path}`)]));
    for (const row of record[one.at]) if (!keys || keys.has(row.key)) settle(one, row, `${one.at}.${row.key}.`);
    mark(dirty, `${one.at}.${one.name}`, keys);
  }

  function settle(one, target, prefix) {
    const scope = { record, [plan.model]: record };
    let result;
    try { result = one.run(target, scope); } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      result = null; // a division by zero while typing: nothing to show yet
    }
    const number = settled(result === null ? null : one.digits === null ? result : String(result), one.digits);
    target[one.name] = number;
    put(prefix + one.name, number, number === null ? "—" : shown(String(number), one.digits));
    if (!one.at) mark(dirty, one.name, null);
  }
}

function mark(dirty, path, keys) {
  if (keys === null || dirty.get(path) === null) dirty.set(path, null);
  else dirty.set(path, new Set([...(dirty.get(path) ?? []), ...keys]));
}

// Asking the server ------------------------------------------------------------------------------------------------------

let timer, request;

function ask() {
  clearTimeout(timer);
  request?.abort();
  form.classList.add("asking");
  timer = setTimeout(async () => {
    request = new AbortController();
    try {
      const answer = await fetch(plan.ask, { method: "POST", body: withoutProposals(), signal: request.signal });
      if (!answer.ok) throw new Error(`${answer.status} from ${answer.url}`);
      show(await answer.json());
      form.classList.remove("asking");
    } catch (error) {
      if (error.name === "AbortError") return;
      form.classList.remove("asking");
      throw error;
    }
  }, DELAY);
}

/** What stands in the form, but for proposals that nobody touched: they are to be made anew. */
function withoutProposals() {
  const body = new URLSearchParams(new FormData(form));
  for (const input of form.querySelectorAll("[data-proposed]")) {
    if (input.value !== input.dataset.proposed) continue;
    body.set(input.name, "");
    if (input.dataset.kind === "link") for (const part of ["~text", "~was"]) body.set(input.name + part, "");
  }
  return body;
}

/** A proposal fills an empty field, or replaces an earlier proposal; never what somebody typed. */
function propose(input, { text, id }) {
  const box = input.closest("combo-box"), shown = box?.querySelector("[role=combobox]");
  const mine = (shown ?? input).value !== "" && input.value !== input.dataset.proposed;
  if (mine || (shown ?? input) === document.activeElement) return;
  if (box) shown.value = box.querySelector("[data-was]").value = text;
  input.value = input.dataset.proposed = box ? id : text;
}

function show({ outputs, defaults, hidden }) {
  for (const [path, { value: number, text }] of Object.entries(outputs)) put(path, number, text);
  for (const [path, proposal] of Object.entries(defaults)) {
    const input = form.querySelector(`[name="${CSS.escape(path)}"]`);
    if (input) propose(input, proposal);
  }
  for (const field of form.querySelectorAll("[data-hides]")) field.hidden = hidden.includes(field.dataset.hides);
  record = read();
}

// Listening --------------------------------------------------------------------------------------------------------------

function edited(input) {
  input.removeAttribute("aria-invalid");
  const { at, key, name } = place(input.name);
  const target = at ? record[at].find((row) => row.key === key) : record;
  if (!target) return;
  target[name] = value(input);
  const path = at ? `${at}.${name}` : name;
  recompute(new Map([[path, at ? new Set([key]) : null]]));
  if (plan.remote.includes(path)) ask();
}

form.addEventListener("input", (event) => { if (event.target.matches("[data-field]:not([type=hidden])")) edited(event.target); });
form.addEventListener("change", (event) => { if (event.target.matches("[data-field][type=hidden]")) edited(event.target); });
form.addEventListener("rows", (event) => {
  const grid = event.target.closest("[data-grid]").dataset.grid;
  record = read();
  const dirty = new Map([[grid, null]]);
  for (const one of computed) {
    for (const path of [...one.reads, ...one.outer]) if (path.startsWith(`${grid}.`)) dirty.set(path, null);
    if (one.at === grid) for (const path of one.reads) dirty.set(`${grid}.${path}`, null);
  }
  recompute(dirty);
  if (plan.remote.some((path) => path === grid || path.startsWith(`${grid}.`))) ask();
});

// Proposals that came with the page count as proposals.
for (const input of form.querySelectorAll("[data-default]")) {
  const own = input.closest("combo-box")?.querySelector("[data-value]") ?? input;
  own.dataset.proposed = own.value;
}
// What is left unsaved is not lost by a slip.
let touched = false;
form.addEventListener("input", () => { touched = true; });
form.addEventListener("submit", () => { touched = false; });
addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
