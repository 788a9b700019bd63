"""Products as the OData catalogue of the Copernicus Data Space writes them: small, made of facts."""

from typing import Any

from tests.unit.documents import merged

_TYPES = {str: "String", int: "Integer", float: "Double"}


def attributes(**values: Any) -> list[dict[str, Any]]:
    """The list in which OData gives attributes."""
    return [
        {
            "@odata.type": f"#OData.CSC.{_TYPES[type(value)]}Attribute",
            "Name": name,
            "Value": value,
            "ValueType": _TYPES[type(value)],
        }
        for name, value in values.items()
    ]


def product(name: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A product over Kyushu without expanded members."""
    ring = [[130.0, 31.0], [131.0, 31.0], [131.0, 32.0], [130.0, 32.0], [130.0, 31.0]]
    corners = ", ".join(f"{longitude} {latitude}" for longitude, latitude in ring)
    native = {
        "@odata.mediaContentType": "application/octet-stream",
        "Id": f"00000000-0000-4000-8000-{number:012}",
        "Name": name,
        "ContentType": "application/octet-stream",
        "ContentLength": 1_234_567,
        "OriginDate": "2024-01-15T03:00:00.000Z",
        "PublicationDate": "2024-01-15T04:00:00.123456Z",
        "ModificationDate": "2024-01-15T04:00:01.5+00:00",
        "Online": True,
        "EvictionDate": "9999-12-31T23:59:59.999999Z",
        "S3Path": f"/eodata/any/2024/01/15/{name}",
        "Checksum": [
            {"Value": "b" * 64, "Algorithm": "BLAKE3", "ChecksumDate": "2024-01-15T04:00:00Z"},
            {"Value": "A" * 32, "Algorithm": "MD5", "ChecksumDate": "2024-01-15T04:00:00Z"},
        ],
        "ContentDate": {"Start": "2024-01-15T01:27:01.024Z", "End": "2024-01-15T01:27:26.024000Z"},
        "Footprint": f"geography'SRID=4326;POLYGON (({corners}))'",
        "GeoFootprint": {"type": "Polygon", "coordinates": [ring]},
    }
    result: dict[str, Any] = merged(native, changes)
    return result


def sentinel_1(**changes: Any) -> dict[str, Any]:
    """A slice in its cloud-optimised package, with everything expanded."""
    name = "S1A_IW_GRDH_1SDV_20240115T092701_20240115T092726_052111_064C5F_0AB1_COG.SAFE"
    members = {
        "ContentDate": {"Start": "2024-01-15T09:27:01.024Z", "End": "2024-01-15T09:27:26.024Z"},
        "Attributes": attributes(
            origin="ESA",
            productType="IW_GRDH_1S-COG",
            timeliness="Fast-24h",
            datatakeID=412767,
            orbitNumber=52111,
            relativeOrbitNumber="61",
            cycleNumber=313,
            orbitDirection="DESCENDING",
            operationalMode="IW",
            processingLevel="LEVEL1",
            processingCenter="Production Service-SERCO",
            processorVersion="003.71",
            processingDate="2024-01-15T10:00:00.000000+00:00",
            swathIdentifier="IW",
            platformShortName="SENTINEL-1",
            platformSerialIdentifier="A",
            instrumentShortName="SAR",
            polarisationChannels="VV&VH",
            instrumentConfigurationID="7",
            spatialResolution="2.3",
            platform="nonsense",
        ),
        "Assets": [
            {
                "Type": "QUICKLOOK",
                "Id": "00000000-0000-4000-8000-00000000000a",
                "DownloadLink": "https://catalogue.dataspace.copernicus.eu/odata/v1/Assets(00000000-0000-4000-8000-00000000000a)/$value",
                "S3Path": f"/eodata/any/2024/01/15/{name}",
            }
        ],
        "Locations": [],
    }
    return product(name, 11, **merged(members, changes))


def sentinel_3(**changes: Any) -> dict[str, Any]:
    """A frame of OLCI, with shares of its scene."""
    name = (
        "S3A_OL_1_EFR____20240115T012701_20240115T013001_20240116T080000_0179_108_074_2340_PS1_O_NT_004.SEN3"
    )
    members = {
        "Attributes": attributes(
            productType="OL_1_EFR___",
            timeliness="NT",
            orbitNumber=41234,
            cycleNumber=108,
            relativeOrbitNumber=74,
            orbitDirection="descending",
            processingLevel="1",
            processorVersion="3.51",
            platformShortName="SENTINEL-3",
            platformSerialIdentifier="A",
            instrumentShortName="OLCI",
            cloudCover=999.0,
            salineWaterCover=71.0,
            coastalCover="12",
            landCover=-1,
        )
    }
    return product(name, 12, **merged(members, changes))


def deleted(name: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A deletion."""
    native = product(name, number)
    for member in ("S3Path", "Online", "GeoFootprint", "Footprint"):
        del native[member]
    members = {"DeletionDate": "2024-03-01T12:00:00.000Z", "DeletionCause": "Corrupted product", **changes}
    result: dict[str, Any] = merged(native, members)
    return result


def page(*products: Any, entities: str = "Products", **members: Any) -> dict[str, Any]:
    """A page of the catalogue."""
    return {"@odata.context": f"$metadata#{entities}", "value": list(products), **members}
