"""Collections and items that differ in their texts, extents and summaries, in two languages."""

from typing import Any

_ITEM_BOX = {"type": "Polygon", "coordinates": [[[139, 35], [140, 35], [140, 36], [139, 36], [139, 35]]]}


def collection(name: str, title: str, description: str, keywords: list[str], **more: Any) -> dict[str, Any]:
    bbox, interval = (
        more.pop("bbox", [[-180, -90, 180, 90]]),
        more.pop("interval", [["2010-01-01T00:00:00Z", None]]),
    )
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": name,
        "title": title,
        "description": description,
        "keywords": keywords,
        "license": "other",
        "extent": {"spatial": {"bbox": bbox}, "temporal": {"interval": interval}},
        "links": [{"rel": "license", "href": "https://example.org/licence", "title": "Terms"}],
        **more,
    }


COLLECTIONS = [
    collection(
        "alos-palsar",
        "ALOS/PALSAR fine beam",
        "Radar images in L-band.",
        ["ALOS", "Daichi", "radar"],
        interval=[["2006-01-24T00:00:00Z", "2011-04-22T23:59:59Z"]],
        summaries={"platform": ["alos"], "gsd": [10, 20], "sar:frequency_band": ["L"]},
        providers=[{"name": "JAXA", "roles": ["producer"]}, {"name": "METI", "roles": ["licensor"]}],
    ),
    collection(
        "gcom-c-sst",
        "GCOM-C/SGLI sea surface temperature",
        "How warm the sea is.\n\nDaily, from the SGLI sensor.",
        ["SGLI", "sea surface temperature"],
        bbox=[[120, 20, 150, 50]],
        interval=[["2018-01-01T00:00:00Z", None]],
        summaries={"platform": ["gcom-c"], "gsd": [250], "eo:cloud_cover": {"minimum": 0, "maximum": 80}},
        providers=[{"name": "JAXA"}],
        license="CC-BY-4.0",
    ),
    collection(
        "fiji-map",
        "Reefs across the antimeridian",
        "Corals. Earth surface, seen from aircraft.",
        [],
        bbox=[[177, -20, -178, -15]],
        interval=[[None, "2000-01-01T00:00:00Z"]],
    ),
    collection(
        "two-places",
        "Café Société",
        "The temperature of two towns.",
        ["air temperature"],
        bbox=[[-10, 30, 150, 60], [-10, 50, 0, 60], [139, 35, 150, 40]],
        interval=[["2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z"]],
        summaries={"gsd": [1000]},
    ),
    collection(
        "himawari",
        "Himawari cloud images",
        "Geostationary.",
        ["cloud"],
        bbox=[[60, -90, -120, 90]],
        interval=[["2015-07-07T00:00:00Z", None]],
        summaries={"platform": ["himawari-8", "himawari-9"], "gsd": [500]},
    ),
    {key: value for key, value in collection("untitled", "", "Nothing said", []).items() if key != "title"},
]
TRANSLATIONS = {
    "alos-palsar": {
        "title": "だいち（ALOS）PALSAR 高分解能",
        "description": "Lバンド合成開口レーダーの画像です。",
        "keywords": ["だいち", "レーダー"],
        "link_titles": {"https://example.org/licence": "利用規約"},
    },
    "gcom-c-sst": {
        "title": "しきさい（GCOM-C）海面水温",
        "description": "海の表面の温度です。センサデータから作ります。",
        "keywords": ["海面水温"],
    },
    "himawari": {"title": "ひまわりの雲画像", "description": "静止気象衛星です。", "keywords": ["雲"]},
}


def item(name: str, of: str, day: int, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "collection": of,
        "geometry": _ITEM_BOX,
        "bbox": [139, 35, 140, 36],
        "properties": {"datetime": f"2024-01-{day:02}T00:00:00Z", **properties},
        "links": [],
        "assets": {},
    }


ITEMS = [
    item("ALPSRP0001", "alos-palsar", 1, platform="alos", gsd=10),
    item("ALPSRP0002", "alos-palsar", 5, platform="alos", title="富士山 Mount Fuji"),
    item("ALPSRP0003", "alos-palsar", 9, title="Quake", description="地震の前 before the earthquakes"),
    item("GC1SG1_01", "gcom-c-sst", 2, **{"eo:cloud_cover": 12.5}),
    item("GC1SG1_02", "gcom-c-sst", 6, title="Fuji in clouds", keywords=["富士山", "雪"]),
    item("GC1SG1_03", "gcom-c-sst", 10),
    item("reef-001", "fiji-map", 3, title="だいちの見た珊瑚礁"),
    item("reef-002", "fiji-map", 7),
    item("HS_H09_01", "himawari", 4, title="Typhoon 台風"),
    item("HS_H09_02", "himawari", 8),
]
