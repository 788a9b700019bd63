"""Native documents of EUMETSAT, the ECMWF stores and Copernicus Marine: small, made of facts."""

from datetime import datetime, timedelta
from typing import Any

from tests.unit.documents import merged

_API = "https://api.eumetsat.int/data/download/1.0.0/collections"
OLCI = "S3A_OL_2_WFR____20240601T013000_20240601T013300_20240602T101500_0179_113_074_2340_MAR_O_NT_003.SEN3"
SEVIRI = "MSG3-SEVI-MSG15-0100-NA-20240601001242.000000000Z-NA"


def _link(product: str, rest: str, media: str, title: str) -> dict[str, Any]:
    href = f"{_API}/EO%3AEUM%3ADAT%3A0407/products/{product}{rest}"
    return {"type": "Link", "href": href, "mediaType": media, "title": title}


def olci(**changes: Any) -> Any:
    """An ocean colour frame of Sentinel-3A off Japan."""
    ring = [[135.0, 30.0], [135.0, 41.0], [149.0, 39.0], [147.0, 28.0], [135.0, 30.0]]
    entries = [(f"{OLCI}/chl_nn.nc", "application/x-netcdf"), (f"{OLCI}/xfdumanifest.xml", "application/xml")]
    entries += [(f"{OLCI}/chl_nn.jpg", "image/jpeg"), (f"{OLCI}/{'x' * 60}.nc", "application/x-netcdf")]
    native = {
        "type": "Feature",
        "id": OLCI,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "type": "Properties",
            "identifier": OLCI,
            "parentIdentifier": "EO:EUM:DAT:0407",
            "title": OLCI,
            "date": "2024-06-01T01:30:00.123456Z/2024-06-01T01:33:00.123456Z",
            "updated": "2024-06-02T11:00:00.5Z",
            "acquisitionInformation": [
                {
                    "platform": {"platformShortName": "Sentinel-3A"},
                    "instrument": {"instrumentShortName": "OLCI"},
                    "acquisitionParameters": {
                        "orbitNumber": 43210,
                        "orbitDirection": "DESCENDING",
                        "relativeOrbitNumber": 74,
                        "cycleNumber": 113,
                    },
                }
            ],
            "productInformation": {"productType": "OL_2_WFR___", "size": 388413, "timeliness": "NT"},
            "extraInformation": {"md5": "0123456789ABCDEF0123456789abcdef"},
            "links": {
                "type": "Links",
                "data": [_link(OLCI, "", "application/zip", "Product download")],
                "alternates": [
                    _link(OLCI, "/metadata", "application/xml", "Metadata"),
                    _link(OLCI, "/metadata?format=json", "application/json", "Metadata in JSON format"),
                ],
                "previews": [_link(OLCI, "/browse", "image/jpeg", "Quicklook")],
                "sip-entries": [_link(OLCI, f"/entry?name={name}", media, name) for name, media in entries],
            },
        },
    }
    return merged(native, changes)


def seviri(**changes: Any) -> Any:
    """A full disk of Meteosat-10: the store writes `{}` for its geometry."""
    native = {
        "type": "Feature",
        "id": SEVIRI,
        "geometry": {},
        "properties": {
            "identifier": SEVIRI,
            "parentIdentifier": "EO:EUM:DAT:MSG:HRSEVIRI",
            "date": "2024-06-01T00:00:10.000Z/2024-06-01T00:12:42.000Z",
            "updated": "2024-06-01T00:13:42Z",
            "acquisitionInformation": [
                {
                    "platform": {"platformShortName": "MSG3"},
                    "instrument": {"instrumentShortName": "SEVIRI"},
                    "acquisitionParameters": {},
                }
            ],
            "productInformation": {"productType": "MSG15", "size": 174135},
            "links": {
                "data": [_link(SEVIRI, "", "application/zip", "Product download")],
                "sip-entries": [
                    _link(SEVIRI, "/entry?name=nat", "application/octet-stream", f"{SEVIRI}.nat"),
                    _link(SEVIRI, "/entry?name=manifest.xml", "application/xml", "manifest.xml"),
                ],
            },
        },
    }
    return merged(native, changes)


def notification(**changes: Any) -> Any:
    """What EUMETSAT's broker says of a new product."""
    product = "MSG4-SEVI-MSGCLMK-0100-0100-20240601110500.000000000Z-NA"
    native = {
        "id": "00000000-1111-4222-8333-444444444444",
        "conformsTo": ["http://wis.wmo.int/spec/wnm/1/conf/core"],
        "type": "Feature",
        "geometry": None,
        "properties": {
            "pubtime": "2024-06-01T11:18:16.149Z",
            "data_id": product,
            "datetime": "2024-06-01T11:05:00Z",
        },
        "links": [
            {"href": "https://user.eumetsat.int/", "rel": "service-doc", "type": "text/html"},
            {
                "href": f"{_API}/c/products/{product}",
                "rel": "canonical",
                "type": "application/zip",
                "length": 111,
            },
        ],
        "_eumetsat_product_information": {
            "parentIdentifier": "EO:EUM:DAT:MSG:RSS-CLM",
            "platform": "MSG4",
            "productType": "MSGCLMK",
        },
    }
    return merged(native, changes)


def disks(count: int, *, every_s: float = 1.0, length_s: float = 5.0) -> list[Any]:
    """Many full disks, one after the other, each still going on when the next ones begin."""
    first = datetime.fromisoformat("2024-06-01T00:00:00Z")
    result = []
    for number in range(count):
        start = first + timedelta(seconds=every_s * number)
        date = "/".join(
            time.isoformat().replace("+00:00", "Z") for time in (start, start + timedelta(seconds=length_s))
        )
        name = f"MSG3-SEVI-MSG15-{number:06d}"
        product = {"identifier": name, "date": date, "links": {}}
        result.append(seviri(id=name, properties=product))
    return result


def answer(features: list[Any]) -> Any:
    """A page of the Data Store's search."""
    return {"type": "FeatureCollection", "totalResults": len(features), "features": features}


def data_set(identifier: str = "reanalysis-example", store: str = "cds.climate", **changes: Any) -> Any:
    """A data set as one of ECMWF's stores describes it."""
    address = f"https://{store}.copernicus.eu/api/catalogue/v1"
    native = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": identifier,
        "title": "Global sea surface temperature from satellite observations",
        "description": "Daily fields of the temperature of the sea.",
        "keywords": ["Spatial coverage: Global", "Product type: Reanalysis"],
        "license": "CC-BY-4.0",
        "providers": [{"name": "ECMWF"}],
        "extent": {
            "spatial": {"bbox": [[0.0, -89.0, 360.0, 89.0]]},
            "temporal": {"interval": [["1979-01-01T00:00:00+00:00", None]]},
        },
        "links": [
            {"rel": "self", "href": f"{address}/collections/{identifier}", "type": "application/json"},
            {"rel": "root", "href": f"{address}/", "type": "application/json"},
            {"rel": "layout", "href": f"{address}/layout.json"},
            {"rel": "qa", "href": "https://example.org/quality", "type": "text/html"},
        ],
        "assets": {
            "thumbnail": {
                "href": "https://object-store.example.org:443/overview.png",
                "type": "image/jpg",
                "roles": ["thumbnail"],
            }
        },
        "summaries": {},
        "published": "2019-12-13T00:00:00Z",
        "updated": "2026-05-16T00:00:00Z",
        "sci:doi": "10.24381/cds.00000000",
        "cads:update_frequency": "Daily",
        "cads:disabled_reason": None,
        "cads:sanity_check": {"status": "unknown", "timestamp": None},
    }
    return merged(native, changes)


PRODUCT = "GLOBAL_EXAMPLE_PHY_001_999"
DATASET = "cmems_mod_glo_example_P1D-m_202311"
# Wider than 64 bits, and not a number that a double has.
WIDE = 2**70 + 1
_TITLE = "Copernicus Marine Data Store"


def product(identifier: str = PRODUCT, items: tuple[str, ...] = (DATASET,), **changes: Any) -> Any:
    """A product of Copernicus Marine."""
    links = [{"rel": "parent", "href": "../catalog.stac.json", "title": _TITLE, "type": "application/json"}]
    links += [{"rel": "item", "href": f"{name}/dataset.stac.json", "title": name} for name in items]
    links += [
        {
            "rel": "license",
            "href": "https://marine.copernicus.eu/licence",
            "type": "text/html",
            "createdAt": "2019",
        },
        {"rel": "cite-as", "href": "https://doi.org/10.48670/moi-00999", "type": "text/html"},
    ]
    native = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": identifier,
        "title": "Global Ocean Physics Analysis and Forecast",
        "description": "Currents and temperature.",
        "license": "proprietary",
        "keywords": ["sea-surface-height-above-geoid", "global-ocean"],
        "providers": [{"name": "Example Centre", "roles": ["producer"], "email": "person@example.org"}],
        "extent": {
            "spatial": {"bbox": [[0.0, -80.0, 359.75, 90.0]]},
            "temporal": {"interval": [["2020-11-01T00:00:00Z", None]]},
        },
        "links": links,
        "assets": {"thumbnail": {"href": "../img/thumb.png", "type": "image/png"}},
        "properties": {
            "creationDate": "2016-10-14",
            "admp_updated": "2024-04-23T04:23:46.808754Z",
            "processingLevel": "Level 4",
            "sources": ["Numerical models"],
            "contacts": [{"name": "A Person", "email": "person@example.org"}],
            "isStaging": False,
        },
        "sci:doi": "10.48670/moi-00999",
    }
    return merged(native, changes)


def dataset(identifier: str = DATASET, collection: str = PRODUCT, **changes: Any) -> Any:
    """A dataset of it: a series in time on a global grid, with a fill value wider than 64 bits."""
    ring = [[-180, -80], [-180, 90], [179.75, 90], [179.75, -80], [-180, -80]]
    axis = [float(step) for step in range(2000)]
    native = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identifier,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [-180, -80, 179.75, 90],
        "properties": {
            "title": "daily mean fields",
            "datetime": None,
            "start_datetime": "2020-11-01T00:00:00Z",
            "end_datetime": "2024-05-02T00:00:00Z",
            "contact": "person@example.org",
            "institution": "Example Centre",
            "cube:dimensions": {
                "time": {
                    "type": "temporal",
                    "extent": ["2020-11-01T00:00:00Z", "2024-05-02T00:00:00Z"],
                    "step": "P1D",
                },
                "elevation": {"type": "spatial", "axis": "z", "values": [-10.0, -0.5], "unit": "m"},
                "longitude": {"type": "spatial", "axis": "x", "values": axis, "reference_system": 4326},
            },
            "cube:variables": {
                "so": {
                    "id": "so",
                    "dimensions": ["time", "elevation", "longitude"],
                    "type": "data",
                    "unit": "1e-3",
                    "standardName": "sea_water_salinity",
                    "name": {"en": "Salinity"},
                    "missingValue": WIDE,
                    "colormapId": "haline",
                }
            },
            "admp_in_preparation": False,
            "admp_updated": "2024-04-23T04:23:46.808754Z",
            "admp_released_date": "2023-11-23T04:23:46Z",
            "admp_retired_date": None,
        },
        "links": [{"rel": "parent", "href": "../product.stac.json", "title": collection}],
        "assets": {
            "native": {
                "id": "native",
                "href": "https://s3.example.org/mdl-native-14/native/x",
                "type": "application/x-netcdf",
            },
            "timeChunked": {
                "href": "https://s3.example.org/mdl-arco-time-1/x.zarr",
                "type": "application/vnd+zarr",
                "roles": ["data"],
                "title": "Time-chunked",
                "viewDims": {"longitude": {"coords": {"values": axis}}},
                "viewVariables": {"so": {"dtype": "<f4"}},
            },
            "wmts": {"href": "wmts.html"},
        },
    }
    return merged(native, changes)


def catalogue(*products: str) -> Any:
    """The document that Copernicus Marine begins with."""
    links = [{"rel": "root", "href": ".", "title": _TITLE}]
    links += [{"rel": "child", "href": f"{name}/product.stac.json", "title": name} for name in products]
    return {"type": "Catalog", "stac_version": "1.0.0", "id": "MDS", "title": _TITLE, "links": links}
