/* Making elements. Texts of records become text nodes, never HTML. */

/** Make an element: `el("a", {href, class: "x", onclick: f}, "text", child, null)`. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** A link to an address of a record: only what a browser can open is one. */
export function outward(href, label) {
  if (!/^https?:\/\//i.test(href)) return el("code", {}, href);
  return el("a", { href, rel: "noreferrer noopener" }, label);
}

/** A list of terms and what they are; pairs without a value are left out. */
export function terms(pairs) {
  const kept = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", {}, ...kept.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
