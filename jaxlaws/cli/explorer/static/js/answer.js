// Shows an answer: the sentence, the pictures, notes and tables, and the code.

import { Figure, table } from "./charts/figure.js";
import { byId, copy, element, keepHeight, setText } from "./dom.js";
import { axisTitle } from "./numbers.js";

const SPOKEN_AFTER = 900; // milliseconds of rest before a screen reader reads the sentence

// A table of a few rows and many columns is turned, so that a narrow page shows all of it.
function turned({ columns, rows }) {
  if (rows.length > 3 || columns.length <= 4) return { columns, rows };
  const [first, ...others] = columns;
  return {
    columns: [first, ...rows.map(([name]) => name)],
    rows: others.map((name, index) => [name, ...rows.map((row) => row[index + 1])]),
  };
}

export class Answer {
  constructor(actions) {
    this.actions = actions;
    this.figures = new Map();
    this.places = [byId("pictures"), byId("more")]; // the main picture, and the others
    for (const place of this.places) new ResizeObserver(() => this.redraw()).observe(place);
    document.addEventListener("themechange", () => this.redraw());
  }

  redraw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.figures.forEach((figure) => figure.draw()));
  }

  clear() {
    this.figures.clear();
    this.places.forEach((place) => place.replaceChildren());
    for (const id of ["details", "code"]) byId(id).replaceChildren();
    for (const id of ["answer", "details"]) byId(id).style.minHeight = "";
    byId("extrapolation").textContent = "";
    byId("time").textContent = "";
  }

  show(answer) {
    this.sentence(answer.sentence);
    const beyond = answer.extrapolation;
    byId("extrapolation").textContent = beyond ? `Extrapolation: ${beyond.replace(/^extrapolation: */i, "")}` : "";
    keepHeight(byId("answer"));
    this.charts(answer.charts || []);
    this.details(answer);
    this.code(answer.code);
    const milliseconds = answer.milliseconds?.compiled;
    byId("time").textContent = milliseconds === undefined ? "" : `computed in ${milliseconds.toFixed(1)} ms`;
    document.body.classList.remove("stale");
  }

  sentence(text) {
    const node = byId("sentence");
    setText(node, text);
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => (byId("live").textContent = text), SPOKEN_AFTER);
  }

  charts(charts) {
    const kept = new Map();
    charts.forEach((chart) => {
      const old = this.figures.get(chart.id);
      kept.set(chart.id, old?.kind === chart.kind ? old : new Figure(chart.kind, this.actions));
    });
    const nodes = [...kept.values()].map(({ node }) => node);
    this.arrange(this.places[0], nodes.slice(0, 1));
    this.arrange(this.places[1], nodes.slice(1));
    this.figures = kept;
    charts.forEach((chart) => kept.get(chart.id).update(chart));
  }

  // Moves nothing that is in its place, so that focus and open tables are kept.
  arrange(place, nodes) {
    nodes.forEach((node, index) => {
      if (place.children[index] !== node) place.insertBefore(node, place.children[index] || null);
    });
    while (place.children.length > nodes.length) place.lastChild.remove();
  }

  details({ notes = [], tables = [] }) {
    const node = byId("details");
    const opened = node.contains(document.activeElement); // keep the focus of a reader who scrolls a table
    if (opened) return;
    const named = ({ name, unit }) => axisTitle({ label: name, unit });
    node.replaceChildren(
      ...tables.map(({ title, columns, rows }) => element("div", { class: "table-block" }, element("h2", {}, title),
        table(turned({ columns: columns.map(named), rows: rows.map((row) => row.map(String)) }), title))),
      notes.length ? element("ul", { class: "notes" }, notes.map((note) => element("li", {}, note))) : "",
    );
    keepHeight(node);
  }

  code(code) {
    const node = byId("code");
    if (!code) return node.replaceChildren();
    if (!node.firstChild) node.append(...this.codePanel());
    for (const kind of ["python", "shell"]) byId(`code-${kind}`).textContent = code[kind] || "";
    return undefined;
  }

  codePanel() {
    const block = (kind, title) => {
      const text = element("code", { id: `code-${kind}` });
      const button = element("button", { type: "button", class: "button", onclick: () => copy(text.textContent, button) }, `Copy ${title}`);
      return element("div", { class: "code-block" }, element("div", { class: "code-head" }, element("h3", {}, title), button),
        element("pre", { tabindex: "0", role: "region", "aria-label": `${title} code` }, text));
    };
    return [element("details", {},
      element("summary", {}, "Show the code"),
      element("p", { class: "help" }, "These lines give the same numbers."),
      element("div", { class: "code-blocks" }, block("python", "Python"), block("shell", "Shell")))];
  }
}
