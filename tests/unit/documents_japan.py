"""Native records of Tellus, of NASA's CMR and of AMeDAS, small, made of facts; each test changes what it is about."""

from typing import Any

from tests.unit.documents import merged

# -- Tellus ---------------------------------------------------------------------------------------

AVNIR_2 = "ea71ef6e-9569-49fc-be16-ba98d876fb73"
PALSAR_2_L11 = "1a41a4b1-4594-431f-95fb-82f9bdc35d6b"
PALSAR_2_L21 = "b0e16dea-6544-4422-926f-ad3ec9a3fcbd"
UNKNOWN_DATASET = "00000000-aaaa-4bbb-8ccc-dddddddddddd"


def tellus_dataset(identifier: str = AVNIR_2, **changes: Any) -> Any:
    """A data set that is free and open to the outside, described in Japanese only."""
    native = {
        "id": identifier,
        "provider": {"name": "テルース", "description": "公式データ"},
        "tags": ["光学"],
        "published_at": "2022-04-01T09:00:00+09:00",
        "can_order_access_right": True,
        "is_order_required": False,
        "square_kilometer_per_price": 0,
        "related_site": "https://www.eorc.jaxa.jp/ALOS/",
        "copyright": "©JAXA",
        "properties": ["sat:orbit_state", "gsd"],
        "prices": [],
        "name": "試験データセット",
        "description": "試験のためのデータです。",
        "permission": {"allow_network_type": "global"},
    }
    return merged(native, changes)


def avnir_2(scene: str = "11111111-2222-4333-8444-555555555555", **changes: Any) -> Any:
    """A scene of AVNIR-2 over Kyushu: start and end are one instant."""
    native = {
        "type": "Feature",
        "id": scene,
        "dataset_id": AVNIR_2,
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[130.1, 32.5], [130.9, 32.4], [131.1, 33.1], [130.3, 33.2], [130.1, 32.5]]],
        },
        "properties": {
            "tellus:name": "ALAV2A123452960",
            "tellus:published_datetime": "2021-10-01T01:02:03.000004+00:00",
            "tellus:can_ordered": True,
            "tellus:sat_frame": 2960,
            "tellus:bands": ["band1", "band2", "band3", "band4"],
            "tellus:pointing_angle": -1.5,
            "start_datetime": "2008-05-20T11:07:00.5+09:00",
            "end_datetime": "2008-05-20T11:07:00.5+09:00",
            "created": "2021-10-01T00:00:00+00:00",
            "updated": "2021-11-01T00:00:00+00:00",
            "processing:level": "L1B1",
            "sat:orbit_state": "descending",
            "sat:relative_orbit": 73,
            "eo:cloud_cover": 12,
            "gsd": 10.0,
        },
    }
    return merged(native, changes)


def palsar_2_scene(scene: str = "66666666-7777-4888-8999-000000000000", **changes: Any) -> Any:
    """A radar scene whose polarisations are one text."""
    native = avnir_2(
        scene,
        dataset_id=PALSAR_2_L21,
        properties={
            "tellus:name": "ALOS2123456650-160815",
            "tellus:bands": ...,
            "tellus:pointing_angle": ...,
            "eo:cloud_cover": ...,
            "end_datetime": "2016-08-15T03:00:10+00:00",
            "start_datetime": "2016-08-15T03:00:00+00:00",
            "processing:level": "L2.1",
            "sar:polarizations": "HH+HV+VH+VV",
            "sar:frequency_band": "L",
            "sar:instrument_mode": "HBQ",
            "sar:observation_direction": "right",
            "sar:product_type": "GEC",
            "view:off_nadir": 30.4,
            "palsar2:beam": "FP6-4",
        },
    )
    return merged(native, changes)


def tellus_files(name: str = "ALAV2A123452960") -> list[Any]:
    """The files of a scene, one of which is not given out."""

    def file(number: int, filename: str, kind: str, size: int, **more: Any) -> Any:
        return {
            "id": number,
            "name": filename,
            "mime_type": kind,
            "size_bytes": size,
            "is_downloadable": True,
            **more,
        }

    return [
        file(1, f"HDR-{name}-O1B1.txt", "text/plain", 100),
        file(2, f"IMG-01-{name}-O1B1.tif", "image/tiff", 2000),
        file(3, f"IMG-02-{name}-O1B1.tif", "image/tiff", 2001),
        file(4, f"{name}_webcog.tif", "image/tiff", 3000),
        file(5, f"{name}-O1B1_thumb.png", "image/png", 40),
        file(6, f"IMG-03-{name}-O1B1.tif", "image/tiff", 2002, is_downloadable=False),
    ]


def scenes(features: list[Any], total: int | None = None) -> Any:
    """A search answer."""
    return {
        "type": "FeatureCollection",
        "features": features,
        "meta": {"total": len(features) if total is None else total},
    }


# -- CMR ------------------------------------------------------------------------------------------


def _ring(*positions: tuple[float, float]) -> Any:
    points = [{"Longitude": x, "Latitude": y} for x, y in (*positions, positions[0])]
    return {"Boundary": {"Points": points}}


def _attributes(**values: Any) -> list[Any]:
    return [
        {"Name": name, "Values": value if isinstance(value, list) else [value]}
        for name, value in values.items()
    ]


def asf_palsar(granule: str = "ALPSRP123450670-L1.1", **changes: Any) -> Any:
    """A granule of ASF in its older form: named by entry title, everything in additional attributes."""
    scene = granule.rpartition("-")[0]
    native = {
        "meta": {
            "concept-type": "granule",
            "concept-id": "G1000000001-ASF",
            "native-id": granule,
            "provider-id": "ASF",
            "format": "application/echo10+xml",
            "revision-date": "2016-05-13T14:32:33.502Z",
        },
        "umm": {
            "GranuleUR": granule,
            "CollectionReference": {"EntryTitle": "ALOS_PALSAR_LEVEL1.1"},
            "TemporalExtent": {
                "RangeDateTime": {
                    "BeginningDateTime": "2008-05-20T13:20:00.000Z",
                    "EndingDateTime": "2008-05-20T13:20:08.000Z",
                }
            },
            "SpatialExtent": {
                "HorizontalSpatialDomain": {
                    "Geometry": {
                        "GPolygons": [_ring((130.0, 32.0), (130.7, 31.9), (130.8, 32.4), (130.1, 32.5))]
                    }
                }
            },
            "OrbitCalculatedSpatialDomains": [{"OrbitNumber": 12345}],
            "Platforms": [
                {
                    "ShortName": "ALOS",
                    "Instruments": [{"ShortName": "PALSAR", "ComposedOf": [{"ShortName": "FBD"}]}],
                }
            ],
            "AdditionalAttributes": _attributes(
                ASCENDING_DESCENDING="ASCENDING",
                BEAM_MODE_TYPE="FBD",
                BEAM_MODE="FBD",
                BYTES="123456789",
                FARADAY_ROTATION="NA",
                FLIGHT_LINE="NULL",
                FRAME_NUMBER="670",
                GRANULE_TYPE="ALOS_PALSAR_SCENE",
                LOOK_DIRECTION="R",
                MD5SUM="0123456789abcdef0123456789abcdef",
                OFF_NADIR_ANGLE="34.3",
                PATH_NUMBER="424",
                POLARIZATION="HH+HV",
                PROCESSING_LEVEL="L1",
                PROCESSING_TYPE="L1.1",
                THUMBNAIL_URL="https://datapool.asf.alaska.edu/THUMBNAIL/A3/x_THUMBNAIL.jpg",
            ),
            "RelatedUrls": [
                {"Type": "GET DATA", "URL": f"https://datapool.asf.alaska.edu/L1.1/A3/{granule}.zip"},
                {
                    "Type": "GET RELATED VISUALIZATION",
                    "URL": f"https://datapool.asf.alaska.edu/BROWSE/A3/{scene}.jpg",
                },
            ],
            "DataGranule": {
                "DayNightFlag": "Unspecified",
                "Identifiers": [{"Identifier": scene, "IdentifierType": "ProducerGranuleId"}],
                "ProductionDateTime": "2012-08-23T00:00:00.000Z",
                "ArchiveAndDistributionInformation": [
                    {"Name": "Not provided", "Size": 117.7, "SizeUnit": "MB"}
                ],
            },
            "ProviderDates": [
                {"Type": "Insert", "Date": "2012-01-16T12:10:57.000Z"},
                {"Type": "Update", "Date": "2012-08-23T00:00:00.000Z"},
            ],
        },
    }
    return merged(native, changes)


def asf_palsar_2(granule: str = "ALOS2123453150-160331-WBDR1.1__D", **changes: Any) -> Any:
    """A granule of ASF in its newer form: named by concept id, size and checksum per file, a copy in S3."""
    file = f"{granule}.zip"
    native = asf_palsar(
        granule,
        meta={"collection-concept-id": "C3315903479-ASF", "concept-id": "G1000000002-ASF"},
        umm={
            "CollectionReference": {"ShortName": "ALOS2_L1_PSR2", "Version": "1", "EntryTitle": ...},
            "Platforms": [{"ShortName": "ALOS-2", "Instruments": [{"ShortName": "PALSAR-2"}]}],
            "AdditionalAttributes": _attributes(
                ASCENDING_DESCENDING="DESCENDING",
                BEAM_MODE="WBD",
                FRAME_NUMBER="3150",
                LOOK_DIRECTION="RIGHT",
                OFF_NADIR_ANGLE="34.9",
                OPERATIONAL_MODE="WD1",
                PATH_NUMBER="161",
                POLARIZATION=["HH", "HV"],
                PROCESSING_LEVEL="1.1",
            ),
            "RelatedUrls": [
                {"Type": "GET DATA", "URL": f"https://cumulus.asf.earthdatacloud.nasa.gov/L1.1/ALOS2/{file}"},
                {"Type": "GET DATA VIA DIRECT ACCESS", "URL": f"s3://asf-cumulus-prod-alos2-products/{file}"},
                {
                    "Type": "VIEW RELATED INFORMATION",
                    "URL": "https://cumulus.asf.earthdatacloud.nasa.gov/s3credentials",
                    "Description": "Credentials",
                },
            ],
            "DataGranule": {
                "ArchiveAndDistributionInformation": [
                    {
                        "Name": file,
                        "SizeInBytes": 60_000_000_000,
                        "Checksum": {"Value": "FEDCBA9876543210FEDCBA9876543210", "Algorithm": "MD5"},
                    }
                ]
            },
        },
    )
    return merged(native, changes)


def aster(**changes: Any) -> Any:
    """A granule of LP DAAC's former archive: named by a row of its database, several files, an open ring."""
    name = "AST_L1T_00305202008020730_20150520123456_12345"
    native = {
        "meta": {"concept-id": "G1000000003-LPDAAC_ECS", "revision-date": "2018-07-09T15:22:20.000Z"},
        "umm": {
            "GranuleUR": "SC:AST_L1T.003:2148800000",
            "CollectionReference": {"ShortName": "AST_L1T", "Version": "003"},
            "TemporalExtent": {"SingleDateTime": "2008-05-20T02:07:30.500Z"},
            "SpatialExtent": {
                "HorizontalSpatialDomain": {
                    "Geometry": {
                        "GPolygons": [
                            {
                                "Boundary": {
                                    "Points": [
                                        {"Longitude": 130.2, "Latitude": 33.0},
                                        {"Longitude": 130.9, "Latitude": 33.0},
                                        {"Longitude": 130.9, "Latitude": 32.4},
                                        {"Longitude": 130.2, "Latitude": 32.4},
                                    ]
                                }
                            }
                        ]
                    }
                }
            },
            "Platforms": [{"ShortName": "Terra", "Instruments": [{"ShortName": "ASTER"}]}],
            "CloudCover": 57,
            "AdditionalAttributes": _attributes(
                ASTERVNIRPointingAngle="-5.721",
                CorrectionAchieved="Terrain+Precision",
                FlyingDirection="DE",
                SceneCloudCoverage="57",
                Solar_Azimuth_Angle="86.162211",
                Solar_Elevation_Angle="75.830363",
            ),
            "PGEVersionClass": {"PGEVersion": "1.0.0"},
            "RelatedUrls": [
                {
                    "Type": "GET DATA",
                    "URL": f"https://e4ftl01.cr.usgs.gov/ASTT/AST_L1T.003/2008.05.20/{name}.hdf",
                },
                {
                    "Type": "GET DATA",
                    "URL": f"https://e4ftl01.cr.usgs.gov/ASTT/AST_L1T.003/2008.05.20/{name}_V.tif",
                },
                {"Type": "EXTENDED METADATA", "URL": f"https://e4ftl01.cr.usgs.gov/ASTT/{name}.hdf.xml"},
                {
                    "Type": "GET RELATED VISUALIZATION",
                    "URL": f"https://e4ftl01.cr.usgs.gov/WORKING/{name}_BR.2.VNIR.jpg",
                },
            ],
            "DataGranule": {
                "DayNightFlag": "Day",
                "Identifiers": [{"Identifier": f"{name}.hdf", "IdentifierType": "ProducerGranuleId"}],
                "ProductionDateTime": "2015-05-20T18:54:49.000Z",
                "ArchiveAndDistributionInformation": [
                    {
                        "Name": f"{name}.hdf",
                        "SizeInBytes": 133841378,
                        "Checksum": {"Algorithm": "MD5", "Value": "zz"},
                    }
                ],
            },
        },
    }
    return merged(native, changes)


def cmr_page(items: list[Any], hits: int | None = None) -> Any:
    """An answer of `granules.umm_json`."""
    return {"hits": len(items) if hits is None else hits, "took": 5, "items": items}


# -- AMeDAS ---------------------------------------------------------------------------------------


def station_table(**changes: Any) -> Any:
    """Three stations, of three types."""
    native = {
        "44132": {
            "type": "A",
            "elems": "11111111",
            "lat": [35, 41.5],
            "lon": [139, 45],
            "alt": 25,
            "kjName": "東京",
            "knName": "トウキョウ",
            "enName": "Tokyo",
        },
        "82182": {
            "type": "C",
            "elems": "01000000",
            "lat": [33, 34.9],
            "lon": [130, 22.6],
            "alt": 3,
            "kjName": "福岡",
            "knName": "フクオカ",
            "enName": "Fukuoka",
        },
        "44356": {
            "type": "B",
            "elems": "11112010",
            "lat": [24, 17.3],
            "lon": [153, 59],
            "alt": 7,
            "kjName": "南鳥島",
            "knName": "ミナミトリシマ",
            "enName": "Minamitorishima",
        },
    }
    return merged(native, changes)


def observation(region: int = 44, number: int = 132, **changes: Any) -> Any:
    """One observation in a station's file; snow is not measured, which flags 5 and 6 say."""
    native = {
        "prefNumber": region,
        "observationNumber": number,
        "temp": [25.6, 0],
        "snow": [None, 5],
        "snow1h": [0, 6],
        "precipitation10m": [0.0, 0],
        "windDirection": [1, 0],
        "wind": [1.6, 0],
        "maxTempTime": {"hour": 1, "minute": 49},
        "maxTemp": [26.9, 0],
    }
    return merged(native, changes)


def station_file() -> Any:
    """Three observations of Tokyo, from 00:00 to 00:20 in Japan, the day before in UTC."""
    return {f"202606120{minute:03d}00": observation() for minute in (0, 10, 20)}
