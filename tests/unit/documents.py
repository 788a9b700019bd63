"""Native records as the upstreams write them, small, made of facts; each test changes what it is about."""

import copy
from typing import Any

from catalog.definitions import Definitions, load_definitions

PGSTAC_MARKER = "𒍟※"
CDSE = "https://stac.dataspace.copernicus.eu/v1"
_MD5 = "d50110" + "9a523e701f84cc7ed8423bf00669c766"

_definitions: list[Definitions] = []


def definitions() -> Definitions:
    """Our collections, read once for all tests; nothing of them may be changed."""
    if not _definitions:
        _definitions.append(load_definitions())
    return _definitions[0]


def merged(document: Any, changes: Any) -> Any:
    """Return a copy of a document with members replaced, deep; a change to `...` takes a member out."""
    if not (isinstance(document, dict) and isinstance(changes, dict)):
        return copy.deepcopy(changes)
    result = {name: copy.deepcopy(member) for name, member in document.items()}
    for name, change in changes.items():
        if change is ...:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), change)
    return result


# -- CDSE -----------------------------------------------------------------------------------------


def sentinel_2(
    identifier: str = "S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000", **changes: Any
) -> Any:
    """A Sentinel-2 level 2A tile over Tokyo, with everything that CDSE's server leaks."""
    product = "https://download.dataspace.copernicus.eu/odata/v1/Products(00000000-1111-5222-8333-444444444444)/$value"
    node = f"https://zipper.dataspace.copernicus.eu/odata/v1/Products(0)/Nodes({identifier}.SAFE)"
    native = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
            "https://stac-extensions.github.io/file/v2.1.0/schema.json",
            "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
            "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
            "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
            "https://stac-extensions.github.io/storage/v2.0.0/schema.json",
        ],
        "id": identifier,
        "collection": "sentinel-2-l2a",
        "bbox": [138.777, 35.135, 140.01, 36.141],
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [[138.777, 36.124], [138.805, 35.135], [140.01, 35.151], [139.997, 36.141], [138.777, 36.124]]
            ],
        },
        "properties": {
            "datetime": "2024-01-15T01:27:01.024Z",
            "start_datetime": "2024-01-15T01:27:01.024Z",
            "end_datetime": "2024-01-15T01:27:01.024Z",
            "created": "2024-01-15T04:10:00.000000Z",
            "updated": "2024-01-15T04:20:00.000000Z",
            "platform": "sentinel-2a",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "gsd": 10,
            "eo:cloud_cover": 12.5,
            "grid:code": "MGRS-54SUE",
            "processing:level": "L2",
            "sat:relative_orbit": 74,
            "sat:orbit_state": "descending",
            "storage:schemes": {
                "cdse-s3": {"type": "custom-s3", "platform": "https://eodata.dataspace.copernicus.eu"}
            },
        },
        "links": [
            {"rel": "collection", "type": "application/json", "href": f"{CDSE}/collections/sentinel-2-l2a"},
            {"rel": "root", "type": "application/json", "href": f"{CDSE}/"},
            {
                "rel": "self",
                "type": "application/geo+json",
                "href": f"{CDSE}/collections/sentinel-2-l2a/items/{identifier}",
            },
        ],
        "assets": {
            "B02_10m": {
                "href": f"s3://eodata/Sentinel-2/MSI/L2A/2024/01/15/{identifier}.SAFE/B02_10m.jp2",
                "type": "image/jp2",
                "roles": ["data"],
                "file:checksum": _MD5,
                "storage:refs": ["cdse-s3"],
                "alternate": {"https": {"href": f"{node}/Nodes(B02_10m.jp2)/$value"}},
            },
            "Product": {"href": product, "type": "application/zip", "roles": ["data", "archive"]},
        },
    }
    return merged(native, changes)


def item_collection(items: list[Any], links: list[Any] | None = None) -> Any:
    """A search page of CDSE."""
    return {
        "type": "FeatureCollection",
        "features": items,
        "links": links or [],
        "numberReturned": len(items),
    }


# -- G-Portal -------------------------------------------------------------------------------------


def palsar_2(identifier: str = "ALOS2012373150-140815", **changes: Any) -> Any:
    """A ScanSAR scene of ALOS-2, in the form since October 2026: texts only, a clockwise ring."""
    native = {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [[138.0, 36.0], [141.5, 35.4], [140.9, 32.2], [137.5, 32.8], [138.0, 36.0]],
            ],
        },
        "properties": {
            "identifier": identifier,
            "acquisitionType": "NOMINAL",
            "processingDate": "2014-08-16T02:00:00.00Z",
            "processingLevel": "L1.1",
            "status": "ARCHIVED",
            "beginPosition": "2014-08-15T19:20:53.00Z",
            "endPosition": "2014-08-15T19:21:45.00Z",
            "platformShortName": "ALOS-2",
            "instrumentShortName": "PALSAR-2",
            "sensorType": "RADAR",
            "operationalMode": "WBD",
            "resolution": "",
            "orbitNumber": "1237",
            "lastOrbitNumber": "",
            "multiExtentOf": "138.0 36.0 141.5 35.4 140.9 32.2 137.5 32.8 138.0 36.0",
            "product": {"fileName": "", "size": "", "DataFormatType": "", "version": ""},
            "gpp": {
                "datasetId": "27004010",
                "totalQualityCode": "",
                "cloudCoverPercentage": "",
                "Resolution": "",
                "sceneNumber": "3150",
                "startPathNumber": "161",
                "orbitDirection": "Descending",
                "sceneCenterTime": "2014-08-15T19:21:19.00Z",
                "topicCategory": "-",
                "organizationName": "JAXA",
                "hasProduct": "false",
            },
        },
    }
    return merged(native, changes)


def sgli(identifier: str = "GC1SG1_20240409D01D_T0528_L2SG_RSRFQ_3002", **changes: Any) -> Any:
    """A daily SGLI tile, as the new system lists it: corners clockwise, edges straight."""
    native = {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [
                    [130.5407257080078, 40],
                    [143.5948028564453, 40],
                    [127.01705932617188, 30],
                    [115.47005462646484, 30],
                    [130.5407257080078, 40],
                ]
            ],
        },
        "properties": {
            "identifier": identifier,
            "acquisitionType": "NOMINAL",
            "processingDate": "2024-04-09T15:51:05.00Z",
            "processingLevel": "L2",
            "status": "ARCHIVED",
            "beginPosition": "2024-04-09T01:37:44.40Z",
            "endPosition": "2024-04-09T03:21:32.40Z",
            "platformShortName": "GCOM-C",
            "instrumentShortName": "SGLI",
            "sensorType": "OPTICAL",
            "operationalMode": "NOMINAL",
            "resolution": "",
            "orbitNumber": "",
            "lastOrbitNumber": "",
            "product": {
                "fileName": "product.gportal.jaxa.jp:/products/Standard/GCOM-C/GCOM-C.SGLI/L2.LAND.RSRF/3/2024/04/09/"
                f"{identifier}.h5",
                "size": "97517568",
                "DataFormatType": "HDF5",
                "version": "3",
            },
            "gpp": {
                "datasetId": "10002015",
                "totalQualityCode": "Good",
                "cloudCoverPercentage": "70",
                "physicalQuantity": "Atmospheric corrected surface reflectance",
                "Resolution": "250m",
                "parameterVersion": "002",
                "algorithmVersion": "3",
                "startPathNumber": "",
                "mapProjection": "EQA",
                "orbitDirection": "Descending",
                "tileNo": "0528",
                "tileHNo": "28",
                "tileVNo": "05",
                "sceneCenterTime": "",
                "ProcessTimeUnit": "01D",
                "topicCategory": "-",
                "organizationName": "JAXA",
                "hasProduct": "true",
            },
        },
    }
    return merged(native, changes)


def amsr2(identifier: str = "GW1AM2_202401010047_189D_L1SGRTBR_2220220", **changes: Any) -> Any:
    """A half orbit of AMSR2 as the old system listed it and a converting client saved it: numbers, no geometry.

    The ring passes the antimeridian twice beside the north pole, as real ones do.
    """
    native = {
        "type": "Feature",
        "geometry": None,
        "properties": {
            "identifier": identifier,
            "acquisitionType": "NOMINAL",
            "processingDate": "2024-01-01T02:53:36.000Z",
            "processingLevel": "AMSR2-L1R",
            "processorVersion": "220,220",
            "status": "ARCHIVED",
            "beginPosition": "2024-01-01T00:47:00.855Z",
            "endPosition": "2024-01-01T01:36:21.574Z",
            "platformShortName": "GCOM-W1",
            "instrumentShortName": "AMSR2",
            "wrsLongitudeGrid": 189,
            "lastOrbitNumber": 40552,
            "multiExtentOf": "-177 84 139 86 103 83 121 73 97 74 63 70 35 56 20 31 10 -8 5 -35 2 -58 -2 -76 -5 -82"
            " -48 -86 -88 -79 -70 -73 -57 -71 -48 -69 -24 -54 -11 -33 -3 -6 3 33 8 60 13 78 29 87 113 89 162 88"
            " 175 87 -179 85.5 -177 84",
            "product": {
                "fileName": "https://gportal.jaxa.jp/download/standard/GCOM-W/GCOM-W.AMSR2/L1R/2/2024/01/"
                f"{identifier}.h5",
                "size": 51065652,
                "version": 2,
            },
            "gpp": {
                "datasetId": 11001002,
                "totalQualityCode": "Good",
                "parameterVersion": 220,
                "algorithmVersion": 220,
                "startPathNumber": 189,
                "mapProjection": None,
                "orbitDirection": "Descending",
                "topicCategory": "-",
                "hasProduct": True,
            },
        },
    }
    return merged(native, changes)


def record_collection(features: list[Any], matched: Any = None) -> Any:
    """An answer of G-Portal."""
    return {
        "type": "FeatureCollection",
        "features": features,
        "properties": {
            "numberOfRecordsMatched": len(features) if matched is None else matched,
            "numberOfRecordsReturned": len(features),
        },
    }
