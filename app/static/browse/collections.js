/* The list of all collections, with a filter by words. */

import { address, ask } from "./api.js";
import { el } from "./dom.js";
import { boxGeometry } from "./map.js";
import { text } from "./texts.js";

/** Texts without regard to case and width: ＡＬＯＳ is ALOS. */
const plain = (value) => value.normalize("NFKC").toLowerCase();

function period(collection) {
  const [start, end] = collection.extent.temporal.interval[0];
  const day = (value) => (value ? value.slice(0, 10) : null);
  return `${day(start) || "…"} – ${day(end) || text("ongoing")}`;
}

function card(collection, over) {
  return el("li", {},
    el("a", {
      class: "card", href: `#/collections/${encodeURIComponent(collection.id)}`,
      onpointerenter: () => over(collection, true), onpointerleave: () => over(collection, false),
      onfocus: () => over(collection, true), onblur: () => over(collection, false),
    },
      el("strong", {}, collection.title || collection.id),
      el("span", { class: "id" }, collection.id),
      el("span", { class: "when" }, period(collection)),
    ));
}

export async function collectionsView({ content, map, signal, parameters }) {
  const { collections } = await ask(address("collections"), signal);
  const words = (one) => plain([one.id, one.title, one.description, ...(one.keywords || [])].join(" "));
  const known = collections.map((collection) => [words(collection), collection]);
  const over = (collection, on) => map.footprint(on
    ? collection.extent.spatial.bbox.map((box) => ({
      id: collection.id, label: collection.title, geometry: boxGeometry(box.length === 6 ? [box[0], box[1], box[3], box[4]] : box),
    })) : []);
  const count = el("p", { class: "note", role: "status" });
  const list = el("ul", { class: "cards" });
  const input = el("input", {
    type: "search", id: "filter", placeholder: text("filterHint"), value: parameters.get("q") || "", autocomplete: "off",
  });
  const refresh = () => {
    const wanted = plain(input.value).split(/\s+/).filter(Boolean);
    const found = known.filter(([all]) => wanted.every((word) => all.includes(word)));
    count.textContent = text("found", found.length);
    list.replaceChildren(...found.map(([, collection]) => card(collection, over)));
    history.replaceState(null, "", input.value ? `#/?q=${encodeURIComponent(input.value)}` : "#/");
  };
  input.addEventListener("input", refresh);
  map.whole();
  content.replaceChildren(
    el("h1", {}, text("collections")),
    el("label", { for: "filter", class: "above" }, text("filter")), input, count, list,
  );
  refresh();
}
