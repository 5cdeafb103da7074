// The state of the page is the query string: the view, and the values of its controls.

import { parseValue } from "./controls.js";

const HISTORY_AFTER = 400; // milliseconds; so that ten presses of a key are one entry

const OWN = ["table", "job"]; // of the view "Your runs"

// Short and exact: 7e9 for 7000000000.
const written = (value) =>
  (typeof value === "number" && Math.abs(value) >= 1e5 ? value.toExponential().replace("e+", "e") : value);

export class State {
  constructor(views) {
    this.views = views;
  }

  // Reads the address. Values that no control takes are left out.
  read() {
    clearTimeout(this.writing);
    this.writing = 0;
    const query = new URLSearchParams(location.search);
    this.view = this.views.find(({ id }) => id === query.get("view")) || this.views[0];
    this.values = {};
    for (const control of this.view.controls) {
      const text = query.get(control.name);
      const value = text === null ? null : parseValue(control, text);
      this.values[control.name] = value === null ? control.default : value;
    }
    for (const name of OWN) this[name] = query.get(name);
  }

  query(view = this.view, values = this.values, defaults = true) {
    const query = new URLSearchParams({ view: view.id });
    for (const control of view.controls) {
      const value = values[control.name];
      if (value !== undefined && (defaults || String(value) !== String(control.default))) query.set(control.name, written(value));
    }
    if (view === this.view) OWN.filter((name) => this[name]).forEach((name) => query.set(name, this[name]));
    return query.toString();
  }

  // The address of another view: controls that both have keep the value that the user chose.
  queryOf(view) {
    if (view === this.view) return this.query(view, this.values, false);
    const shared = Object.fromEntries(view.controls.filter((control) => this.fits(control))
      .map((control) => [control.name, this.values[control.name]]));
    return this.query(view, shared, false);
  }

  fits(control) {
    const own = this.view.controls.find(({ name }) => name === control.name);
    const value = this.values[control.name];
    if (!own || own.kind !== control.kind || String(value) === String(own.default)) return false;
    if (control.kind === "slider") return own.unit === control.unit && value >= control.min && value <= control.max;
    return control.kind === "switch" || control.choices.some((each) => each.value === String(value));
  }

  // Makes an entry of the history once moves have ended and the controls have rested.
  write() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.store(), HISTORY_AFTER);
  }

  flush() {
    if (this.writing) this.store();
  }

  store() {
    clearTimeout(this.writing);
    this.writing = 0;
    const address = `?${this.query()}`;
    if (address !== location.search) history.pushState(null, "", address);
  }
}
