// Elements are made here. Text goes in as text nodes only, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const element = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const shape = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

// Keeps the greatest height that a text has had at this width, so that what follows stays in place.
export function keepHeight(node) {
  if (node.keptWidth !== node.clientWidth) {
    node.style.minHeight = "";
    node.keptWidth = node.clientWidth;
  }
  node.style.minHeight = `${Math.max(parseFloat(node.style.minHeight) || 0, node.offsetHeight)}px`;
}

// Puts a text into a node, with its numbers in elements of their own, to be set in bold.
export function setText(node, text) {
  const parts = text.split(/((?<![\w.])[+−-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?:[KMBT](?!\w)|\s?%)?)/);
  node.replaceChildren(
    ...parts.map((part, index) => (index % 2 ? element("b", {}, part) : part)).filter((part) => part),
  );
}

export async function copy(text, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not permitted: select the text";
  }
  setTimeout(() => (button.textContent = label), 1600);
}
