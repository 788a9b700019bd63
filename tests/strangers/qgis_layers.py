"""QGIS's own provider of OGC API - Features reads every collection, and finds what a search finds. `qgis_layers.py URL`.

For the Python of the machine, with Debian's `python3-qgis` and `qgis-providers`.
"""

import json
import os
import sys
import urllib.parse
import urllib.request

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import Qgis, QgsApplication, QgsFeatureRequest, QgsRectangle, QgsVectorLayer

URL = sys.argv[1].rstrip("/") + "/"
JAPAN = (122.0, 20.0, 154.0, 46.0)


def fetched(path: str, **query: object) -> dict[str, object]:
    text = urllib.parse.urlencode(query)
    with urllib.request.urlopen(f"{URL}{path}?{text}") as answer:
        return dict(json.load(answer))


def layer(collection: str) -> QgsVectorLayer:
    return QgsVectorLayer(
        f"srsname='EPSG:4326' typename='{collection}' url='{URL}' pagingEnabled='true' pageSize='10'",
        collection,
        "OAPIF",
    )


def count(found: QgsVectorLayer, request: QgsFeatureRequest | None = None) -> int:
    return sum(feature.hasGeometry() for feature in found.getFeatures(request or QgsFeatureRequest()))


def every_collection() -> None:
    collections = [one["id"] for one in fetched("collections", limit=1000)["collections"]]
    features = 0
    for collection in collections:
        found = layer(collection)
        matched = fetched("search", collections=collection, limit=1)["numberMatched"]
        assert found.isValid() or not matched, f"{collection} is no layer: {found.error().message()}"
        if matched:
            assert found.crs().authid() == "EPSG:4326", f"{collection}: {found.crs().authid()}"
            read = count(found)
            assert read == matched, f"{collection}: QGIS reads {read} features, a search finds {matched}"
            features += read
    print(f"{len(collections)} collections, {features} features")


def filters() -> None:
    sentinel = layer("sentinel-2-l2a")
    names = {field.name(): field.typeName() for field in sentinel.fields()}
    assert names["datetime"] == "DateTime", names
    assert names["eo:cloud_cover"] == "Real", names
    inside = count(sentinel, QgsFeatureRequest().setFilterRect(QgsRectangle(*JAPAN)))
    wanted = fetched("search", collections="sentinel-2-l2a", bbox=",".join(map(str, JAPAN)), limit=1)
    assert inside == wanted["numberMatched"] > 0, (
        f"{inside} features over Japan, not {wanted['numberMatched']}"
    )
    print(f"over Japan: {inside}")
    cloudless = count(sentinel, QgsFeatureRequest().setFilterExpression('"eo:cloud_cover" < 50'))
    wanted = fetched("search", collections="sentinel-2-l2a", filter="eo:cloud_cover < 50", limit=1)
    assert cloudless == wanted["numberMatched"] > 0, f"{cloudless} features, not {wanted['numberMatched']}"
    print(f"with fewer clouds: {cloudless}")


def main() -> None:
    # QGIS crashes when it ends before its layers, which are gone when these functions return.
    application = QgsApplication([], False)
    application.initQgis()
    print("QGIS", Qgis.QGIS_VERSION)
    every_collection()
    filters()
    application.exitQgis()


if __name__ == "__main__":
    main()
