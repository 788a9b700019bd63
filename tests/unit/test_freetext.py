"""The language of `q`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InvalidRequest
from catalog.freetext import (
    EVERYTHING,
    NOTHING,
    Both,
    Either,
    Expression,
    Not,
    Term,
    holds,
    positive_terms,
    read_free_text,
    settle,
    terms_of,
)

A, B, C = Term("a1"), Term("b1"), Term("c1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1", A),
        ("a1 b1", Either((A, B))),
        ("a1 OR b1", Either((A, B))),
        ("a1, b1", Either((A, B))),
        ("a1 AND b1", Both((A, B))),
        ("(a1 OR b1) AND c1", Both((Either((A, B)), C))),
        ("a1 AND b1 OR c1", Either((Both((A, B)), C))),
        ("a1 b1 AND c1", Either((A, Both((B, C))))),
        ("a1 +b1 -c1", Both((B, Not(C)))),
        ("a1 b1 -c1", Both((Either((A, B)), Not(C)))),
        ("a1 NOT b1", Both((A, Not(B)))),
        ("a1 OR NOT b1", Either((A, Not(B)))),
        ("NOT NOT a1", A),
        ("NOT (a1 b1)", Not(Either((A, B)))),
        ('"climate  model"', Term("climate model")),
        ('"a1 AND b1"', Term("a1 AND b1")),
        ("EO,Earth Observation", Either((Term("EO"), Term("Earth Observation")))),
        ("(a1, b1) AND c1", Both((Either((A, B)), C))),
        ("ALOS-2", Term("ALOS-2")),
        ("and or", Either((Term("and"), Term("or")))),
        ("temperature of the sea", Either((Term("temperature"), Term("sea")))),
        ("衛星、だいち", Either((Term("衛星"), Term("だいち")))),
        ("（ａ１　ｂ１）　AND　ｃ１", Both((Either((A, B)), C))),
        ("“climate model”", Term("climate model")),
        ("a1 a1", A),
    ],
)
def test_what_a_query_means(text: str, expected: Expression) -> None:
    assert read_free_text(text) == expected


def test_a_list_is_phrases_any_of_which_will_do() -> None:
    assert read_free_text(["a1", "Earth  Observation"]) == Either((A, Term("Earth Observation")))
    assert read_free_text(["a1 AND b1"]) == Term("a1 AND b1")
    assert read_free_text(None) is None


@pytest.mark.parametrize(
    "value",
    ["", " ", "AND", "a1 AND", "OR a1", "a1 OR", "NOT", "(a1", "a1)", "()", '"a1', 'a1 "', "-", "a1 - b1", "+", "!!",
     "a1,,b1", ",", '""', "a1 AND AND b1", "★", "(" * 30 + "a1" + ")" * 30, "a" * 3000,
     " ".join(f"w{n}" for n in range(60)), [], ["a1", 3], [""], {}, 3, True, ["w"] * 60],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_free_text(value)
    assert refusal.value.parameter == "q"


@given(st.text(alphabet='ab "()+-,、ANDORT海', max_size=40))
def test_any_text_is_a_tree_or_a_refusal(text: str) -> None:
    try:
        expression = read_free_text(text)
    except InvalidRequest as refusal:
        assert refusal.parameter == "q"
        return
    assert expression is not None
    assert terms_of(expression)


def _trees() -> st.SearchStrategy[Expression]:
    leaf = st.sampled_from([A, B, C])
    return st.recursive(
        leaf,
        lambda part: st.one_of(
            part.map(Not),
            st.lists(part, min_size=2, max_size=3).map(lambda parts: Both(tuple(parts))),
            st.lists(part, min_size=2, max_size=3).map(lambda parts: Either(tuple(parts))),
        ),
        max_leaves=8,
    )


_TRUTHS = st.fixed_dictionaries({term: st.booleans() for term in (A, B, C)})


@given(_trees(), _TRUTHS, st.sets(st.sampled_from([A, B, C])))
def test_settling_what_is_known_changes_no_answer(
    tree: Expression, truth: dict[Term, bool], known: set[Term]
) -> None:
    rest = settle(tree, lambda term: truth[term] if term in known else None)
    assert holds(rest, truth) == holds(tree, truth)
    assert not set(terms_of(rest)) & known
    if not terms_of(rest):
        assert rest in (EVERYTHING, NOTHING)


@given(_trees(), st.sets(st.sampled_from([A, B, C])))
def test_only_positive_terms_can_make_a_match(tree: Expression, true: set[Term]) -> None:
    truth = {term: term in true for term in (A, B, C)}
    lone = [term for term in true if term not in positive_terms(tree)]
    for term in lone:
        if holds(tree, truth):
            assert holds(tree, {**truth, term: False})
