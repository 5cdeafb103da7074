// The numbers under the pointer. The table below each picture gives the same without a pointer.

import { element } from "../dom.js";
import { withUnit } from "../numbers.js";
import { seriesOf } from "./chart_data.js";
import { nearestValue, valueText } from "./heat.js";

const NEAR = 14; // pixels

function nearestIndex(values, target, distance) {
  let best = -1;
  values.forEach((value, index) => {
    if (value !== null && (best < 0 || distance(value, target) < distance(values[best], target))) best = index;
  });
  return best;
}

export class Hover {
  constructor(host) {
    this.box = element("div", { class: "hover", "aria-hidden": "true", hidden: true });
    host.append(this.box);
  }

  attach(plot, chart) {
    this.box.hidden = true;
    plot.over.addEventListener("pointermove", (event) => this.move(plot, chart, event));
    plot.over.addEventListener("pointerleave", () => (this.box.hidden = true));
  }

  move(plot, chart, event) {
    const at = plot.over.getBoundingClientRect();
    const [left, top] = [event.clientX - at.left, event.clientY - at.top];
    const x = plot.posToVal(left, "x");
    const rows = chart.kind === "map"
      ? [[chart.y.label, withUnit(plot.posToVal(top, "y"), chart.y.unit)],
        [chart.value.label, `${valueText(chart, nearestValue(chart, x, plot.posToVal(top, "y")))} ${chart.value.unit}`]]
      : seriesOf(chart).flatMap((series) => this.row(plot, chart, series, left, top));
    if (!rows.length) {
      this.box.hidden = true;
      return;
    }
    this.box.replaceChildren(
      element("div", { class: "hover-x" }, `${chart.x.label} ${withUnit(x, chart.x.unit)}`),
      ...rows.map(([name, value, role]) =>
        element("div", { class: role ? `hover-row role-${role}` : "hover-row" }, element("span", {}, name), element("b", {}, value))),
    );
    this.box.hidden = false;
    const frame = this.box.offsetParent.getBoundingClientRect();
    const most = frame.width - this.box.offsetWidth - 4;
    const beside = left > at.width / 2 ? left - this.box.offsetWidth - 14 : left + 14;
    this.box.style.transform =
      `translate(${Math.round(Math.max(4, Math.min(most, at.left - frame.left + beside)))}px, ${Math.round(at.top - frame.top + 8)}px)`;
  }

  row(plot, chart, series, left, top) {
    const pixel = (x) => plot.valToPos(x, "x");
    const points = series.style === "points";
    const index = points
      ? nearestIndex(series.x.map((x, each) => [pixel(x), plot.valToPos(series.y[each], "y")]), [left, top],
        (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]))
      : nearestIndex(series.x, left, (x, target) => Math.abs(pixel(x) - target));
    if (index < 0 || series.y[index] === null) return [];
    const away = points
      ? Math.hypot(pixel(series.x[index]) - left, plot.valToPos(series.y[index], "y") - top)
      : Math.abs(pixel(series.x[index]) - left);
    if (away > (points ? NEAR : 3 * NEAR)) return [];
    return [[series.name, withUnit(series.y[index], chart.y.unit), series.role]];
  }
}
