// The view "Your runs": a file is dropped, its columns are confirmed, a law is fitted, the fit is shown.

import { byId, element, setText } from "./dom.js";
import { load } from "./server.js";

const LARGEST = 20e6; // bytes; the server refuses more
const POLL = 200; // milliseconds between questions about a running fit
const NOT_USED = "";

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class YourRuns {
  constructor(host, page) {
    Object.assign(this, { host, page, opened: false });
    this.build();
  }

  build() {
    this.input = element("input", { type: "file", id: "file", accept: ".csv,.tsv,.json,.jsonl,.parquet,.xlsx",
      onchange: () => this.input.files.length && this.upload(this.input.files[0]) });
    this.zone = element("div", { class: "drop" },
      element("p", { class: "drop-title" }, "Drop a table of runs here"),
      element("p", { class: "help" }, "CSV or Parquet, one run a row: parameters, tokens, loss. At most 20 MB. The file stays on this machine."),
      element("label", { class: "button file-button", for: "file" }, "Choose a file"), this.input);
    this.message = element("p", { class: "error", role: "alert", id: "upload-error" });
    this.columns = element("details", { class: "columns", hidden: true });
    this.progress = element("div", { class: "progress", hidden: true });
    this.downloads = element("div", { class: "downloads" });
    this.host.append(this.zone, this.message, this.columns, this.progress, this.downloads);
    for (const kind of ["dragover", "dragenter"]) {
      this.zone.addEventListener(kind, (event) => {
        event.preventDefault();
        this.zone.classList.add("over");
      });
    }
    this.zone.addEventListener("dragleave", () => this.zone.classList.remove("over"));
    this.zone.addEventListener("drop", (event) => {
      event.preventDefault();
      this.zone.classList.remove("over");
      if (event.dataTransfer.files.length) this.upload(event.dataTransfer.files[0]);
    });
  }

  async open(visible) {
    this.host.hidden = !visible;
    document.body.classList.remove("busy");
    if (!visible) return;
    const { job, table } = this.page.state;
    if (table && table !== this.table?.table) await this.read(`/api/table?id=${encodeURIComponent(table)}`, {}, "the table");
    if (this.page.state.job !== job) return; // meanwhile the page has moved on
    if (job && job !== this.shownJob) this.follow(job);
    else if (job && this.result) this.show(this.result);
    else if (!job && !table) this.say("Drop a table of your runs to fit a law to them. The other views can then use the fitted law.");
  }

  say(text) {
    byId("sentence").replaceChildren();
    setText(byId("sentence"), text);
    byId("live").textContent = text;
  }

  error(text) {
    this.message.textContent = text;
  }

  async upload(file) {
    this.input.value = "";
    if (file.size > LARGEST) {
      this.columns.hidden = true;
      this.error(`${file.name}: the file has ${(file.size / 1e6).toFixed(0)} MB, and the explorer reads at most 20 MB. `
        + "Leave out columns or rows, or fit it with `jaxlaws fit`.");
      return;
    }
    if (!(await this.read(`/api/table?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file }, file.name))) return;
    Object.assign(this.page.state, { table: this.table.table, job: null });
    this.page.state.store();
  }

  // Asks the server for a table, new or known, and shows its columns.
  async read(address, options, name) {
    this.error("");
    this.columns.hidden = true;
    this.say(`Reading ${name}.`);
    try {
      const table = await load(address, options);
      this.confirm(table, table.name || name);
      return true;
    } catch (error) {
      this.say("The file was not read.");
      this.page.connection.failed(error);
      this.error(error.message);
      return false;
    }
  }

  // Shows what was guessed of each column; the user confirms or corrects it.
  confirm(table, name) {
    this.table = table;
    this.selects = new Map();
    this.columns.hidden = false;
    this.columns.open = true;
    this.columns.replaceChildren(element("summary", {}, `Columns of ${name}`),
      ...(table.error ? [element("p", { class: "error" }, `${table.error}. Correct the table and choose it again, or change what the columns mean.`)] : []),
      ...table.problems.map((problem) => element("p", { class: "problem" }, problem)),
      this.columnTable(table), this.fitControls());
    this.host.classList.add("chosen");
    this.host.classList.remove("done");
    this.downloads.replaceChildren();
    this.page.answer.clear();
    document.body.dataset.drawn = "";
    this.offerLaws();
    const rows = `${name} has ${table.rows.toLocaleString("en")} rows`;
    if (table.error) this.say(`${rows}, but it cannot be fitted as it is.`);
    else if (this.button.disabled) this.say(`${rows}. Choose which columns hold the loss, the size and the tokens.`);
    else this.say(`${rows}. Confirm what the columns mean, then fit.`);
  }

  columnTable({ columns, roles }) {
    const options = (guess) => [{ value: NOT_USED, label: "not used" }, ...roles].map(({ value, label }) =>
      element("option", { value, selected: value === (guess || NOT_USED) }, label));
    const shown = columns.filter(({ guess }) => guess);
    const others = columns.filter(({ guess }) => !guess);
    const row = (column) => {
      const unit = element("td", { class: "unit-cell" });
      const select = element("select", { "aria-label": `Meaning of the column ${column.name}`, onchange: () => changed() }, options(column.guess));
      const showUnit = () => {
        const role = roles.find(({ value }) => value === select.value);
        unit.textContent = role ? `${column.factor} ${role.unit}`.trim() : "";
      };
      const changed = () => {
        showUnit();
        this.offerLaws();
      };
      showUnit();
      this.selects.set(column.name, select);
      return element("tr", {}, element("th", { scope: "row" }, column.name), element("td", {}, select),
        unit, element("td", { class: "sentence-cell" }, column.plausible),
        element("td", { class: "sample" }, column.sample.join(", ")));
    };
    const heads = ["column", "meaning", "unit", "is it plausible?", "first values"];
    const part = (list) => element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Columns of the table" },
      element("table", {}, element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
        element("tbody", {}, list.map(row))));
    const open = !this.lawsOf(columns.map(({ guess }) => guess)).length; // something is to be chosen
    return element("div", {}, shown.length ? part(shown) : null, others.length
      ? element("details", { open }, element("summary", {}, `${others.length} ${others.length === 1 ? "column" : "columns"} not used`), part(others)) : null);
  }

  // The laws whose inputs, and whose loss, are among some roles.
  lawsOf(roles) {
    return this.table.laws.filter(({ inputs }) => inputs.every((role) => roles.includes(role)));
  }

  // Offers the laws that can be fitted to the columns as they are chosen.
  offerLaws() {
    const chosen = this.law.value;
    const laws = this.lawsOf([...this.selects.values()].map(({ value }) => value));
    this.law.replaceChildren(...laws.map(({ value, label }) => element("option", { value, selected: value === chosen }, label)));
    this.law.disabled = this.button.disabled = !laws.length;
    this.missing.hidden = laws.length > 0;
  }

  fitControls() {
    this.law = element("select", { id: "fit-law" });
    this.missing = element("p", { class: "help", role: "status" }, "A fit needs a column with the loss, one with the size and one with the tokens.");
    this.draws = element("select", { id: "fit-draws" }, [100, 300, 1000].map((draws) =>
      element("option", { value: draws, selected: draws === 300 }, `${draws.toLocaleString("en")} draws`)));
    this.button = element("button", { type: "button", class: "button primary", onclick: () => this.fit() }, "Fit");
    return element("div", { class: "fit-row" },
      element("div", {}, element("label", { for: "fit-law" }, "Law"), this.law),
      element("div", {}, element("label", { for: "fit-draws" }, "Intervals from"), this.draws), this.button, this.missing);
  }

  async fit() {
    this.error("");
    const columns = {};
    for (const [name, select] of this.selects) {
      if (select.value === NOT_USED) continue;
      if (select.value in columns) {
        this.error(`The columns ${columns[select.value]} and ${name} have the same meaning. Set one of them to "not used".`);
        return;
      }
      columns[select.value] = name;
    }
    this.button.disabled = true;
    try {
      const body = JSON.stringify({ table: this.table.table, columns, law: this.law.value, draws: Number(this.draws.value) });
      const { job } = await load("/api/fit", { method: "POST", body, headers: { "content-type": "application/json" } });
      this.page.state.job = job;
      this.page.state.store();
      await this.follow(job);
    } catch (error) {
      this.page.connection.failed(error);
      this.error(error.message);
    } finally {
      this.button.disabled = false;
    }
  }

  // Shows the progress of a fit until it has ended.
  async follow(job) {
    this.shownJob = job;
    this.progress.hidden = false;
    const bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of the fit" });
    const text = element("span", { class: "quiet" });
    this.progress.replaceChildren(bar, text);
    this.say("Fitting.");
    try {
      for (;;) {
        const state = await load(`/api/job?id=${encodeURIComponent(job)}`);
        if (this.shownJob !== job) return;
        bar.value = state.fraction;
        text.textContent = `${state.elapsed.toFixed(1)} s of about ${Math.max(state.expected, state.elapsed).toFixed(1)} s`;
        if (state.error) throw new Error(state.error);
        if (state.done) {
          this.result = state.result;
          await this.page.reload();
          this.show(state.result);
          return;
        }
        await wait(POLL);
      }
    } catch (error) {
      this.shownJob = null;
      this.say("The fit has not ended well.");
      this.page.connection.failed(error);
      this.error(error.message);
    } finally {
      this.progress.hidden = true;
    }
  }

  show(result) {
    if (this.page.state.view.id !== "your-runs") return;
    this.page.answer.show(result);
    this.columns.open = false;
    this.host.classList.add("done");
    const views = this.page.overview.views.filter((view) =>
      view.controls.some(({ name, choices }) => name === "law" && choices.some(({ value }) => value === result.law)));
    this.downloads.replaceChildren(element("span", { class: "quiet" }, "Download:"),
      ...(result.downloads || []).map(({ label, href }) => element("a", { class: "button", href, download: true }, label)),
      views.length ? element("p", { class: "help use-law" }, "Use the fitted law in: ", ...views.flatMap((view, index) => [
        index ? ", " : "",
        element("a", { href: `?view=${view.id}&law=${encodeURIComponent(result.law)}`, "data-view": view.id }, view.title)])) : "");
    document.body.dataset.drawn = "fit";
  }
}
