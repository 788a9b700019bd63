/* Asking the API, which lies where this page lies, whatever proxies make of it. */

import { language } from "./texts.js";

const ROOT = new URL(".", document.baseURI);

/** An address below the landing page. */
export function address(path, parameters = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
  return url;
}

/** The JSON at an address; an error has the words of the API. */
export async function ask(url, signal) {
  const answer = await fetch(url, {
    signal,
    headers: { Accept: "application/json, application/geo+json", "Accept-Language": language() },
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.description || `HTTP ${answer.status}`);
  return body;
}

/** The href of a document's link. */
export function linked(page, rel) {
  const link = page.links.find((one) => one.rel === rel);
  return link ? link.href : null;
}
