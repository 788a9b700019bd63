/* One item: picture, properties, files, links. */

import { address, ask } from "./api.js";
import { picture, preview, when } from "./collection.js";
import { el, outward, terms } from "./dom.js";
import { text } from "./texts.js";

/** Links that the API itself makes; the page has its own for them. */
const STRUCTURAL = new Set(["self", "root", "parent", "collection", "thumbnail"]);

function shown(value) {
  if (typeof value === "string") return /^https?:\/\//i.test(value) ? outward(value, value) : value;
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  if (typeof value !== "object") return String(value);
  return el("details", {}, el("summary", {}, "{…}"), el("pre", {}, JSON.stringify(value, null, 1)));
}

function size(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}

function file([name, asset]) {
  const facts = [asset.type, size(asset["file:size"])].filter(Boolean).join(" · ");
  const label = asset.title || name;
  // Buckets are for programs: their address is there to be copied.
  if (!/^https?:/i.test(asset.href)) {
    return el("li", {}, label, " ", el("span", { class: "id" }, facts), el("br"), outward(asset.href));
  }
  return el("li", {}, outward(asset.href, label), " ", el("span", { class: "id" }, facts));
}

/** A property by its title, if it has one, and its name. */
function property(name, schema) {
  return schema && schema.title ? el("span", { title: schema.description }, schema.title, el("br"), el("span", { class: "id" }, name)) : name;
}

function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), ...children);
}

export async function itemView({ content, map, signal }, collection, id) {
  const path = `collections/${encodeURIComponent(collection)}`;
  const url = address(`${path}/items/${encodeURIComponent(id)}`);
  const [item, about, { properties: known }] = await Promise.all([
    ask(url, signal), ask(address(path), signal), ask(address(`${path}/queryables`), signal),
  ]);
  map.footprint([{ id, geometry: item.geometry, label: id }]);
  map.fit([item.bbox]);
  const href = preview(item);
  const links = item.links.filter((link) => !STRUCTURAL.has(link.rel));
  const assets = Object.entries(item.assets || {});
  content.replaceChildren(
    el("p", { class: "crumbs" }, el("a", { href: "#/" }, text("everything")), " › ",
      el("a", { href: `#/collections/${encodeURIComponent(collection)}` }, about.title || collection)),
    el("h1", { class: "long" }, item.properties.title || id), el("p", {}, when(item.properties)),
    ...(href ? [picture(href, text("thumbnail"))] : []),
    ...(assets.length ? [section(text("assets"), el("ul", { class: "files" }, ...assets.map(file)))] : []),
    section(text("properties"), terms(Object.entries(item.properties).sort().map(
      ([name, value]) => [property(name, known[name]), value === null ? text("unset") : shown(value)],
    ))),
    section(text("links"), el("ul", { class: "files" },
      el("li", {}, el("a", { href: url }, text("json"))),
      ...links.map((link) => el("li", {}, outward(link.href, link.title || link.href), " ", el("span", { class: "id" }, link.rel))))),
  );
}
