"""Clients and tools of others, as much of them as takes seconds; the rest is `tests/strangers/run.sh`."""

from collections.abc import Callable
from typing import Any

import pytest
import rustac
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import Server
from tests.api.data import ITEMS

CLOUDLESS = {item["id"] for item in ITEMS if item["properties"].get("eo:cloud_cover", 100) < 10}


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "eo:cloud_cover < 10"},
        {"filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]}},
        {"query": {"eo:cloud_cover": {"lt": 10}}},
    ],
    ids=["cql2-text", "cql2-json", "query"],
)
async def test_rustac_filters(server: Server, asked: dict[str, Any]) -> None:
    """It posts CQL2 text, which other servers refuse, and follows the pages."""
    found = await rustac.search(server.url, limit=3, sortby="-datetime", **asked)
    assert {item["id"] for item in found} == CLOUDLESS


async def test_rustac_iterates(server: Server) -> None:
    wanted = {item["id"] for item in ITEMS if item["collection"] == "gcom-c"}
    found = set()
    async for item in await rustac.iter_search(server.url, collections=["gcom-c"], limit=4):
        if item is None:  # where rustac 0.9 should have stopped by itself
            break
        found.add(item["id"])
    assert found == wanted


@pytest.fixture(scope="module")
def described(server: Server) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/api")


CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.filterwarnings("default")
def test_schemathesis(described: Any) -> None:
    """Whatever the OpenAPI document allows is answered as it says, and never by a fault of ours."""
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=6,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def check(case: Case) -> None:
            case.call_and_validate(checks=CHECKS)

        check()
