"""The policies of the house: they fit their schema, cover every action, and nobody's own policy widens them."""

from __future__ import annotations

import json
from itertools import product

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.governance.decide import ACTIONS
from workbench.governance.policy.examples import TYPICAL
from workbench.governance.policy.reading import FOLDER, HOUSE, schema_text
from workbench.governance.policy.reasons import FORBIDDEN, PERMITTED, UNPERMITTED
from workbench.governance.policy.settling import house, settle
from workbench.governance.policy.situation import IN_POLICIES, RESOURCES, Situation

TEXT = (FOLDER / "house.cedar").read_text()
EVERYTHING = "permit (principal, action, resource);"
ROLES = ("researcher", "custodian", "checker", "teacher", "reviewer", "administrator")

situations = st.builds(
    Situation,
    person=st.sampled_from(["ann", "the-custodian"]), roles=st.frozensets(st.sampled_from(ROLES), min_size=1),
    action=st.sampled_from(["read", "request"]), type=st.just("Dataset"), resource=st.just("clinic-ct"),
    agreement=st.booleans(), training=st.booleans(), use=st.booleans(), grant=st.booleans(), held=st.booleans(),
    tier=st.sampled_from(["open", "registered", "controlled", "undisclosed"]), custodian=st.just("the-custodian"),
    discoverable=st.booleans(), published=st.booleans(), waiting=st.booleans(),
    kind=st.sampled_from(["person", "kernel", "evaluator", "operator"]), sandbox=st.booleans(),
    looking=st.booleans(), view=st.booleans(), purpose=st.sampled_from(["", "teaching"]),
)  # fmt: skip


def test_the_policies_of_the_house_fit_their_schema() -> None:
    assert cedarpy.validate_policies(TEXT, schema_text(HOUSE)).validation_passed
    assert len({policy.name for policy in house()}) == len(house())


def test_every_forbid_and_every_action_has_its_sentence() -> None:
    assert {policy.name for policy in house() if policy.effect == "forbid"} == set(FORBIDDEN)
    assert set(PERMITTED) == set(UNPERMITTED) == set(ACTIONS)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_is_permitted_by_some_policy(action: str) -> None:
    named = IN_POLICIES.get(action, action)
    assert any(policy.effect == "permit" and policy.covers(named) for policy in house())


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_what_is_sent_to_the_policies_fits_the_schema(action: str) -> None:
    named = IN_POLICIES.get(action, action)
    situation = TYPICAL._replace(action=named, type=RESOURCES[action], now="2026-05-03T12:00:00Z")
    schema = cedarpy.Schema.from_str(schema_text(HOUSE))
    entities = cedarpy.Entities.from_json_str(situation.entities_text(), schema)
    answer = cedarpy.is_authorized(situation.request(), TEXT, entities, schema)
    assert (answer.decision == cedarpy.Decision.NoDecision, answer.diagnostics.errors) == (False, [])


@given(situation=situations)
@settings(max_examples=200, deadline=None)
def test_the_widest_policy_of_a_dataset_widens_nothing(situation: Situation) -> None:
    if settle(situation, EVERYTHING).allowed:
        assert settle(situation, "").allowed


@given(situation=situations, person=st.sampled_from(["bob", "x' || true", 'Person::"the-custodian"', "\ud800", "\x00"]))
@settings(max_examples=100, deadline=None)
def test_a_name_is_only_ever_data(situation: Situation, person: str) -> None:
    strange = settle(situation._replace(person=person), "")
    plain = settle(situation._replace(person="somebody-else"), "")
    assert strange.allowed == plain.allowed


@pytest.mark.parametrize(("tier", "kind"), list(product(("controlled", "undisclosed"), ("person", "operator"))))
def test_no_person_gets_the_bytes_of_closed_data(tier: str, kind: str) -> None:
    assert not settle(TYPICAL._replace(tier=tier, kind=kind, sandbox=True), EVERYTHING).allowed


def test_entities_are_plain_json() -> None:
    assert json.loads(TYPICAL.entities_text()) == TYPICAL.entities()
