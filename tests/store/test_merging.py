"""Pages of a divided search, put in one order, when one of them was cut short by its size."""

from typing import Any

import asyncpg
import pytest

from catalog.store.keyset import Expression
from catalog.store.merging import merge_pages

KEYS = [Expression("number", "int", descending=False, nullable=False)]


def rows(*numbers: int) -> list[Any]:
    return [{"sort_values": [str(number)], "number": number} for number in numbers]


@pytest.mark.parametrize(
    ("pages", "limit", "backward", "expected", "more"),
    [
        ([((1, 4, 9), False), ((2, 10), False)], 10, False, [1, 2, 4, 9, 10], False),
        ([((1, 4, 9), False), ((2, 10), False)], 3, False, [1, 2, 4], True),
        # After 4 the first page has more, which may be 5: 9 is not its turn yet.
        ([((1, 4), True), ((2, 9, 10), False)], 10, False, [1, 2, 4], True),
        ([((1, 4), True), ((2, 3), True)], 10, False, [1, 2, 3], True),
        # Backwards, what is cut off lies before the first row.
        ([((8, 10), True), ((2, 9, 11), False)], 10, True, [8, 9, 10, 11], True),
        ([((1, 4, 9), False), ((2, 10), False)], 3, True, [4, 9, 10], True),
        ([((), False), ((2,), False)], 10, False, [2], False),
    ],
)
async def test_merged(
    database_url: str,
    pages: list[tuple[tuple[int, ...], bool]],
    limit: int,
    backward: bool,
    expected: list[int],
    more: bool,
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        given = [(rows(*numbers), goes_on) for numbers, goes_on in pages]
        merged, goes_on = await merge_pages(connection, given, KEYS, limit, backward=backward)
    finally:
        await connection.close()
    assert [row["number"] for row in merged] == expected
    assert goes_on is more
