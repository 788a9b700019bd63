/* Which view is shown: `#/`, `#/collections/ID?datetime=…&bbox=…`, `#/collections/ID/items/ID`. */

import { address } from "./api.js";
import { collectionView } from "./collection.js";
import { collectionsView } from "./collections.js";
import { el } from "./dom.js";
import { itemView } from "./item.js";
import { WorldMap } from "./map.js";
import { LANGUAGES, language, speak, text } from "./texts.js";

const content = document.getElementById("content");
const map = new WorldMap(document.getElementById("map"));
let current = new AbortController();

function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { parts, parameters: new URLSearchParams(query) };
}

async function show() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const { parts, parameters } = route();
  map.footprint([]);
  map.setBox(null);
  content.setAttribute("aria-busy", "true");
  content.replaceChildren(el("p", { class: "note" }, text("loading")));
  const context = { content, map, signal, parameters };
  try {
    if (parts[0] === "collections" && parts[2] === "items" && parts[3]) await itemView(context, parts[1], parts[3]);
    else if (parts[0] === "collections" && parts[1]) await collectionView(context, parts[1]);
    else await collectionsView(context);
  } catch (error) {
    if (signal.aborted) return;
    content.replaceChildren(
      el("p", { class: "error", role: "alert" }, text("failed"), " ", error.message),
      el("button", { type: "button", onclick: show }, text("retry")),
    );
  }
  if (!signal.aborted) content.removeAttribute("aria-busy");
}

function preferred() {
  const parameters = new URLSearchParams(location.search);
  const asked = parameters.get("lang") ?? parameters.get("language");
  const known = [asked, ...navigator.languages.map((tag) => tag.split("-")[0])];
  return known.find((tag) => LANGUAGES.includes(tag)) || "en";
}

/** Say everything in a language, what the API is asked for among it. */
function use(tag) {
  speak(tag);
  document.querySelector("footer a").href = address("", { language: language() });
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    const url = new URL(location.href);
    url.searchParams.set("lang", button.dataset.language);
    history.replaceState(null, "", url);
    use(button.dataset.language);
    show();
  });
}
document.getElementById("zoom-in").addEventListener("click", () => map.zoom(0.6));
document.getElementById("zoom-out").addEventListener("click", () => map.zoom(1.6));
document.getElementById("zoom-all").addEventListener("click", () => map.whole());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  content.focus();
});
window.addEventListener("hashchange", async () => {
  await show();
  content.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});

use(preferred());
show();
