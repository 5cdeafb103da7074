// The colours of a map: an image between its grid points, and the scale that explains it.

import { shape } from "../dom.js";
import { number, tickTexts, ticksOf, axisTitle } from "../numbers.js";
import { grown, heatStops, rgb, sequenceStops } from "./palette.js";

const COLOURS = 256;

const stopsOf = (value) => (value.centre === null || value.centre === undefined ? sequenceStops() : heatStops());

function colourTable(stops) {
  const table = new Uint8ClampedArray(COLOURS * 3);
  const points = stops.map(rgb);
  for (let index = 0; index < COLOURS; index += 1) {
    const at = (index / (COLOURS - 1)) * (points.length - 1);
    const from = Math.min(points.length - 2, Math.floor(at));
    for (let part = 0; part < 3; part += 1) {
      table[index * 3 + part] = points[from][part] + (points[from + 1][part] - points[from][part]) * (at - from);
    }
  }
  return table;
}

// For each pixel along an axis: the grid point before it and the fraction of the way to the next.
function alongGrid(grid, axis, pixels, reversed) {
  const into = axis.scale === "log" ? Math.log : (value) => value;
  const points = grid.map(into);
  const [low, high] = [into(axis.min), into(axis.max)];
  const before = new Int32Array(pixels);
  const part = new Float64Array(pixels);
  let cell = 0;
  for (let step = 0; step < pixels; step += 1) {
    const at = low + ((high - low) * (step + 0.5)) / pixels;
    while (cell < points.length - 2 && points[cell + 1] < at) cell += 1;
    const pixel = reversed ? pixels - 1 - step : step;
    before[pixel] = cell;
    part[pixel] = Math.min(1, Math.max(0, (at - points[cell]) / (points[cell + 1] - points[cell])));
  }
  return { before, part };
}

// The value of the map at a place between its grid points; null where a neighbour is missing.
function between(z, column, x, row, y) {
  const corners = [z[row][column], z[row][column + 1], z[row + 1][column], z[row + 1][column + 1]];
  if (corners.some((corner) => corner === null)) return z[row + Math.round(y)][column + Math.round(x)];
  return (corners[0] * (1 - x) + corners[1] * x) * (1 - y) + (corners[2] * (1 - x) + corners[3] * x) * y;
}

// Where a value is on the colour scale, from 0 to 1. A centre has the middle colour.
export function onScale({ centre, min, max }, value) {
  if (centre === null || centre === undefined) return (value - min) / (max - min || 1);
  const reach = Math.max(max - centre, centre - min) || 1;
  return 0.5 + (value - centre) / (2 * reach);
}

export function heatImage(chart, width, height) {
  const image = new OffscreenCanvas(width, height);
  const context = image.getContext("2d");
  const pixels = context.createImageData(width, height);
  const table = colourTable(stopsOf(chart.value));
  const columns = alongGrid(chart.xs, chart.x, width, false);
  const rows = alongGrid(chart.ys, chart.y, height, true);
  const dots = Math.round(grown(5)); // pixels between the dots where the map is extrapolated
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 4) {
      const value = between(chart.z, columns.before[column], columns.part[column], rows.before[row], rows.part[row]);
      if (value === null) continue; // transparent: the hatching below shows
      const index = 3 * Math.round(Math.min(1, Math.max(0, onScale(chart.value, value))) * (COLOURS - 1));
      pixels.data[at] = table[index];
      pixels.data[at + 1] = table[index + 1];
      pixels.data[at + 2] = table[index + 2];
      pixels.data[at + 3] = 255;
      if (row % dots || column % dots || !chart.beyond) continue;
      if (!chart.beyond[rows.before[row] + Math.round(rows.part[row])][columns.before[column] + Math.round(columns.part[column])]) continue;
      const isLight = table[index] + 2 * table[index + 1] + table[index + 2] > 510;
      for (let part = 0; part < 3; part += 1) pixels.data[at + part] = isLight ? 0.6 * table[index + part] : 0.5 * table[index + part] + 128;
    }
  }
  context.putImageData(pixels, 0, 0);
  return image;
}

export const hasGaps = (chart) => chart.z.some((row) => row.some((value) => value === null));
export const isBeyond = (chart) => Boolean(chart.beyond?.some((row) => row.some(Boolean)));

export function drawHatching(ctx, { left, top, width, height }, colour) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (let at = left - height; at < left + width; at += 7 * devicePixelRatio) {
    ctx.moveTo(at, top + height);
    ctx.lineTo(at + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

export function nearestValue(chart, x, y) {
  const nearest = (grid, value, scale) => {
    const distance = scale === "log" ? (each) => Math.abs(Math.log(each / value)) : (each) => Math.abs(each - value);
    return grid.reduce((best, each, index) => (distance(each) < distance(grid[best]) ? index : best), 0);
  };
  return chart.z[nearest(chart.ys, y, chart.y.scale)][nearest(chart.xs, x, chart.x.scale)];
}

// The scale of colours below a map: a band with ticks, an arrow at an end that values go beyond.
export function colourScale(chart, width) {
  const { value } = chart;
  const [left, top, thick, tip] = [14, 6, 12, 10].map(grown);
  const right = Math.max(80, width - left);
  const stops = stopsOf(value);
  const shown = { ...value, scale: "linear" };
  const place = (each) => left + ((each - value.min) / (value.max - value.min || 1)) * (right - left);
  const gradient = shape("linearGradient", { id: `colours-${chart.id}` },
    Array.from({ length: 17 }, (_, index) => {
      const table = colourTable(stops);
      const at = onScale(value, value.min + ((value.max - value.min) * index) / 16);
      const from = 3 * Math.round(Math.min(1, Math.max(0, at)) * (COLOURS - 1));
      return shape("stop", { offset: index / 16, "stop-color": `rgb(${table.slice(from, from + 3).join(",")})` });
    }));
  const ends = ["min", "max"].filter((end) => value.extends === end || value.extends === "both").map((end) => {
    const [base, point] = end === "min" ? [left, left - tip] : [right, right + tip];
    return shape("path", { d: `M${base} ${top}L${point} ${top + thick / 2}L${base} ${top + thick}Z`,
      fill: gradient.children[end === "min" ? 0 : 16].getAttribute("stop-color") });
  });
  const ticks = ticksOf(shown, Math.max(2, Math.floor((right - left) / grown(90))));
  const texts = tickTexts(shown, ticks);
  return shape("svg", { width, height: grown(56), "aria-hidden": "true", class: "colour-scale" },
    shape("defs", {}, gradient),
    shape("rect", { x: left, y: top, width: right - left, height: thick, fill: `url(#${gradient.id})` }),
    ...ends,
    ...ticks.flatMap((tick, index) => [
      shape("line", { x1: place(tick), x2: place(tick), y1: top, y2: top + thick + grown(4), class: "tick" }),
      shape("text", { x: place(tick), y: top + thick + grown(17), "text-anchor": "middle" }, texts[index]),
    ]),
    shape("text", { x: width / 2, y: top + thick + grown(35), "text-anchor": "middle", class: "axis-name" }, axisTitle(value)));
}

export const valueText = (chart, value) => (value === null ? "no plan" : number(value, chart.value.unit));
