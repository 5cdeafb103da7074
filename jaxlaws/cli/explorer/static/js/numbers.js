// Numbers as people write them: 7B, 1.4T, 1e22. The same rules as jaxlaws/foundations/quantities.py.

const SUFFIXES = [["T", 1e12], ["B", 1e9], ["M", 1e6], ["K", 1e3]];
const COUNTS = new Set(["parameters", "tokens", "distinct tokens", "student parameters", "runs"]);

export const isCount = (unit) => COUNTS.has(unit);

export const plain = (value, digits = 3) => String(Number(value.toPrecision(digits)));

export function exponent(value, digits = 3) {
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  return `${Number(mantissa)}e${Number(power)}`;
}

export function quantity(value, digits = 3) {
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return exponent(rounded, digits);
  const suffix = SUFFIXES.find(([, unit]) => size >= unit);
  return suffix ? plain(rounded / suffix[1], digits) + suffix[0] : plain(rounded, digits);
}

// A number without its unit. Losses have four digits, because their differences are small.
export function number(value, unit = "", digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "share") return `${plain(100 * value, digits || 3)}%`;
  if (unit === "FLOPs" && Math.abs(value) >= 1e4) return exponent(value, digits || 3);
  if (!digits && /^(nats|bits)/.test(unit)) return value.toFixed(4);
  return quantity(value, digits || 3);
}

export function withUnit(value, unit = "", digits = 0) {
  const text = number(value, unit, digits);
  if (!unit || unit === "share" || text === "–") return text;
  return unit === "%" ? text + unit : `${text} ${unit}`;
}

// "Loss (nats per token)"; the unit is left out where the label says it already.
export const axisTitle = ({ label, unit }) =>
  (!unit || label.toLowerCase().endsWith(unit.toLowerCase()) ? label : `${label} (${unit})`);

// The numbers beside the ticks of one axis: one style for the whole axis.
export function tickTexts(axis, ticks) {
  const largest = Math.max(Math.abs(axis.min), Math.abs(axis.max));
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : largest || 1;
  const digits = Math.min(12, Math.max(3, Math.ceil(Math.log10(largest / step)) + 1)); // neighbours differ
  if (axis.unit === "FLOPs" || largest >= 1e15) return ticks.map((tick) => (tick === 0 ? "0" : exponent(tick, digits)));
  if (axis.scale === "log" || isCount(axis.unit) || largest >= 1e5) return ticks.map((tick) => quantity(tick, digits));
  const decimals = Math.min(8, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
  return ticks.map((tick) => tick.toFixed(decimals).replace(/^-(0(\.0+)?)$/, "$1"));
}

function linearTicks(low, high, most) {
  if (!(high > low)) return [low];
  const power = Math.floor(Math.log10((high - low) / most)) + 2;
  let [ticks, more] = [[], []];
  for (let index = 0; ticks.length < 2 || more.length <= most; index += 1) {
    ticks = more;
    const step = Number(`${[5, 2, 1][index % 3]}e${power - 1 - Math.floor(index / 3)}`);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    more = Array.from({ length: Math.max(0, last - first + 1) }, (_, each) => (first + each) * step);
  }
  return ticks; // the finest step that is not too fine
}

function logTicks(low, high, most) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const inside = (tick) => tick >= low * 0.9999 && tick <= high * 1.0001;
  const decades = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  for (const digits of [[1, 2, 5], [1, 3]]) {
    const ticks = decades.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`))).filter(inside);
    if (ticks.length >= 3 && ticks.length <= most) return ticks;
  }
  const whole = decades.map((power) => Number(`1e${power}`)).filter(inside);
  if (whole.length < 2) return linearTicks(low, high, most);
  for (let every = 1; ; every += 1) {
    const ticks = whole.filter((_, index) => index % every === 0);
    if (ticks.length <= Math.max(2, most)) return ticks;
  }
}

// Round numbers inside an axis, at most `most` of them.
export function ticksOf(axis, most) {
  return axis.scale === "log" ? logTicks(axis.min, axis.max, most) : linearTicks(axis.min, axis.max, most);
}
