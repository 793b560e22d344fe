"""The examples in a policy file are run, and one that comes out otherwise is named with what came out."""

from __future__ import annotations

import pytest

from workbench.governance.policy.checking import check_text
from workbench.governance.policy.examples import run_examples

POLICY = """
@bin("people.age by 5")
permit (principal in Role::"researcher", action == Action::"read", resource);

@rows("scans.split in train, validation") @drop("nodules.place")
permit (principal, action == Action::"read", resource) when { context.purpose == Purpose::"teaching" };

@id("embargo") @because("These data are under embargo")
forbid (principal, action, resource) when { context.now < datetime("2026-09-01") };
"""
LATER = '"now": "2027-01-01"'


def _run(example: str) -> list[bool]:
    return [found.ok for found in run_examples(f"// example {example}\n{POLICY}")]


@pytest.mark.parametrize(
    "example",
    [
        f'"ages": {{{LATER}, "roles": ["researcher"]}} => allow, bin people.age by 5',
        f'"learners": {{{LATER}, "purpose": "teaching"}} => allow, drop nodules.place, bin people.age by 5, '
        "rows scans.split in train, validation",
        f'"no role": {{{LATER}, "roles": ["checker"]}} => deny',
        f'"no training": {{{LATER}, "training": false}} => deny',
        f'"no sandbox": {{{LATER}, "sandbox": false}} => deny',
        '"before the embargo": {"now": "2026-08-31"} => deny',
        f'"asking": {{{LATER}, "action": "request"}} => allow',
    ],
    ids=lambda text: text.split('"')[1],
)
def test_an_example_that_holds_is_good(example: str) -> None:
    assert _run(example) == [True]


@pytest.mark.parametrize(
    "example",
    [
        f'"without what it obliges to": {{{LATER}}} => allow',
        f'"another step": {{{LATER}}} => allow, bin people.age by 10',
        f'"allowed": {{{LATER}}} => deny',
        '"embargo": {} => allow, bin people.age by 5',
    ],
    ids=lambda text: text.split('"')[1],
)
def test_an_example_that_comes_out_otherwise_is_named(example: str) -> None:
    assert _run(example) == [False]


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ('"a": {"trainng": true} => deny', "did you mean training?"),
        ('"a": {"roles": ["reseacher"]} => deny', "did you mean researcher?"),
        ('"a": {"roles": "researcher"} => deny', "a list of texts"),
        ('"a": {"training": "yes"} => deny', "true or false"),
        ('"a": {roles} => deny', "not JSON"),
        ('"a": {} => allow, bni people.age by 5', "did you mean @bin?"),
        ('"a": {} => perhaps', "cannot be read"),
        ('"a": {"now": "tomorrow"} => deny', "YYYY-MM-DD"),
    ],
    ids=["fact", "role", "list", "flag", "json", "annotation", "answer", "day"],
)
def test_an_example_with_a_mistake_is_told_the_nearest_word(example: str, said: str) -> None:
    found = check_text(f"// example {example}\n{POLICY}")
    assert not found.ok
    assert said in found.sentences()[0]


def test_a_long_example_goes_on_in_the_next_comment() -> None:
    text = f'// example "a": {{{LATER},\n//   "roles": ["researcher"]}}\n//   => allow, bin people.age by 5\n{POLICY}'
    assert [(found.line, found.ok) for found in run_examples(text)] == [(1, True)]
