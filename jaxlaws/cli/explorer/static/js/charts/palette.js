// Colours by meaning. The values are in css/page.css; here they are read for the canvas.

const read = new Map();

document.addEventListener("themechange", () => read.clear());
addEventListener("resize", () => read.clear());

function variable(name) {
  if (!read.has(name)) {
    read.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  }
  return read.get(name);
}

export const ink = () => variable("--ink");
export const quiet = () => variable("--quiet");
export const surface = () => variable("--surface");
export const line = () => variable("--rule");
export const shade = () => variable("--shade");
export const roleColour = (role) => variable(`--role-${role}`) || variable("--role-data");
export const heatStops = () => ["low", "lowmid", "mid", "highmid", "high"].map((name) => variable(`--heat-${name}`));
export const sequenceStops = () => [0, 1, 2, 3, 4].map((index) => variable(`--sequence-${index}`));

export function rgb(hex) {
  const digits = hex.replace("#", "");
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

export const faded = (hex, opacity) => `rgba(${rgb(hex).join(",")},${opacity})`;

export function rootSize() {
  if (!read.has("root")) read.set("root", parseFloat(getComputedStyle(document.documentElement).fontSize));
  return read.get("root");
}

// A length in pixels that grows with the letters, so that lines and marks are visible on a large screen.
export const grown = (pixels) => (pixels * rootSize()) / 16;

export const font = (scale = 1, weight = 400) =>
  `${weight} ${Math.round(rootSize() * 0.78 * scale)}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
