"""stac-api-validator over the conformance classes it knows. `validate.py URL`.

What it says is printed whole. It fails if it says anything but what stands in `KNOWN`, where the
validator itself is at odds with what it checks. Its class `transaction` is left out: it puts a text
where the schema that its item declares wants a number, and breaks off when that is refused.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
AREA = {"type": "Polygon", "coordinates": [[[-179, -89], [179, -89], [179, 89], [-179, 89], [-179, -89]]]}
CLASSES = [
    ["core", "browseable", "children", "collections", "features", "item-search"],
    ["core", "filter", "item-search#sort", "item-search#fields"],
    ["core", "item-search#query", "features#sort", "features#fields", "features#query"],
]
KNOWN = {
    # STAC API - Fields v1.0.0: null is an empty object. The validator wants 400.
    'body={"fields": null}': "the extension lets fields be null",
    # It posts a text where STAC API - Item Search has a list.
    '"collections": "': "it posts `collections` as a text",
    # `in` takes apart the value it found into characters, and so never finds it among the wanted ones.
    '{"in": [': "it compares characters with words",
    # Of one member included it wants five members to be there.
    "response contained fewer than 5 fields": "it wants more than was asked for",
}


def run(url: str, *options: str) -> list[str]:
    """Return the lines of errors that nobody knew of."""
    command = [sys.executable, str(HERE / "validator.py"), "--root-url", f"{url}/", "--log-level", "ERROR"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, env=os.environ, check=False)
    print(done.stdout + done.stderr)
    if done.returncode not in (0, 1) or "Traceback" in done.stdout + done.stderr:
        return ["the validator broke off"]
    errors = done.stdout.split("Errors:", 1)[-1] if "Errors:" in done.stdout else ""
    lines = [line for line in errors.splitlines() if line.startswith("- ") and line != "- none"]
    return [line for line in lines if not any(known in line for known in KNOWN)]


def options_of(classes: list[str]) -> list[str]:
    named = [part for name in classes for part in ("--conformance", name)]
    # Items with assets; for `query`, items with a cloud cover.
    collection = "sentinel-2-l2a" if "item-search#query" in classes else "sentinel-1-grd"
    bound = dict.fromkeys(("neq", "lt", "lte", "gt", "gte"), "50") | {"eq": "11.32"}
    return [
        *named,
        *("--collection", collection, "--geometry", json.dumps(AREA), "--validate-pagination"),
        *("--fields-nested-property", "properties.platform", "--query-comparison-field", "eo:cloud_cover"),
        *(part for name, value in bound.items() for part in (f"--query-{name}-value", value)),
        *("--query-substring-field", "platform", "--query-starts-with-value", "sent"),
        *("--query-ends-with-value", "2a", "--query-contains-value", "nel"),
        *("--query-in-field", "platform", "--query-in-values", "sentinel-2a,sentinel-2b"),
    ]


def main(url: str) -> int:
    unknown = [line for classes in CLASSES for line in run(url, *options_of(classes))]
    for line in unknown:
        print("NOT KNOWN:", line)
    return bool(unknown)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/")))
