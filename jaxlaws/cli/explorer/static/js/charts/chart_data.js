// What a picture contains: its series, the entries of its legend, and its numbers as a table.

import { axisTitle, number } from "../numbers.js";

export const seriesOf = (chart) => (chart.kind === "map" ? chart.lines : chart.series) || [];

// The entries of the legend: name, colour by meaning, and how the series is drawn.
export function legendOf(chart) {
  if (chart.kind === "bars") return chart.parts.map(({ name, role }) => ({ name, role, style: "part" }));
  const entries = seriesOf(chart).map(({ name, role, style, low }) => ({ name, role, style: style || "line", band: Boolean(low) }));
  for (const { role, label } of chart.regions || []) {
    if (role === "extrapolated") entries.push({ name: "extrapolated", role, style: "region" });
    else if (label) entries.push({ name: label, role, style: "regime" }); // shown where its name does not fit the plot
  }
  const byName = new Map();
  for (const entry of entries) {
    const same = byName.get(entry.name);
    if (same) same.dotted ||= entry.style === "points"; // a curve and its points are one entry
    else byName.set(entry.name, entry);
  }
  const once = [...byName.values()];
  return once.length > 1 || chart.kind === "map" ? once : [];
}

const MOST = 25; // rows of a curve, rows and columns of a map: more are hard to read, or to listen to

// Evenly spaced indices, the first and the last among them.
const thinned = (count, most = MOST) =>
  (count <= most ? Array.from({ length: count }, (_, index) => index)
    : Array.from({ length: most }, (_, index) => Math.round((index * (count - 1)) / (most - 1))));

const cell = (value, unit) => (typeof value === "string" ? value : number(value, unit));

function barRows({ categories, parts, value }) {
  return {
    columns: [value.label, ...parts.map(({ name }) => (value.unit ? `${name} (${value.unit})` : name))],
    rows: categories.map((category, index) => [category, ...parts.map(({ values }) => cell(values[index], value.unit))]),
  };
}

function mapRows({ x, y, xs, ys, z, value }) {
  const [columns, rows] = [thinned(xs.length, 13), thinned(ys.length)];
  return {
    columns: [`${axisTitle(y)} \\ ${axisTitle(x)}`, ...columns.map((column) => number(xs[column], x.unit))],
    rows: rows.map((row) => [number(ys[row], y.unit), ...columns.map((column) => cell(z[row][column], value.unit))]),
  };
}

function seriesRows({ x, y, series, marks = [], verticals = [] }) {
  const bands = series.some(({ low }) => low);
  const ends = (low, high) => (bands ? [cell(low, y.unit), cell(high, y.unit)] : []);
  return {
    columns: ["series", axisTitle(x), axisTitle(y), ...(bands ? ["low", "high"] : [])],
    rows: [
      ...marks.map((mark) => [mark.label, number(mark.x, x.unit), number(mark.y, y.unit), ...ends(null, null)]),
      ...verticals.map((each) => [each.label, number(each.x, x.unit), "", ...(bands ? ["", ""] : [])]),
      ...series.flatMap((each) => thinned(each.x.length, each.style === "points" ? 500 : MOST).map((index) =>
        [each.name, number(each.x[index], x.unit), number(each.y[index], y.unit), ...ends(each.low?.[index], each.high?.[index])])),
    ],
  };
}

// The numbers of a picture: names of columns, and rows of texts.
export const tableOf = (chart) => ({ bars: barRows, map: mapRows, lines: seriesRows })[chart.kind](chart);
