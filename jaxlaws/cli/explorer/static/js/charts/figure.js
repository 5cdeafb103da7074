// One picture with its title, legend, alternative text and table of numbers.

import { element, shape } from "../dom.js";
import { axisTitle } from "../numbers.js";
import { Bars } from "./bars.js";
import { legendOf, tableOf } from "./chart_data.js";
import { colourScale, hasGaps, isBeyond } from "./heat.js";
import { Plot } from "./plot.js";

const PAINTERS = { lines: Plot, map: Plot, bars: Bars };

function swatch({ role, style, band, dotted }) {
  const inner = {
    part: () => [shape("rect", { x: 2, y: 2, width: 16, height: 10, rx: 2, class: "swatch-fill" })],
    region: () => [shape("rect", { x: 1, y: 1, width: 18, height: 12, class: "swatch-region" })],
    dots: () => [shape("rect", { x: 1, y: 1, width: 18, height: 12, class: "swatch-fill" }),
      ...[4, 10, 16].flatMap((cx) => [4, 10].map((cy) => shape("circle", { cx, cy, r: 1.2, class: "swatch-hole" })))],
    regime: () => [shape("rect", { x: 1, y: 1, width: 18, height: 12, class: "swatch-band" })],
    points: () => [shape("circle", { cx: 10, cy: 7, r: 3.6, class: "swatch-point" })],
  }[style] || (() => [
    band ? shape("rect", { x: 0, y: 1, width: 20, height: 12, class: "swatch-band" }) : null,
    shape("line", { x1: 0, x2: 20, y1: 7, y2: 7, class: `swatch-line ${style}` }),
    dotted ? shape("circle", { cx: 10, cy: 7, r: 3.6, class: "swatch-dot" }) : null,
  ]);
  return shape("svg", { viewBox: "0 0 20 14", class: `swatch role-${role}`, "aria-hidden": "true" }, ...inner());
}

export function table({ columns, rows }, label) {
  const head = element("tr", {}, columns.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map(([first, ...others]) =>
    element("tr", {}, element("th", { scope: "row" }, first), others.map((text) => element("td", {}, text))));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    element("table", {}, element("thead", {}, head), element("tbody", {}, body)));
}

export class Figure {
  constructor(kind, actions) {
    this.title = element("h2", { class: "chart-title" });
    this.legend = element("ul", { class: "legend" });
    this.yName = element("p", { class: "axis-y", "aria-hidden": "true" });
    this.picture = element("div", { class: `picture ${kind}`, role: "img" });
    this.xName = element("p", { class: "axis-x", "aria-hidden": "true" });
    this.scale = element("div", { class: "scale-host" });
    this.numbers = element("details", { class: "numbers", ontoggle: () => this.showNumbers() },
      element("summary", {}, "Show the numbers"));
    this.node = element("figure", { class: "chart" },
      element("figcaption", {}, this.title, this.legend), this.yName, this.picture, this.xName, this.scale, this.numbers);
    this.kind = kind;
    this.painter = new PAINTERS[kind](this.picture, actions);
  }

  update(chart) {
    this.chart = chart;
    this.title.textContent = chart.title;
    this.node.setAttribute("aria-label", chart.title);
    this.picture.setAttribute("aria-label", chart.alt || chart.title);
    this.showLegend(chart);
    const axes = chart.kind !== "bars";
    this.yName.textContent = axes ? axisTitle(chart.y) : "";
    this.xName.textContent = axes ? axisTitle(chart.x) : "";
    this.draw();
    if (this.numbers.open) this.showNumbers();
  }

  // The legend is made again only when it changes.
  showLegend(chart) {
    const entries = legendOf(chart);
    if (chart.kind === "map" && hasGaps(chart)) entries.push({ name: "no plan", role: "extrapolated", style: "region" });
    if (chart.kind === "map" && isBeyond(chart)) entries.push({ name: "extrapolated", role: "extrapolated", style: "dots" });
    const key = JSON.stringify(entries);
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren(...entries.map((entry) => element("li", { class: entry.style }, swatch(entry), entry.name)));
    this.legend.hidden = !entries.length;
  }

  draw() {
    if (!this.chart) return;
    this.painter.update(this.chart);
    if (this.kind === "map") this.scale.replaceChildren(colourScale(this.chart, this.scale.clientWidth));
  }

  showNumbers() {
    this.numbers.querySelector(".scroll")?.remove();
    if (this.numbers.open) this.numbers.append(table(tableOf(this.chart), `Numbers of: ${this.chart.title}`));
  }
}
