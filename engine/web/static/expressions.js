// What expressions mean in the browser: exact decimals, null as in SQL, dates. Generated modules (engine/expressions/
// browser.py) call these functions. Records are plain JSON as the API sends them; the server has the last word.
//
// Values: null, boolean, text; a number is a Num; a date, time or datetime is ISO text that sorts as it should (a datetime
// in UTC, with microseconds); a duration is a BigInt of microseconds. What cannot be worked out throws a RangeError.

const QUOTIENT_DIGITS = 28, LONGEST_TEXT = 100_000, DAY = 86_400_000_000n;
const SPACE = "[ \\t\\r\\n\\u00a0\\u3000]+";

const fail = (message) => { throw new RangeError(message); };
const ten = (k) => 10n ** BigInt(k);
const size = (n) => n < 0n ? -n : n;
const places = (n) => String(size(n)).length;

/** n / d as an integer, towards minus infinity. */
const floored = (n, d) => n / d - (n % d && (n < 0n) !== (d < 0n) ? 1n : 0n);
/** n / d as an integer, halves away from zero. */
const halfUp = (n, d) => ((n < 0n) === (d < 0n) ? 1n : -1n) * ((2n * size(n) + size(d)) / (2n * size(d)));
/** A function that is null as soon as one argument is. */
const strict = (f) => (...args) => args.some((a) => a == null) ? null : f(...args);

/** The number n / 10^s. */
class Num {
  constructor(n, s) { this.n = n; this.s = s; }
  toString() {
    const digits = String(size(this.n)).padStart(this.s + 1, "0"), cut = digits.length - this.s;
    return (this.n < 0n ? "-" : "") + digits.slice(0, cut) + (this.s ? "." + digits.slice(cut) : "");
  }
  at(s) { return this.n * ten(s - this.s); }
}
const make = (n, s) => s < 0 ? new Num(n * ten(-s), 0) : new Num(n, s);
const integer = (n) => new Num(BigInt(n), 0);
const joint = (a, b) => Math.max(a.s, b.s);

// From and to JSON -----------------------------------------------------------------------------------------------------

/** A number: of JSON, or text such as "12.30". */
export const num = strict((v) => {
  const [all, sign, whole, part = "", exponent = 0] = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(v) ?? [];
  return all ? make(BigInt(sign + whole + part), part.length - exponent) : fail(`not a number: ${v}`);
});
/** A datetime with any offset. */
export const instant = strict((v) => {
  const [, upTo, part = "", zone] = /^(.{10}T.{8})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(v) ?? fail(`not a datetime: ${v}`);
  return `${new Date(upTo + zone).toISOString().slice(0, 19)}.${part.slice(0, 6).padEnd(6, "0")}Z`;
});
export const clock = strict((v) => (v.length === 5 ? v + ":00" : v).replace(/\.0+$/, ""));
/** The value as JSON has it: decimals as text. */
export const plain = (v) => v instanceof Num ? String(v) : Array.isArray(v) ? v.map(plain) : v;
export const plainInteger = strict((v) => Number.isSafeInteger(Number(v.n)) ? Number(v.n) : String(v));

// Records and lists ----------------------------------------------------------------------------------------------------

export const get = (record, name) => record?.[name] ?? null;
/** The values that f makes of those items for which `test` is true. */
export const each = (list, f, test = () => true) => list == null ? null : list.filter((v) => test(v) === true).map(f);
/** The lists that f makes of the items, end to end. */
export const flat = (list, f) => list == null ? null : list.flatMap((v) => f(v) ?? []);
const known = (list) => list.filter((v) => v !== null);
const identity = (v) => v instanceof Num ? String(trimmed(v)) : v?.id ?? v;

export const count = strict((list) => integer(known(list).length));
export const sum = strict((list) => known(list).reduce(add, integer(0)));
export const sumDurations = strict((list) => known(list).reduce((a, b) => a + b, 0n));
export const mean = strict((list) => known(list).length ? div(sum(list), count(list)) : null);
export const least = strict((list) => known(list).length ? min(...known(list)) : null);
export const greatest = strict((list) => known(list).length ? max(...known(list)) : null);
export const any = strict((list) => list.includes(true) || (list.includes(null) ? null : false));
export const all = strict((list) => list.includes(false) ? false : list.includes(null) ? null : true);
export const distinct = strict((list) => {
  const seen = new Map();
  for (const v of known(list)) if (!seen.has(identity(v))) seen.set(identity(v), v);
  return [...seen.values()];
});
export const first = strict((list) => known(list)[0] ?? null);
export const last = strict((list) => known(list).at(-1) ?? null);
export const isIn = (v, list) => list === null ? null : list.length ? any(list.map((item) => eq(v, item))) : false;

// Yes and no -----------------------------------------------------------------------------------------------------------

export const not = strict((a) => !a);
const kleene = (decisive) => (...parts) => {
  let answer = !decisive;
  for (const part of parts) {
    const v = part();
    if (v === decisive) return decisive;
    if (v === null) answer = null;
  }
  return answer;
};
/** The parts are functions, so that what is not needed is not worked out. */
export const and = kleene(false), or = kleene(true);

/** Below, at or above zero. Text goes by code points, as on the server, not by UTF-16 units. */
function order(a, b) {
  if (a instanceof Num) [a, b] = [a.at(joint(a, b)), b.at(joint(a, b))];
  else if (typeof a === "string") {
    const [one, two] = [[...a], [...b]], i = one.findIndex((c, at) => c !== two[at]);
    [a, b] = i < 0 ? [one.length, two.length] : [one[i].codePointAt(0), two[i]?.codePointAt(0) ?? -1];
  } else if (typeof a === "object") return a.id === b.id ? 0 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
export const eq = strict((a, b) => order(a, b) === 0), ne = strict((a, b) => order(a, b) !== 0);
export const lt = strict((a, b) => order(a, b) < 0), le = strict((a, b) => order(a, b) <= 0);
export const gt = strict((a, b) => order(a, b) > 0), ge = strict((a, b) => order(a, b) >= 0);
export const min = strict((...values) => values.reduce((a, b) => order(b, a) < 0 ? b : a));
export const max = strict((...values) => values.reduce((a, b) => order(b, a) > 0 ? b : a));
export const clamp = strict((v, low, high) => min(max(v, low), high));

// Numbers --------------------------------------------------------------------------------------------------------------

export const neg = strict((a) => a instanceof Num ? new Num(-a.n, a.s) : -a);
export const add = strict((a, b) => new Num(a.at(joint(a, b)) + b.at(joint(a, b)), joint(a, b)));
export const sub = strict((a, b) => add(a, neg(b)));
export const mul = strict((a, b) => new Num(a.n * b.n, a.s + b.s));
export const div = strict((a, b) => {
  if (!b.n) fail("division by zero");
  const rounded = (s) => s < 0 ? halfUp(a.n, b.n * ten(-s)) : halfUp(a.n * ten(s), b.n);
  let s = QUOTIENT_DIGITS + places(b.n) - places(a.n); // gives that many digits, or one more
  if (places(rounded(s)) > QUOTIENT_DIGITS) s--;
  return trimmed(make(rounded(s), s + a.s - b.s));
});
export const fdiv = strict((a, b) => b.n ? integer(floored(a.at(joint(a, b)), b.at(joint(a, b)))) : fail("division by zero"));
export const mod = strict((a, b) => sub(a, mul(b, fdiv(a, b))));
const trimmed = ({ n, s }) => {
  while (s > 0 && n % 10n === 0n) [n, s] = [n / 10n, s - 1];
  return new Num(n, s);
};
export const abs = strict((a) => new Num(size(a.n), a.s));
export const floor = strict((a) => integer(floored(a.n, ten(a.s))));
export const ceil = strict((a) => neg(floor(neg(a))));
export const round = strict((a, digits = integer(0)) => {
  const s = Math.max(-28, Math.min(Number(digits.n), 28));
  return make(s < a.s ? halfUp(a.n, ten(a.s - s)) : a.at(s), s);
});
/** Kilometres between two places in degrees, as the server works them out; null where there is no such place. */
export const distance = strict((...degrees) => {
  const [latitude, longitude, toLatitude, toLongitude] = degrees.map(Number);
  if (Math.max(Math.abs(latitude), Math.abs(toLatitude)) > 90) return null;
  if (Math.max(Math.abs(longitude), Math.abs(toLongitude)) > 180) return null;
  const rad = Math.PI / 180, half = (a, b) => Math.sin((b - a) * rad / 2) ** 2;
  const square = half(latitude, toLatitude)
    + Math.cos(latitude * rad) * Math.cos(toLatitude * rad) * half(longitude, toLongitude);
  return num((2 * 6371.0088 * Math.asin(Math.min(1, Math.sqrt(square)))).toFixed(3));
});

// Texts ----------------------------------------------------------------------------------------------------------------

const bounded = (text) => text.length > LONGEST_TEXT ? fail("the text is too long") : text;
export const concat = (...texts) => bounded(texts.join("")); // null adds nothing
export const join = strict((a, b) => bounded(a + b));
export const len = strict((a) => integer([...a].length));
export const upper = strict((a) => a.toUpperCase()), lower = strict((a) => a.toLowerCase());
export const trim = strict((a) => a.replace(RegExp(`^${SPACE}|${SPACE}$`, "g"), ""));
export const startsWith = strict((a, b) => a.startsWith(b)), endsWith = strict((a, b) => a.endsWith(b));
export const contains = strict((a, b) => a.includes(b));
export const replace = strict((a, old, fresh) => old ? bounded(a.split(old).join(fresh)) : a);
export const left = strict((a, n) => n.n > 0n ? [...a].slice(0, Number(n.n)).join("") : "");
export const right = strict((a, n) => n.n > 0n ? [...a].slice(-Number(n.n)).join("") : "");

// Dates. `zone` is a name of the IANA database, null for UTC. ------------------------------------------------------------

const micros = (moment) => BigInt(Date.parse(moment.slice(0, 19) + "Z")) * 1000n + BigInt(moment.slice(20, 26));
const iso = (ms) => {
  const text = new Date(Number(ms)).toISOString();
  return text.length === 24 && text > "0001" ? text : fail("a time out of range");
};
const moment = (at) => `${iso(floored(at, 1_000_000n) * 1000n).slice(0, 19)}.${String(at - floored(at, 1_000_000n) * 1_000_000n).padStart(6, "0")}Z`;
const dayNumber = (date) => BigInt(Date.parse(date)) * 1000n / DAY;
const dayOf = (number) => iso(number * DAY / 1000n).slice(0, 10);
/** A moment as the clocks of the zone show it, without offset. */
const local = (at, zone) => new Date(at.slice(0, 19) + "Z").toLocaleString("sv-SE", { timeZone: zone ?? "UTC" }).replace(" ", "T") + at.slice(19, 26);

export const date = (at, zone) => at && local(at, zone).slice(0, 10);
export const time = (at, zone) => at && clock(local(at, zone).slice(11));
export const year = strict((d) => integer(d.slice(0, 4))), month = strict((d) => integer(d.slice(5, 7))), day = strict((d) => integer(d.slice(8)));
export const weekday = strict((d) => integer((dayNumber(d) + 3n - floored(dayNumber(d) + 3n, 7n) * 7n) + 1n));
/** The ISO week: that of its Thursday. */
export const week = strict((d) => {
  const thursday = dayOf(dayNumber(d) - weekday(d).n + 4n), start = dayNumber(thursday.slice(0, 4) + "-01-01");
  return `${thursday.slice(0, 4)}-W${String((dayNumber(thursday) - start) / 7n + 1n).padStart(2, "0")}`;
});
const duration = (unit) => strict((n) => n.n * unit / ten(n.s));
export const days = duration(DAY), hours = duration(DAY / 24n), minutes = duration(DAY / 1440n);
export const daysBetween = strict((a, b) => integer(dayNumber(b) - dayNumber(a)));
export const span = strict((a, b) => micros(a) - micros(b));
export const shift = strict((at, by) => moment(micros(at) + by));
export const shiftDate = strict((d, by) => dayOf(dayNumber(d) + floored(by, DAY)));
export const longer = strict((a, b) => a + b);
export const times = strict((d, n) => d * n.n);
/** The time `at` of the next local day, of the one after that from the time `cutoff` on. */
export function nextDay(now, cutoff, at, zone) {
  if (now === null || cutoff === null || at === null) return null;
  const wanted = `${dayOf(dayNumber(date(now, zone)) + (lt(time(now, zone), cutoff) ? 1n : 2n))}T${at.padEnd(15, at.length > 8 ? "0" : ".000000")}Z`;
  // What the clocks show at the same reading of UTC tells the offset; a second look, since it may change in between.
  const offset = (guess) => micros(local(guess, zone) + "Z") - micros(guess);
  const guess = moment(micros(wanted) - offset(wanted));
  return moment(micros(wanted) - offset(guess));
}
