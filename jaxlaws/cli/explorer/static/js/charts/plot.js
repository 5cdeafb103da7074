// A picture with two axes: curves, bands, points, and colours for a map. uPlot draws axes and series.

import { element } from "../dom.js";
import { tickTexts, ticksOf } from "../numbers.js";
import { seriesOf } from "./chart_data.js";
import { drawHatching, hasGaps, heatImage } from "./heat.js";
import { Hover } from "./hover.js";
import { drawMarks, drawRegionNames, drawRegions, drawVerticals } from "./layers.js";
import { addCurve } from "./smooth.js";
import { faded, font, grown, line, quiet, roleColour, rootSize, surface } from "./palette.js";

const DASHES = { dashed: [7, 5] };
const EMPTY = [[], []];

const hasBand = (series) => Boolean(series.low && series.high);

const visible = (axis, value) => value !== null && (axis.scale !== "log" || value > 0);

// One path for a curve. A missing value makes a gap.
function curve(chart, series) {
  return (plot) => {
    const path = new Path2D();
    let part = [];
    const end = () => {
      if (part.length) path.moveTo(...part[0]);
      addCurve(path, part);
      part = [];
    };
    series.x.forEach((x, index) => {
      const y = series.y[index];
      if (!visible(chart.x, x) || !visible(chart.y, y)) end();
      else part.push([plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)]);
    });
    end();
    return { stroke: path, fill: null, flags: 1 };
  };
}

function band(chart, series) {
  return (plot) => {
    const path = new Path2D();
    const inside = series.x.map((_, index) => index)
      .filter((index) => visible(chart.x, series.x[index]) && series.low[index] !== null && series.high[index] !== null);
    const floor = chart.y.scale === "log" ? chart.y.min : -Infinity;
    const edge = (values) => inside.map((index) =>
      [plot.valToPos(series.x[index], "x", true), plot.valToPos(Math.max(floor, values[index]), "y", true)]);
    const [high, low] = [edge(series.high), edge(series.low)];
    if (inside.length) path.moveTo(...high[0]);
    addCurve(path, high);
    if (inside.length) path.lineTo(...low.at(-1));
    addCurve(path, low, true);
    path.closePath();
    return { stroke: null, fill: path, flags: 1 };
  };
}

function points(chart, series) {
  return (plot) => {
    const path = new Path2D();
    const radius = (series.x.length > 150 ? 2.6 : 3.6) * grown(devicePixelRatio);
    series.x.forEach((x, index) => {
      if (!visible(chart.x, x) || !visible(chart.y, series.y[index])) return;
      const [left, top] = [plot.valToPos(x, "x", true), plot.valToPos(series.y[index], "y", true)];
      path.moveTo(left + radius, top);
      path.arc(left, top, radius, 0, 2 * Math.PI);
    });
    return { stroke: path, fill: path, flags: 1 };
  };
}

// The series of uPlot for one series of the chart: its band, if it has one, and its line or points.
function strokes(chart, series) {
  const colour = roleColour(series.role);
  const facets = [{ scale: "x" }, { scale: "y" }];
  const common = { facets, points: { show: false }, scale: "y" };
  const made = [];
  if (hasBand(series)) made.push({ ...common, paths: band(chart, series), fill: faded(colour, 0.16), width: 0 });
  if (series.style === "points") {
    made.push({ ...common, paths: points(chart, series), stroke: colour, fill: faded(colour, 0.35), width: grown(1.2) });
  } else {
    const path = { ...common, paths: curve(chart, series), dash: DASHES[series.style]?.map(grown) };
    if (chart.kind === "map") made.push({ ...path, dash: null, stroke: faded(surface(), 0.55), width: grown(4.5) }); // seen on all colours
    made.push({ ...path, stroke: colour, width: grown(2.25) });
  }
  return made;
}

export class Plot {
  constructor(host, { pick }) {
    this.host = host;
    this.over = element("div", { class: "plot-host" });
    host.append(this.over);
    this.hover = new Hover(host);
    this.pick = pick;
    this.gutter = 0;
  }

  update(chart) {
    this.chart = chart;
    const width = this.over.clientWidth;
    const height = this.over.clientHeight;
    const ends = [chart.x.min, chart.x.max, chart.y.min, chart.y.max];
    if (!width || !height || !ends.every(Number.isFinite)) return;
    this.image = null;
    const old = this.plot;
    this.plot = new uPlot(this.options(chart, width, height), this.data(chart), this.over);
    old?.destroy();
    this.hover.attach(this.plot, chart);
    this.over.classList.toggle("can-pick", Boolean(chart.pick));
    this.plot.over.addEventListener("click", (event) => this.picked(event));
  }

  picked(event) {
    if (!this.chart.pick) return;
    const at = this.plot.over.getBoundingClientRect();
    const x = this.plot.posToVal(event.clientX - at.left, "x");
    const y = this.plot.posToVal(event.clientY - at.top, "y");
    this.pick(this.chart.pick, x, y);
  }

  data(chart) {
    return [null, ...seriesOf(chart).flatMap((series) => strokes(chart, series).map(() => [series.x, series.y])), EMPTY];
  }

  options(chart, width, height) {
    const scale = (axis) => ({
      time: false, auto: false, distr: axis.scale === "log" ? 3 : 1, range: () => [axis.min, axis.max],
      min: axis.min, max: axis.max,
    });
    return {
      mode: 2, width, height, ms: 1, padding: [chart.regions?.some(({ label }) => label) ? 24 : 8, 24, 0, 4],
      scales: { x: scale(chart.x), y: scale(chart.y) },
      axes: [this.axis(chart.x, "x", width), this.axis(chart.y, "y", height)],
      series: [{}, ...seriesOf(chart).flatMap((series) => strokes(chart, series)), this.last()],
      legend: { show: false },
      cursor: { drag: { x: false, y: false, setScale: false }, points: { show: false }, y: chart.kind === "map" },
      hooks: { drawClear: [() => this.under(chart)], draw: [() => this.above(chart)] },
    };
  }

  // uPlot draws no series at all where there is no data; an empty one is always there.
  last() {
    return { facets: [{ scale: "x" }, { scale: "y" }], points: { show: false }, paths: () => null, scale: "y" };
  }

  axis(axis, key, length) {
    const root = rootSize();
    const most = Math.min(9, Math.max(3, Math.floor(length / (root * (key === "x" ? 4 : 2.3)))));
    const ticks = ticksOf(axis, most);
    const texts = tickTexts(axis, ticks);
    return {
      scale: key, font: font(), stroke: quiet(), gap: 6,
      splits: () => ticks, values: () => texts, filter: (_, splits) => splits,
      grid: { stroke: line(), width: 1, show: this.chart.kind !== "map", filter: (_, splits) => splits },
      ticks: { stroke: line(), width: 1, size: 5, filter: (_, splits) => splits },
      border: { show: key === "x", stroke: line(), width: 1 },
      size: key === "x" ? root * 1.9 : this.width(texts),
    };
  }

  // The room for the numbers of the y axis. It never shrinks, so that the plot stays in place.
  width(texts) {
    const context = Plot.measure.getContext("2d");
    context.font = font();
    const widest = Math.max(...texts.map((text) => context.measureText(text).width), 20);
    this.gutter = Math.max(this.gutter, Math.ceil(widest) + 16);
    return this.gutter;
  }

  under(chart) {
    const { plot } = this;
    const { ctx, bbox } = plot;
    if (chart.kind === "map") {
      if (hasGaps(chart)) drawHatching(ctx, bbox, line());
      const [width, height] = [Math.ceil(bbox.width / 2), Math.ceil(bbox.height / 2)];
      if (!this.image) this.image = heatImage(chart, width, height);
      ctx.drawImage(this.image, bbox.left, bbox.top, bbox.width, bbox.height);
    }
    drawRegions(plot, chart.regions || [], chart.x);
  }

  above(chart) {
    const taken = [];
    drawVerticals(this.plot, chart.verticals || [], taken);
    drawMarks(this.plot, chart.marks || [], taken);
    drawRegionNames(this.plot, chart.regions || [], chart.x);
  }
}

Plot.measure = document.createElement("canvas");
