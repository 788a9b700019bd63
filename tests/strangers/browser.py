"""A real browser: pages of another origin may use the API, `/browse` and `/api.html` work. `browser.py URL [KEY]`.

The page that asks is served from another port, which is another origin to a browser, so every rule
of CORS applies: preflights, which headers scripts may read, errors, 304.
"""

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

# As STAC Browser does it: plain GET, POST of JSON (a preflight), what went wrong, what did not change.
ASK = """
async ([url, key]) => {
  const ask = async (path, options = {}) => {
    const answer = await fetch(url + path, options);
    const body = await answer.text();
    return {
      status: answer.status, type: body ? JSON.parse(body).type || JSON.parse(body).code : null,
      etag: answer.headers.get("etag"), retry: answer.headers.get("retry-after"),
      challenge: answer.headers.get("www-authenticate"), location: answer.headers.get("location"),
    };
  };
  const json = { "Content-Type": "application/json" };
  const landing = await ask("/");
  const credentials = key ? { Authorization: `Bearer ${key}` } : {};
  return {
    landing,
    search: await ask("/search", { method: "POST", headers: json, body: '{"limit": 1}' }),
    malformed: await ask("/search?bbox=1"),
    missing: await ask("/collections/none"),
    again: await ask("/", { cache: "no-store", headers: { "If-None-Match": landing.etag } }),
    japanese: await ask("/", { headers: { "Accept-Language": "ja" } }),
    nobody: await ask("/collections/none/items", { method: "POST", headers: json, body: "{}" }),
    somebody: await ask("/collections/none/items/x", { method: "DELETE", headers: credentials }),
  };
}
"""


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another origin</title>")

    def log_message(self, *_: Any) -> None:
        pass


def other_origins(page: Page, url: str, key: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    said = page.evaluate(ASK, [url, key])
    server.shutdown()
    for name, answer in said.items():
        print(f"{name}: {answer}")
    assert (said["landing"]["status"], said["landing"]["type"]) == (200, "Catalog")
    assert said["landing"]["etag"], "a script may not read the entity tag"
    assert (said["search"]["status"], said["search"]["type"]) == (200, "FeatureCollection")
    assert (said["malformed"]["status"], said["malformed"]["type"]) == (400, "InvalidParameterValue")
    assert said["missing"]["status"] == 404
    assert said["again"]["status"] == 304
    assert said["japanese"]["status"] == 200
    if key:
        assert said["nobody"]["status"] == 401
        assert said["nobody"]["challenge"].startswith("Bearer")
        assert said["somebody"]["status"] == 404


def browse(page: Page, url: str) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None
    )
    page.goto(f"{url}/")
    assert page.url.split("#")[0] == f"{url}/browse"
    page.wait_for_selector(".card")
    page.fill("#filter", "だいち")
    expect(page.locator(".card")).not_to_have_count(0)
    assert page.locator(".card").count() < 20
    page.click("text=日本語")
    page.wait_for_selector("h1:has-text('コレクション')")
    assert str(page.get_attribute("footer a", "href")).endswith("language=ja"), "its link stayed in English"
    page.goto(f"{url}/browse?lang=en#/collections/sentinel-2-l2a")
    page.wait_for_selector(".card.item")
    every = int(page.inner_text("[role=status]").split()[0])
    page.click("text=Draw on the map")
    area = page.locator("#map").bounding_box()
    assert area
    page.mouse.move(area["x"] + area["width"] * 0.8, area["y"] + area["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.95, area["y"] + area["height"] * 0.4, steps=4)
    page.mouse.up()
    page.press("input[name=bbox]", "Enter")
    page.wait_for_url("**bbox=**")
    expect(page.locator("[role=status]")).not_to_have_text(re.compile(rf"^{every} |Loading"))
    assert page.locator(".footprints path").count() > 0
    # By the keyboard alone: from the list to an item, and its properties.
    page.locator(".card.item").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dl")
    assert "Platform" in page.inner_text("main")
    assert not wrong, wrong
    print(f"/browse: {every} items, fewer in a box, one of them shown")


def documentation(page: Page, url: str) -> None:
    """`/api.html` shows every operation and tries one, and asks nobody else for anything."""
    wrong: list[str] = []
    asked: set[str] = set()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.add(request.url))
    page.goto(f"{url}/api.html")
    page.wait_for_selector(".opblock")
    operations = page.locator(".opblock").count()
    assert operations > 15, operations
    page.locator(".opblock-summary", has_text="/conformance").click()
    page.click("text=Try it out")
    page.click("text=Execute")
    page.wait_for_selector(".live-responses-table .response-col_status:has-text('200')")
    elsewhere = {address for address in asked if not address.startswith((url, "data:"))}
    assert not elsewhere, elsewhere
    assert not wrong, wrong
    print(f"/api.html: {operations} operations, one of them tried")


def main(url: str, key: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        print("Chromium", browser.version)
        other_origins(browser.new_page(), url, key)
        browse(browser.new_page(locale="en", viewport={"width": 1400, "height": 900}), url)
        documentation(browser.new_page(locale="en"), url)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2] if len(sys.argv) > 2 else "")
