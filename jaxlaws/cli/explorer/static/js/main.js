// Starts the page: navigation, controls, requests, errors.

import { Answer } from "./answer.js";
import { makeControls } from "./controls.js";
import { byId, copy, element } from "./dom.js";
import { Connection, load, NewestOnly } from "./server.js";
import { State } from "./state.js";
import { YourRuns } from "./your_runs.js";

class Page {
  constructor(overview) {
    this.overview = overview;
    this.state = new State(overview.views);
    this.answer = new Answer({ pick: (...all) => this.pick(...all), drag: (...all) => this.drag(...all) });
    this.connection = new Connection(byId("connection"), () => this.ask());
    this.requests = new NewestOnly(
      (query, signal) => load(`/api/answer?${query}`, { signal }),
      (query, answer) => this.shown(query, answer),
      (_, error) => this.failed(error),
    );
    this.runs = new YourRuns(byId("upload"), this);
    byId("version").textContent = overview.version;
    byId("reset").addEventListener("click", () => this.reset());
    byId("link").addEventListener("click", (event) => copy(this.link(), event.target));
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    addEventListener("popstate", () => this.open());
    document.addEventListener("click", (event) => this.follow(event));
  }

  link() {
    return `${location.origin}/?${this.state.query()}`;
  }

  // Opens the view and the state that the address names.
  open() {
    const before = this.state.view;
    this.state.read();
    const { view } = this.state;
    if (view !== before) {
      this.requests.forget();
      this.stopClock();
      this.answer.clear();
      byId("sentence").textContent = "Computing.";
      byId("title").textContent = view.question || view.title;
      document.title = `${view.title} – jaxlaws explorer`;
      document.body.dataset.view = view.id;
      this.controls = makeControls(byId("controls"), view.controls, (...all) => this.set(...all));
      byId("panel").hidden = !view.controls.length;
    }
    this.showValues();
    this.error("");
    this.navigation();
    this.runs.open(view.id === "your-runs");
    if (view.id !== "your-runs") this.ask();
  }

  navigation() {
    const links = this.overview.views.map((view) =>
      element("a", { href: `?${this.state.queryOf(view)}`, "data-view": view.id,
        "aria-current": view === this.state.view ? "page" : false }, view.title));
    const list = byId("views");
    if (list.children.length !== links.length) list.replaceChildren(...links);
    else links.forEach((link, index) => {
      for (const name of ["href", "aria-current"]) {
        if (link.hasAttribute(name)) list.children[index].setAttribute(name, link.getAttribute(name));
        else list.children[index].removeAttribute(name);
      }
    });
  }

  // A link to another view changes the address and keeps the page.
  follow(event) {
    const link = event.target.closest?.("a[data-view]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.go(link.getAttribute("href"));
  }

  go(address) {
    this.state.flush();
    if (address !== location.search) history.pushState(null, "", address);
    this.open();
    scrollTo({ top: 0 });
  }

  set(name, value, settled) {
    this.state.values[name] = value;
    this.showValues();
    if (settled) this.state.write();
    this.ask();
  }

  showValues() {
    for (const [name, { control, show, enable }] of this.controls) {
      show(this.state.values[name]);
      const [other, needed] = control.only_with || [];
      enable(!other || this.state.values[other] === needed);
    }
  }

  reset() {
    for (const { name, default: value } of this.state.view.controls) this.state.values[name] = value;
    this.showValues();
    this.state.write();
    this.ask();
  }

  pick({ x, y }, atX, atY) {
    const moved = [[x, atX], [y, atY]].filter(([name]) => this.controls.has(name));
    moved.forEach(([name, value], index) => this.setInside(name, value, index === moved.length - 1));
  }

  setInside(name, value, settled) {
    const { min, max } = this.controls.get(name).control;
    this.set(name, Number(Math.min(max, Math.max(min, value)).toPrecision(3)), settled);
  }

  drag(shares, settled) {
    shares.forEach(([name, share], index) => {
      const { unit } = this.controls.get(name).control;
      this.setInside(name, share * (unit === "%" ? 100 : 1), settled && index === shares.length - 1);
    });
  }

  ask() {
    if (this.state.view.id === "your-runs") return;
    const query = this.state.query();
    document.body.dataset.wanted = query;
    document.body.classList.add("busy");
    this.requests.want(query);
    this.sayHowLong();
  }

  // An answer that needs a new program takes long: the page says so, and for how long it has waited.
  sayHowLong() {
    if (this.clock) return;
    const begin = performance.now();
    this.clock = setInterval(() => {
      const seconds = (performance.now() - begin) / 1000;
      byId("waiting").hidden = seconds < 1;
      byId("waited").textContent = `${seconds.toFixed(0)} s of about ${Math.max(seconds, this.overview.first_answer_seconds).toFixed(0)} s`;
    }, 500);
  }

  stopClock() {
    clearInterval(this.clock);
    this.clock = 0;
    byId("waiting").hidden = true;
  }

  shown(query, answer) {
    this.stopClock();
    this.answer.show(answer);
    this.error("");
    this.connection.say("");
    document.body.dataset.drawn = query;
    if (query === document.body.dataset.wanted) {
      document.body.classList.remove("busy");
      this.navigation();
    }
  }

  failed(error) {
    this.stopClock();
    document.body.classList.remove("busy");
    document.body.classList.add("stale");
    if (error.status === undefined) console.error(error); // a fault of this page, not an answer of the server
    this.connection.failed(error);
    if (error.status !== 0) this.error(error.message);
  }

  error(text) {
    byId("error").textContent = text;
    byId("panel").classList.toggle("has-error", Boolean(text));
  }

  // After a fit, the other views offer the fitted law.
  async reload() {
    const { view } = this.state;
    this.overview = await load("/api/views");
    this.state.views = this.overview.views;
    this.state.view = this.overview.views.find(({ id }) => id === view.id) || view;
    this.navigation();
  }
}

async function start() {
  try {
    const overview = await load("/api/views");
    new Page(overview).open();
  } catch (error) {
    const connection = new Connection(byId("connection"), start);
    byId("title").textContent = "The explorer cannot start";
    byId("sentence").textContent = error.message;
    connection.failed(error);
    if (!error.status && !(error.status === 0)) throw error;
  }
}

start();
