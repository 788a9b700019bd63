/* One collection: what it is, a search in it, and a page of what was found. */

import { address, ask, linked } from "./api.js";
import { el, outward, terms } from "./dom.js";
import { text } from "./texts.js";

const PAGE = 20;

/** When an item was taken: a moment, or the two ends of a span. */
export function when({ datetime, start_datetime: start, end_datetime: end }) {
  const short = (value) => (value ? value.replace("T", " ").replace(/(:\d\d)?(\.\d+)?Z$/, " UTC") : "…");
  return datetime ? short(datetime) : `${short(start)} – ${short(end)}`;
}

/** The asset to show as a picture, if there is one that a browser can load. */
export function preview(item) {
  const shown = Object.values(item.assets || {}).find((asset) => {
    const roles = asset.roles || [];
    return (roles.includes("thumbnail") || roles.includes("overview"))
      && /^https?:/i.test(asset.href) && /image\/(jpeg|png|webp|gif)|^$/.test(asset.type || "");
  });
  return shown ? shown.href : null;
}

/** A picture that goes away if it cannot be loaded. */
export function picture(href, label) {
  return el("img", { src: href, alt: label, loading: "lazy", referrerpolicy: "no-referrer", onerror: (event) => event.target.remove() });
}

function facts(collection) {
  const license = collection.links.find((link) => link.rel === "license");
  return terms([
    [text("license"), license ? outward(license.href, license.title || collection.license) : collection.license],
    [text("providers"), (collection.providers || []).map((one) => one.name).join(", ")],
    [text("keywords"), (collection.keywords || []).join(", ")],
  ]);
}

function readArea(value) {
  if (!value.trim()) return null;
  const numbers = value.split(",").map(Number);
  return numbers.length === 4 && numbers.every(Number.isFinite) ? numbers : undefined;
}

function form(id, parameters, map) {
  const [from, to] = (parameters.get("datetime") || "/").split("/");
  const day = (value) => (value && value !== ".." ? value.slice(0, 10) : "");
  const field = (name, label, attributes) => el("label", {}, label, el("input", { name, ...attributes }));
  const area = el("input", { name: "bbox", inputmode: "text", value: parameters.get("bbox") || "", placeholder: "128,30,146,46" });
  const problem = el("p", { class: "error", role: "alert", hidden: true }, text("area_error"));
  const draw = el("button", { type: "button" }, text("draw"));
  draw.addEventListener("click", async () => {
    draw.textContent = text("drawing");
    area.value = (await map.draw()).join(",");
    draw.textContent = text("draw");
  });
  area.addEventListener("input", () => map.setBox(readArea(area.value) || null));
  const node = el("form", { class: "search" },
    field("from", text("from"), { type: "date", value: day(from) }),
    field("to", text("to"), { type: "date", value: day(to) }),
    el("label", { class: "wide" }, text("area"), area),
    el("span", { class: "buttons" }, el("button", { type: "submit", class: "main" }, text("search")), draw,
      el("a", { href: `#/collections/${encodeURIComponent(id)}` }, text("clear"))),
    problem);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    const box = readArea(area.value);
    problem.hidden = box !== undefined;
    if (box === undefined) return;
    const start = node.elements.from.value, end = node.elements.to.value;
    const asked = new URLSearchParams();
    if (start || end) asked.set("datetime", `${start ? `${start}T00:00:00Z` : ".."}/${end ? `${end}T23:59:59Z` : ".."}`);
    if (box) asked.set("bbox", box.join(","));
    location.hash = `#/collections/${encodeURIComponent(id)}${asked.size ? `?${asked}` : ""}`;
  });
  return node;
}

function row(item, over) {
  const href = preview(item);
  return el("li", { "data-id": item.id },
    el("a", {
      class: "card item", href: `#/collections/${encodeURIComponent(item.collection)}/items/${encodeURIComponent(item.id)}`,
      onpointerenter: () => over(item.id, true), onpointerleave: () => over(item.id, false),
      onfocus: () => over(item.id, true), onblur: () => over(item.id, false),
    },
      el("span", { class: "thumb" }, href ? picture(href, "") : null),
      el("span", {}, el("strong", {}, when(item.properties)), el("span", { class: "id" }, item.id))));
}

export async function collectionView({ content, map, signal, parameters }, id) {
  const base = `collections/${encodeURIComponent(id)}`;
  const collection = await ask(address(base), signal);
  const box = readArea(parameters.get("bbox") || "") || null;
  const list = el("ul", { class: "cards" }), count = el("p", { class: "note", role: "status" });
  const pages = el("p", { class: "buttons" });
  const mark = (name, on) => {
    for (const node of list.children) if (node.dataset.id === name) node.firstChild.classList.toggle("over", on);
  };
  const load = async (url) => {
    count.textContent = text("loading");
    const page = await ask(url, signal);
    const total = page.numberMatched;
    count.textContent = page.features.length
      ? (total === undefined ? "" : text("items", total, page.numberMatchedIsEstimate)) : text("none");
    list.replaceChildren(...page.features.map((item) => row(item, (name, on) => map.highlight(name, on))));
    map.footprint(page.features.map((item) => ({ id: item.id, geometry: item.geometry, label: item.id })), mark);
    map.setBox(box);
    map.fit(box ? [box] : page.features.map((item) => item.bbox));
    pages.replaceChildren(...[["prev", "back"], ["next", "more"]].map(([rel, name]) => {
      const href = linked(page, rel);
      return href ? el("button", { type: "button", onclick: () => load(href) }, text(name)) : null;
    }).filter(Boolean));
  };
  content.replaceChildren(
    el("p", { class: "crumbs" }, el("a", { href: "#/" }, text("everything"))),
    el("h1", {}, collection.title || id), el("p", { class: "id" }, id),
    el("p", { class: "description" }, collection.description), facts(collection),
    form(id, parameters, map), count, list, pages,
  );
  await load(address(`${base}/items`, {
    limit: PAGE, datetime: parameters.get("datetime"), bbox: parameters.get("bbox"),
  }));
}
