"""What the terms of use say to a planned use: every permission, every modifier, and what is never a yes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.governance.duo.facts import KINDS, PurposeFacts
from workbench.governance.duo.matching import match
from workbench.governance.duo.modifiers import MODIFIERS
from workbench.governance.duo.permissions import PERMISSIONS
from workbench.governance.duo.terms import read_term, read_terms, vocabulary

NOW = {"starts": "2026-05-03T12:00:00Z", "until": "2026-06-02T12:00:00Z", "now": "2026-05-03T12:00:00Z"}
HEALTH = {"research_kind": "biomedical"}


def answer(usage: str, **facts: Any) -> str:
    return match([read_term(term) for term in usage.split("; ")], PurposeFacts(**{**NOW, **facts})).answer


PERMITTED = [
    ("NRES", {}, "yes"), ("NRES", {"research_kind": "education"}, "yes"),
    ("GRU", HEALTH, "yes"), ("GRU", {"research_kind": "ancestry"}, "yes"), ("GRU", {"research_kind": "other"}, "yes"),
    ("GRU", {"is_method_development": True}, "yes"), ("GRU", {}, "review"),
    ("GRU", {"research_kind": "clinical-care"}, "no"), ("GRU; CC", {"research_kind": "clinical-care"}, "yes"),
    ("GRU", {"research_kind": "education"}, "review"), ("GRU", {"research_kind": "quality"}, "review"),
    ("HMB", HEALTH, "yes"), ("HMB", {"research_kind": "ancestry"}, "no"), ("HMB", {"research_kind": "other"}, "no"),
    ("HMB", {**HEALTH, "is_ancestry": True}, "no"), ("HMB", {}, "review"),
    ("DS=lung cancer", {**HEALTH, "disease": "Lung  Cancer"}, "yes"),
    ("DS=MONDO:0008903", {**HEALTH, "disease": "lung adenocarcinoma"}, "yes"),
    ("DS=lung cancer", {**HEALTH, "disease": "cancer"}, "review"),
    ("DS=lung cancer", {**HEALTH, "disease": "lung nodule"}, "review"),
    ("DS=lung cancer", {**HEALTH, "disease": "breast cancer"}, "no"),
    ("DS=lung cancer", {**HEALTH, "disease": "gout"}, "review"), ("DS=gout", {**HEALTH, "disease": "Gout"}, "yes"),
    ("DS=lung cancer", HEALTH, "review"), ("DS", {**HEALTH, "disease": "lung cancer"}, "review"),
    ("DS=breast cancer; DS=lung cancer", {**HEALTH, "disease": "lung cancer"}, "yes"),
    ("DS=breast cancer; DS=pneumonia", {**HEALTH, "disease": "lung cancer"}, "no"),
    ("POA", {"is_ancestry": True}, "yes"), ("POA", HEALTH, "no"), ("POA", {}, "review"),
]  # fmt: skip


@pytest.mark.parametrize(("usage", "facts", "expected"), PERMITTED, ids=lambda value: str(value)[:60])
def test_permission(usage: str, facts: dict[str, Any], expected: str) -> None:
    assert answer(usage, **facts) == expected


MODIFIED = [
    ("COL", {"collaboration": "the clinic"}, "yes"), ("COL", {}, "review"),
    ("IRB", {"ethics_approval": "EK 12", "ethics_until": "2026-05-03"}, "yes"),
    ("IRB", {"ethics_approval": "EK 12", "ethics_until": "2026-05-02"}, "no"),
    ("IRB", {"ethics_approval": "EK 12"}, "review"), ("IRB", {}, "review"),
    ("GSO", {"is_genetic": True}, "yes"), ("GSO", {"is_genetic": False}, "no"), ("GSO", {}, "review"),
    ("GS=DE, AT", {"country": "at"}, "yes"), ("GS=EU", {"country": "FR"}, "yes"), ("GS=EU", {"country": "NO"}, "no"),
    ("GS=DE", {"country": "US"}, "no"), ("GS=DE", {"country": "Germany"}, "review"), ("GS=DE", {}, "review"),
    ("GS", {"country": "DE"}, "review"),
    ("IS=Clinic A", {"institution": "clinic a"}, "yes"), ("IS=Clinic A", {"institution": "Clinic B"}, "no"),
    ("IS=Clinic A", {}, "review"), ("IS", {"institution": "Clinic A"}, "review"),
    ("NMDS", {"is_method_development": False}, "yes"), ("NMDS", {"is_method_development": True}, "no"),
    ("NMDS", {}, "review"),
    ("NCU", {"is_commercial": False}, "yes"), ("NCU", {"is_commercial": True}, "no"), ("NCU", {}, "review"),
    ("NPU", {"is_for_profit": False}, "yes"), ("NPU", {"is_for_profit": True}, "no"), ("NPU", {}, "review"),
    ("NPUNCU", {"is_for_profit": False, "is_commercial": False}, "yes"),
    ("NPUNCU", {"is_for_profit": False, "is_commercial": True}, "no"),
    ("NPUNCU", {"is_for_profit": True, "is_commercial": False}, "no"),
    ("NPUNCU", {"is_for_profit": False}, "review"),
    ("PS=lung-ai", {"project": "lung-ai"}, "yes"), ("PS=lung-ai", {"project": "other"}, "no"),
    ("PS=lung-ai", {}, "review"),
    ("MOR=2026-05-03", {}, "yes"), ("MOR=2027-01-01", {"will_publish": False}, "yes"),
    ("MOR=2027-01-01", {"publish_after": "2027-01-01"}, "yes"),
    ("MOR=2027-01-01", {"publish_after": "2026-12-31"}, "no"), ("MOR=2027-01-01", {}, "review"),
    ("MOR=soon", {"will_publish": False}, "review"),
    ("PUB", {"will_publish": True}, "yes"), ("PUB", {"will_publish": False}, "no"), ("PUB", {}, "review"),
    ("RS=DCR", {"investigation": "DUO:0000040"}, "yes"), ("RS=BR", {"investigation": "DUO:0000038"}, "yes"),
    ("RS=GR", {"is_genetic": False}, "no"), ("RS=paediatric asthma", HEALTH, "review"), ("RS", HEALTH, "review"),
    ("RTN", {"will_return": True}, "yes"), ("RTN", {"will_return": False}, "no"), ("RTN", {}, "review"),
    ("TS=1", {}, "yes"), ("TS=1", {"until": "2026-06-03T12:00:01Z"}, "no"), ("TS=1", {"until": ""}, "review"),
    ("TS=1", {"now": "2026-06-03T12:00:00Z"}, "no"), ("TS=long", {}, "review"), ("TS", {}, "review"),
    ("US=alice, bob", {"person": "bob"}, "yes"), ("US=alice", {"person": "bob"}, "no"), ("US", {}, "review"),
    ("NPOA", {"is_ancestry": False}, "yes"), ("NPOA", {"is_ancestry": True}, "no"), ("NPOA", {}, "review"),
    ("CC", {}, "yes"),
]  # fmt: skip


@pytest.mark.parametrize(("usage", "facts", "expected"), MODIFIED, ids=lambda value: str(value)[:60])
def test_modifier(usage: str, facts: dict[str, Any], expected: str) -> None:
    assert answer(f"NRES; {usage}", **facts) == expected


def test_every_permission_and_modifier_of_the_table_has_its_rule() -> None:
    by_kind = {kind: {t.code for t in vocabulary().values() if t.kind == kind} for kind in ("permission", "modifier")}
    assert by_kind == {"permission": set(PERMISSIONS), "modifier": set(MODIFIERS)}
    tried = {read_term(term).code for usage, _, _ in PERMITTED + MODIFIED for term in usage.split("; ")}
    assert tried == set(PERMISSIONS) | set(MODIFIERS)


@pytest.mark.parametrize("usage", ["NRES; DUO:0009999", "NRES; DUO:0000031", "NRES; DUO:0000014", "NMDS"])
def test_what_is_not_understood_is_never_a_yes(usage: str) -> None:
    assert answer(usage, research_kind="biomedical", is_method_development=False) == "review"


def test_no_terms_at_all_are_never_a_yes() -> None:
    assert match([], PurposeFacts(**NOW)).answer == "review"


def test_one_no_outweighs_every_yes() -> None:
    found = match(read_terms(["GRU", "NMDS", "NCU"]), PurposeFacts("biomedical", "", True, False, **NOW))
    assert (found.answer, [term.answer for term in found.terms]) == ("no", ["yes", "no", "yes"])
    assert "NMDS" not in found.terms[1].text and "models may not" in found.terms[1].text


codes = st.sampled_from(sorted(term.short for term in vocabulary().values() if term.kind != "investigation"))
values = st.sampled_from(["", "lung cancer", "DE", "12", "2027-01-01", "x"])
choices = st.sampled_from([None, True, False])
facts = st.builds(
    PurposeFacts, research_kind=st.sampled_from(["", *KINDS]), disease=st.sampled_from(["", "lung cancer", "gout"]),
    is_method_development=choices, is_commercial=choices, is_for_profit=choices, is_ancestry=choices,
    is_genetic=choices, will_publish=choices, will_return=choices, country=st.sampled_from(["", "DE", "US"]),
    now=st.just(NOW["now"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(terms=st.lists(st.tuples(codes, values), max_size=5), extra=codes, planned=facts)
def test_another_modifier_never_permits_more(terms: list[tuple[str, str]], extra: str, planned: PurposeFacts) -> None:
    usage = [read_term({"code": code, "value": value}) for code, value in terms]
    rank = {"yes": 0, "review": 1, "no": 2}
    added = read_term(extra)
    if added.code in MODIFIERS and extra != "CC":
        assert rank[match([*usage, added], planned).answer] >= rank[match(usage, planned).answer]


@settings(max_examples=200, deadline=None)
@given(planned=facts)
def test_the_permissions_form_the_lattice(planned: PurposeFacts) -> None:
    planned = replace(planned, disease="lung cancer")
    said = {code: match([read_term(code)], planned).answer for code in ("NRES", "GRU", "HMB", "DS=lung cancer", "POA")}
    for narrow, wide in (("DS=lung cancer", "HMB"), ("HMB", "GRU"), ("POA", "GRU"), ("GRU", "NRES")):
        if said[narrow] == "yes":
            assert said[wide] == "yes", (narrow, wide)
