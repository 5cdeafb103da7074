// What lies under and over the curves of a picture: shaded regions, vertical lines, marks with labels.

import { faded, font, grown, ink, quiet, roleColour, shade, surface } from "./palette.js";

const pixel = () => grown(devicePixelRatio); // of the canvas, grown with the letters

// The position of a value on an axis, inside the plot, in pixels of the canvas.
function place(plot, value, key) {
  const { left, top, width, height } = plot.bbox;
  const at = plot.valToPos(value, key, true);
  return key === "x" ? Math.min(Math.max(at, left), left + width) : Math.min(Math.max(at, top), top + height);
}

function haloText(ctx, text, x, y, colour) {
  ctx.lineJoin = "round";
  ctx.lineWidth = 4 * pixel();
  ctx.strokeStyle = surface();
  ctx.strokeText(text, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(text, x, y);
}

const scaledFont = (weight) => font(devicePixelRatio, weight);

export function drawRegions(plot, regions, axis) {
  const { ctx, bbox } = plot;
  for (const region of regions) {
    const from = place(plot, region.x0 ?? axis.min, "x");
    const to = place(plot, region.x1 ?? axis.max, "x");
    ctx.fillStyle = region.role === "extrapolated" ? shade() : faded(roleColour(region.role), 0.07);
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
  }
}

// Names of regions, in a strip above the plot, where they fit.
export function drawRegionNames(plot, regions, axis) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = scaledFont(400);
  ctx.fillStyle = quiet();
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  for (const region of regions) {
    const from = place(plot, region.x0 ?? axis.min, "x");
    const to = place(plot, region.x1 ?? axis.max, "x");
    const room = to - from - 8 * pixel();
    if (!region.label || ctx.measureText(region.label).width > room) continue;
    ctx.fillText(region.label, (from + to) / 2, bbox.top - 4 * pixel());
  }
  ctx.restore();
}

export function drawVerticals(plot, verticals, taken) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = scaledFont(400);
  ctx.textBaseline = "top";
  for (const { x, label } of verticals) {
    const at = plot.valToPos(x, "x", true);
    if (!(at >= bbox.left && at <= bbox.left + bbox.width)) continue;
    ctx.strokeStyle = quiet();
    ctx.lineWidth = pixel();
    ctx.setLineDash([3 * pixel(), 3 * pixel()]);
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    if (label) writeBeside(plot, label, at, bbox.top + 10 * pixel(), quiet(), taken, 4);
  }
  ctx.restore();
}

const ROWS = [-1, 1, 0, -1.5, 1.5, -2, 2, -3, 3]; // where a label is tried, in lines above or below its point

const overlaps = (a, b) => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;

// Points of all curves, a few pixels apart, in pixels of the canvas.
function curvePoints(plot) {
  const step = 4 * pixel();
  return plot.data.slice(1).flatMap(([xs, ys]) => {
    const found = [];
    let last = null;
    xs.forEach((value, index) => {
      const point = [plot.valToPos(value, "x", true), plot.valToPos(ys[index], "y", true)];
      const known = value !== null && ys[index] !== null && point.every(Number.isFinite);
      const parts = known && last ? Math.max(1, Math.ceil(Math.hypot(point[0] - last[0], point[1] - last[1]) / step)) : 1;
      for (let part = 1; known && part <= parts; part += 1) {
        found.push(last ? last.map((from, key) => from + ((point[key] - from) * part) / parts) : point);
      }
      last = known ? point : null;
    });
    return found;
  });
}

// Writes a label beside a point, where nothing else is written and where it covers least of the curves.
function writeBeside(plot, text, x, y, colour, taken, gap, curves = []) {
  const { ctx, bbox } = plot;
  const ratio = pixel();
  const width = ctx.measureText(text).width;
  const half = 8 * ratio;
  const away = (gap + 7) * ratio;
  const boxes = ROWS.flatMap((row) => [x + away, x - away - width, ...(Math.abs(row) > 1 ? [x - width / 2] : [])]
    .map((left) => ({ x0: left, x1: left + width, y0: y + (2 * row - 1) * half, y1: y + (2 * row + 1) * half })));
  const inside = (box) =>
    box.x0 >= bbox.left && box.x1 <= bbox.left + bbox.width && box.y0 >= bbox.top - half && box.y1 <= bbox.top + bbox.height;
  const free = boxes.filter((each) => inside(each) && !taken.some((other) => overlaps(each, other)));
  const covered = ({ x0, x1, y0, y1 }) => curves.filter(([left, top]) => left > x0 && left < x1 && top > y0 && top < y1).length;
  const costs = free.map(covered);
  const box = free[costs.indexOf(Math.min(...costs))] || boxes.find(inside) || boxes[0];
  taken.push(box);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  haloText(ctx, text, Math.max(Math.min(box.x0, bbox.left + bbox.width - width), bbox.left), (box.y0 + box.y1) / 2, colour);
}

export function drawMarks(plot, marks, taken) {
  const { ctx } = plot;
  const ratio = pixel();
  ctx.save();
  ctx.font = scaledFont(600);
  ctx.setLineDash([]);
  const shown = marks.filter(({ x, y }) => x !== null && y !== null);
  const at = shown.map(({ x, y }) => [place(plot, x, "x"), place(plot, y, "y")]);
  at.forEach(([x, y]) => taken.push({ x0: x - 7 * ratio, x1: x + 7 * ratio, y0: y - 7 * ratio, y1: y + 7 * ratio }));
  shown.forEach(({ role }, index) => {
    const [x, y] = at[index];
    ctx.beginPath();
    ctx.arc(x, y, 6.5 * ratio, 0, 2 * Math.PI);
    ctx.fillStyle = role === "here" ? ink() : roleColour(role);
    ctx.strokeStyle = surface();
    ctx.lineWidth = 2.5 * ratio;
    ctx.fill();
    ctx.stroke();
  });
  const curves = curvePoints(plot);
  shown.forEach(({ label }, index) => label && writeBeside(plot, label, ...at[index], ink(), taken, 7, curves));
  ctx.restore();
}
