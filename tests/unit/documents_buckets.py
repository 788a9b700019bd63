"""Native documents of JAXA Earth, the PALSAR-2 bucket and Himawari's buckets, small, made of facts."""

from typing import Any
from xml.sax.saxutils import escape

from tests.unit.documents import merged

SGLI_SST = "JAXA.G-Portal_GCOM-C.SGLI_standard.L3-SST.daytime.v3_global_daily"
SMC = "JAXA.G-Portal_GCOM-W.AMSR2_standard.L3-SMC.daytime.v3_global_daily"
SMC_NORMAL = "JAXA.G-Portal_GCOM-W.AMSR2_standard.L3-SMC.daytime.v3_global_half-monthly-normal"
ICE = "JAXA.JASMES_GCOM-W.AMSR2_ic0.v201_north_daily"
NDVI_8_DAY = "JAXA.JASMES_GCOM-C.SGLI_standard.L2-NDVI.daytime.v3_japan_8-day"
STORE = "https://s3.ap-northeast-1.wasabisys.com/je-pds/cog/v1"


# -- JAXA Earth -----------------------------------------------------------------------------------


def column(tile: str) -> str:
    """Return the folder of a tile `E130.00-S90.00-...`: its longitudes."""
    west, _, east, _ = tile.split("-")
    return f"{west}-{east}"


def row(tile: str) -> str:
    """Return the file of a tile: its latitudes."""
    _, south, _, north = tile.split("-")
    return f"{south}-{north}"


def tile_item(tile: str, band: str = "SST", **changes: Any) -> Any:
    """An item as it lies in the catalogue, with what its rasters say."""
    native = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": row(tile),
        "properties": {
            "start_datetime": "2026-10-04T23:58:11.100000Z",
            "end_datetime": "2026-10-06T00:01:02.300000Z",
            "platform": "GCOM-C",
            "instrument": "SGLI",
            "license": "proprietary",
        },
        "assets": {
            band: {
                "href": f"./{tile}-{band}.tiff",
                "roles": ["data"],
                "je:rasters": {
                    "dn": {
                        "data_type": "uint16",
                        "min": 0.0,
                        "max": 65531.0,
                        "nodata": 65535.0,
                        "error": [65535.0],
                    },
                    "dn2value": {"slope": 0.0012, "offset": -10.0},
                    "value": {"unit": "degC"},
                },
            }
        },
    }
    return merged(native, changes)


def tile_record(collection: str, date: str, level: int, *tiles: Any, whole: bool, epsg: int = 4326) -> Any:
    """A page as the walk gives it: tiles as pairs of label and item."""
    return {
        "jaxa_earth": {"collection": collection, "date": date, "epsg": epsg, "whole": whole},
        "tiles": [
            {
                "address": f"{STORE}/{collection}/{date}/{level}/{column(tile)}/{row(tile)}.json",
                "document": document,
            }
            for tile, document in tiles
        ],
    }


# -- PALSAR-2 -------------------------------------------------------------------------------------


def scansar(identifier: str = "ALOS2123450600-180505_WBDR2.2GUD", **changes: Any) -> Any:
    """A ScanSAR scene with the slips of the bucket's items: across the antimeridian, `role`, `_` in the KML."""
    cog = "image/tiff; application=geotiff; profile=cloud-optimized"
    stored = [{"sampling": "area", "data_type": "uint16", "spatial_resolution": 25.0, "unit": "m"}]
    native = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/sar/v1.0.0/schema.json"],
        "id": identifier,
        "collection": "palsar2-scansar",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[177.9, 68.1], [179.0, 65.2], [-173.5, 65.9], [-173.9, 68.9], [177.9, 68.1]]],
        },
        "bbox": [-173.9, 65.2, 179.0, 68.9],
        "properties": {
            "datetime": "2018-05-05T12:34:56.700000Z",
            "proj:epsg": 32660,
            "proj:bbox": [300000.0, 7200000.0, 600000.0, 7600000.0],
            "proj:shape": [12000, 16000],
            "proj:transform": [25.0, 0.0, 300000.0, 0.0, -25.0, 7600000.0, 0.0, 0.0, 1.0],
            "sar:frequency_band": "L",
            "sar:center_frequency": 1.2365,
            "sar:instrument_mode": "WBD",
            "sar:observation_direction": "right",
            "sar:polarizations": ["HH", "HV"],
            "sar:product_type": "GRD",
            "sat:orbit_state": "descending",
        },
        "links": [{"rel": "root", "href": "../collection.json", "type": "application/json"}],
        "assets": {
            "HH_SLP": {
                "href": f"./{identifier}_HH_SLP.tif",
                "type": cog,
                "title": "HH",
                "role": "data",
                "eo:bands": [{"name": "HH", "description": "transmitted and received horizontally"}],
                "raster:bands": stored,
            },
            "MSK": {"href": f"./{identifier}_MSK.tif", "type": cog, "role": ["metadata", "data-mask"]},
            "kml": {
                "href": f"./{identifier}.kml",
                "type": "application/vnd.google-earth.kml+xml",
                "role": "overview",
            },
        },
    }
    return merged(native, changes)


# -- Himawari -------------------------------------------------------------------------------------

_FULL = {"B01": "10", "B02": "10", "B03": "05", "B04": "10"}


def full_disk(slot: str = "20260314_0530", satellite: str = "H09", leave_out: int = 0) -> list[str]:
    """The keys of a full-disk slot, without the last few."""
    day, clock = slot.split("_")
    folder = f"AHI-L1b-FLDK/{day[:4]}/{day[4:6]}/{day[6:]}/{clock}"
    keys = [
        f"{folder}/HS_{satellite}_{slot}_B{band:02d}_FLDK_R{_FULL.get(f'B{band:02d}', '20')}_S{segment:02d}10.DAT.bz2"
        for band in range(1, 17)
        for segment in range(1, 11)
    ]
    return keys[: len(keys) - leave_out]


def repeated_area(area: str = "JP", folder: str = "AHI-L1b-Japan", slot: str = "20260314_0530") -> list[str]:
    """The keys of a slot of an area that is scanned four times."""
    day, clock = slot.split("_")
    return [
        f"{folder}/{day[:4]}/{day[4:6]}/{day[6:]}/{clock}/"
        f"HS_H09_{slot}_B{band:02d}_{area}0{scan}_R{_FULL.get(f'B{band:02d}', '20')}_S0101.DAT.bz2"
        for band in range(1, 17)
        for scan in range(1, 5)
    ]


def clouds(*kinds: str) -> list[str]:
    """The keys of NOAA's cloud products of one slot."""
    return [
        f"AHI-L2-FLDK-Clouds/2026/03/14/0530/AHI-{kind}_v1r1_h09_s202603140530208_e202603140539402_c202603140552107.nc"
        for kind in kinds
    ]


def listing(
    *keys: str,
    bucket: str = "noaa-himawari9",
    prefix: str = "",
    token: str | None = None,
    prefixes: tuple[str, ...] = (),
) -> bytes:
    """An answer of ListObjectsV2."""
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-03-14T05:41:{index % 60:02d}.000Z</LastModified>"
        f"<ETag>&quot;0&quot;</ETag><Size>{1000 + index}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for index, key in enumerate(keys)
    )
    rolled = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in prefixes)
    more = (
        f"<IsTruncated>true</IsTruncated><NextContinuationToken>{escape(token)}</NextContinuationToken>"
        if token
        else "<IsTruncated>false</IsTruncated>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(keys)}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys>{more}{contents}{rolled}</ListBucketResult>"
    ).encode()
