"""Terms and facts as people write them."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.governance.duo.facts import read_facts
from workbench.governance.duo.terms import Term, is_within, read_term, read_terms, vocabulary

PAGE = "NRES GRU HMB DS POA IRB NCU NPU NPUNCU PUB COL GS MOR TS US PS IS RTN GSO NMDS CC NPOA RS".split()


def test_every_code_of_the_design_is_in_the_table() -> None:
    known = {term.short for term in vocabulary().values()}
    assert set(PAGE) <= known
    assert all(parent in vocabulary() or parent == "DUO:0000017" for t in vocabulary().values() for parent in t.parents)


def test_the_lattice_of_permissions_is_in_the_table() -> None:
    assert is_within("DUO:0000007", "DUO:0000006") and is_within("DUO:0000006", "DUO:0000004")
    assert is_within("DUO:0000011", "DUO:0000042") and not is_within("DUO:0000042", "DUO:0000006")


@pytest.mark.parametrize(
    "written", ["nmds", "DUO:0000015", "duo_0000015", "http://purl.obolibrary.org/obo/DUO_0000015", {"code": "NMDS"}]
)
def test_a_term_is_read_however_it_is_written(written: object) -> None:
    assert read_term(written) == Term("DUO:0000015")


def test_a_term_keeps_its_parameter() -> None:
    assert read_term("DS=lung  cancer").key == "DS=lung cancer"
    assert read_term({"code": "TS", "value": "12"}) == Term("DUO:0000025", "12")


def test_an_unknown_code_is_kept_and_a_typo_is_told() -> None:
    assert read_term("DUO:0099999") == Term("DUO:0099999")
    with pytest.raises(InvalidInput, match="nearest is NMDS"):
        read_term("NMSD")


@pytest.mark.parametrize("value", [None, 3, {}, {"code": 1}, "x" * 50, "DS=" + "x" * 501, {"code": "DS", "value": 3}])
def test_what_is_no_term_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        read_term(value)


def test_terms_are_a_list_of_bounded_length() -> None:
    assert read_terms(["GRU", "GRU", "NMDS"]) == (Term("DUO:0000042"), Term("DUO:0000015"))
    for value in ("GRU", ["GRU"] * 51, {"code": "GRU"}):
        with pytest.raises(InvalidInput):
            read_terms(value)


@pytest.mark.parametrize(
    "value",
    [[], {"is_commercial": "no"}, {"person": "x"}, {"now": "x"}, {"research_kind": "fun"}, {"colour": "red"},
     {"ethics_until": "next year"}, {"disease": "x" * 501}, {"disease": 3}, {"country": "D\x00E"}],
)  # fmt: skip
def test_odd_facts_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        read_facts(value)


def test_facts_left_open_are_not_kept() -> None:
    assert read_facts({"is_commercial": None, "disease": " ", "will_publish": False}) == {"will_publish": False}
