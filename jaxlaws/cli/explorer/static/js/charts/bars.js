// Stacked horizontal bars. The boundaries of one bar can be dragged, where the chart says which controls they move.

import { element, shape } from "../dom.js";
import { axisTitle, number, tickTexts, ticksOf } from "../numbers.js";
import { rootSize } from "./palette.js";

const GAP = 2;

const valuesOf = (chart, index) => chart.parts.map(({ values }) => values[index]);

export class Bars {
  constructor(host, { drag }) {
    this.drag = drag;
    this.over = element("div", { class: "bars-host" });
    host.append(this.over);
  }

  update(chart) {
    this.chart = chart;
    const width = this.over.clientWidth;
    if (!width) return;
    const root = rootSize();
    const beside = width > 34 * root;
    const names = beside ? Math.min(15 * root, width * 0.28) : 0;
    const thick = root * (chart.categories.length > 5 ? 1.5 : 2.1);
    const pitch = thick + root * (beside ? 0.7 : 1.7);
    const [left, right] = [names, width - root * 1.3];
    const top = beside ? 4 : root * 1.2;
    const bottom = top + pitch * chart.categories.length - (pitch - thick) + root * 0.4;
    const place = (value) => left + ((value - chart.value.min) / (chart.value.max - chart.value.min || 1)) * (right - left);
    const ticks = ticksOf(chart.value, Math.max(2, Math.floor((right - left) / (root * 5))));
    const texts = tickTexts(chart.value, ticks);
    this.over.replaceChildren(shape("svg", { width, height: bottom + root * 1.6, class: "bars" },
      ...ticks.map((tick) => shape("line", { x1: place(tick), x2: place(tick), y1: top, y2: bottom, class: "grid" })),
      ...chart.categories.map((name, index) => this.bar(name, index, top + pitch * index, { thick, beside, names, place, root })),
      ...ticks.map((tick, index) =>
        shape("text", { x: place(tick), y: bottom + root, "text-anchor": index ? "middle" : "start", class: "tick-text" }, texts[index])),
    ), element("div", { class: "axis-x" }, axisTitle(chart.value)));
  }

  bar(name, index, y, { thick, beside, names, place, root }) {
    const { chart } = this;
    const label = beside
      ? shape("text", { x: names - root * 0.8, y: y + thick / 2, "text-anchor": "end", "dominant-baseline": "central", class: "category" }, name)
      : shape("text", { x: 0, y: y - root * 0.35, class: "category" }, name);
    let total = chart.value.min > 0 ? chart.value.min : 0;
    const edges = [];
    const parts = chart.parts.flatMap(({ name: part, role, values }) => {
      const value = values[index];
      if (!value) {
        edges.push(total);
        return [];
      }
      const [from, to] = [place(total), place(total + value)];
      total += value;
      edges.push(total);
      const text = number(value, chart.value.unit, 3) + (chart.value.unit === "%" ? "%" : "");
      const inside = to - from > text.length * root * 0.52 + 10;
      return [
        shape("rect", { x: from, y, width: Math.max(0.5, to - from - GAP), height: thick, rx: 3, class: `part role-${role}` },
          shape("title", {}, `${part}: ${text}`)),
        inside ? shape("text", { x: (from + to - GAP) / 2, y: y + thick / 2, class: "part-text",
          "text-anchor": "middle", "dominant-baseline": "central" }, text) : null,
      ];
    });
    if (valuesOf(chart, index).every((value) => value === null)) {
      parts.push(shape("text", { x: place(chart.value.min), y: y + thick / 2, "dominant-baseline": "central" }, "no plan"));
    }
    const handles = chart.drag?.category === index ? this.handles(edges, y, thick, place) : [];
    return shape("g", {}, label, ...parts, ...handles);
  }

  handles(edges, y, thick, place) {
    const whole = edges.at(-1);
    return edges.slice(0, -1).map((edge, boundary) => {
      const x = place(edge) - GAP / 2;
      const handle = shape("g", { class: "handle", "data-boundary": boundary },
        shape("rect", { x: x - 12, y: y - 6, width: 24, height: thick + 12, class: "handle-area" }),
        shape("rect", { x: x - 3, y: y - 5, width: 6, height: thick + 10, rx: 3, class: "handle-grip" }));
      handle.addEventListener("pointerdown", (event) => this.start(event, boundary, edges, whole, place));
      return handle;
    });
  }

  // Follows the pointer over the whole page, because each answer draws the bar again.
  start(event, boundary, edges, whole, place) {
    event.preventDefault();
    const pixels = place(whole) - place(0);
    const low = boundary ? edges[boundary - 1] : 0;
    const high = edges[boundary + 1];
    const value = (move) =>
      Math.min(high, Math.max(low, edges[boundary] + ((move.clientX - event.clientX) / pixels) * whole));
    // The share of a part: of the whole, or of what the parts before it leave.
    const shares = (at) => this.chart.drag.controls.map((control, part) => {
      const ends = edges.map((edge, index) => (index === boundary ? at : edge));
      const before = part ? ends[part - 1] : 0;
      return [control, (ends[part] - before) / (this.chart.drag.nested ? whole - before || 1 : whole)];
    }).filter(([control], part) => control && (part === boundary || part === boundary + 1));
    const move = (each) => this.drag(shares(value(each)), false);
    const stop = (each) => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", stop);
      document.removeEventListener("pointercancel", stop);
      this.drag(shares(value(each)), true);
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", stop);
    document.addEventListener("pointercancel", stop);
  }
}
