// Native inputs for the controls of a view. The value is kept exactly; a slider only shows its place.

import { element } from "./dom.js";
import { number, withUnit } from "./numbers.js";

const POSITIONS = 200;
const LONGEST = 110; // characters of an explanation that is shown at once

// The place of a value on a slider, and the value at a place.
export function sliderScale({ scale, min, max, step }) {
  if (scale === "log") {
    const ratio = max / min;
    const digits = ratio ** (1 / POSITIONS) < 1.03 ? 3 : 2; // neighbouring places differ in these digits
    return {
      last: POSITIONS,
      step: 1,
      place: (value) => (POSITIONS * Math.log(value / min)) / Math.log(ratio),
      value: (place) => {
        if (place <= 0) return min;
        if (place >= POSITIONS) return max;
        return Number((min * ratio ** (place / POSITIONS)).toPrecision(digits));
      },
    };
  }
  const last = step ? Math.round((max - min) / step) : POSITIONS;
  return {
    last,
    step: 1,
    place: (value) => ((value - min) / (max - min)) * last,
    value: (place) => Number((min + ((max - min) * place) / last).toPrecision(12)),
  };
}

function slider(control, set) {
  const scale = sliderScale(control);
  const id = `control-${control.name}`;
  const output = element("output", { class: "value", for: id });
  const input = element("input", {
    type: "range", id, name: control.name, min: 0, max: scale.last, step: scale.step,
    oninput: () => set(scale.value(Number(input.value)), false),
    onchange: () => set(scale.value(Number(input.value)), true),
  });
  const show = (value) => {
    const text = withUnit(Number(value), control.unit);
    const place = Math.round(scale.place(Number(value)));
    if (Math.round(Number(input.value)) !== place) input.value = place;
    output.value = text;
    input.setAttribute("aria-valuetext", text);
  };
  const end = (value) => element("span", { class: "end", "aria-hidden": "true" }, number(value, control.unit, 3));
  const row = element("div", { class: "slider" }, end(control.min), input, end(control.max));
  return { input, show, parts: [element("div", { class: "head" }, element("label", { for: id }, control.label), output), row] };
}

function choice(control, set) {
  const id = `control-${control.name}`;
  const hint = element("div", { class: "hint" });
  const input = element("select", { id, name: control.name, onchange: () => set(input.value, true) },
    control.choices.map(({ value, label }) => element("option", { value }, label)));
  const show = (value) => {
    input.value = value;
    const chosen = control.choices.find((each) => each.value === String(value))?.help;
    hint.replaceChildren(...about([chosen, control.help].filter(Boolean)));
  };
  const parts = [element("div", { class: "head" }, element("label", { for: id }, control.label)), input, hint];
  return { input, show, parts, explained: true };
}

function toggle(control, set) {
  const id = `control-${control.name}`;
  const input = element("input", { type: "checkbox", role: "switch", id, name: control.name,
    onchange: () => set(input.checked, true) });
  const show = (value) => (input.checked = isOn(value));
  return { input, show, parts: [element("div", { class: "head switch" }, input, element("label", { for: id }, control.label))] };
}

export const isOn = (value) => value === true || ["true", "1", "yes", "on"].includes(String(value));

// Shows the first of some explanations. A long one is folded away, so that the controls stay together.
function about(texts) {
  if (!texts.length) return [];
  if (texts[0].length <= LONGEST) return [element("p", {}, texts[0])];
  return [element("details", { class: "about" }, element("summary", {}, "More"), ...texts.map((text) => element("p", {}, text)))];
}

const MAKERS = { slider, choice, switch: toggle };

// Fills a form with the controls of a view. `set(name, value, settled)` is called for each move.
export function makeControls(form, controls, set) {
  const made = new Map();
  form.replaceChildren();
  for (const control of controls) {
    const { input, show, parts, explained } = MAKERS[control.kind](control, (value, settled) => set(control.name, value, settled));
    const text = explained ? "" : control.help;
    const help = text ? element("div", { class: "help", id: `help-${control.name}` }, ...about([text])) : null;
    if (help) input.setAttribute("aria-describedby", help.id);
    const node = element("div", { class: `control control-${control.kind}` }, ...parts, help);
    const enable = (possible) => {
      input.disabled = !possible;
      node.toggleAttribute("data-unavailable", input.disabled);
    };
    form.append(node);
    made.set(control.name, { control, show, enable });
  }
  return made;
}

// A value from the query string, or null where it is not one of this control. The server checks it too.
export function parseValue(control, text) {
  if (control.kind === "slider") {
    const value = Number(text);
    return text !== "" && Number.isFinite(value) ? value : null;
  }
  return control.kind === "switch" ? isOn(text) : text;
}
