"""Collections of our definitions are found by all that they are called."""

import asyncpg
import orjson

from catalog.definitions import load_definitions
from catalog.freetext import Term
from catalog.store.collections import CollectionCache, match_terms
from catalog.store.defined import upsert_defined

_NAME = "gcom-c-sgli-l3-sst"


async def test_a_defined_collection_in_both_languages(fresh_database_url: str) -> None:
    definitions = load_definitions()
    native = definitions.collections[_NAME].sources["gportal"][0]
    connection = await asyncpg.connect(fresh_database_url, server_settings={"search_path": "pgstac,public"})
    try:
        await upsert_defined(connection, definitions, [_NAME])
        terms = [
            Term(text)
            for text in ("しきさい", "GCOM-C", "海面水温", "sea surface temperature", native, "衛星", "雪")
        ]
        matches = await match_terms(connection, terms)
        stored = (await CollectionCache().get(connection))[_NAME]
    finally:
        await connection.close()
    assert [term.text for term in terms if _NAME in matches[term]] == [term.text for term in terms[:-1]]
    japanese = stored.document_in("ja")
    assert japanese.languages[:2] == ("ja", "en")
    titles = {link["rel"]: link["title"] for link in japanese.links}
    assert titles["license"] == definitions.render(_NAME, "ja")["links"][0]["title"]
    members = orjson.loads(japanese.members)
    assert members["themes"] == definitions.render(_NAME, "ja")["themes"]
    # What upstreams call it is searched for, never shown.
    assert native not in members["keywords"]
    assert native not in stored.content["keywords"]
