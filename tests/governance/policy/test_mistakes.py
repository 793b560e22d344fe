"""A custodian's mistakes are named with line, column and the nearest word, and hostile texts end nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InvalidInput
from workbench.governance.policy.mistakes import checked_policies, find_mistakes

HEAD = "permit (principal, action, resource)"
# Text, line and column (counted by hand), nearest word.
TYPOS = [
    ("permit (principle, action, resource);", 1, 9, "principal"),
    ("alow (principal, action, resource);", 1, 1, ""),
    ("allow (principal, action, resource);", 1, 1, "permit"),
    (f"{HEAD}\nwhne {{ true }};", 2, 1, "when"),
    (f"{HEAD}\nwhen {{ principal.traning }};", 2, 18, "training"),
    (f"{HEAD}\nwhen {{ resource.teir == Tier::\"open\" }};", 2, 17, "tier"),
    (f"{HEAD}\nwhen {{ resource.tier == Tier::\"opne\" }};", 2, 31, "open"),
    (f"{HEAD}\nwhen {{ context.prpose == Purpose::\"teaching\" }};", 2, 16, "purpose"),
    (f"{HEAD}\nwhen {{ principal has agrement }};", 2, 22, "agreement"),
    (f"{HEAD}\nwhen {{ principal.projects.contians(\"x\") }};", 2, 27, "contains"),
    (f"{HEAD}\nwhen {{ dattime(\"2026-01-01\") < context.now }};", 2, 8, "datetime"),
    (f"{HEAD}\nwhen {{ principal.grant and true }};", 2, 24, "&&"),
    ('permit (principal, action == Action::"raed", resource);', 1, 38, "read"),
    ("permit (principal is Persn, action, resource);", 1, 22, "Person"),
    ('permit (principal in Role::"reseacher", action, resource);', 1, 28, "researcher"),
    ('permit (principal, action == Action::"dataset.read", resource);', 1, 38, "read"),
    (f"{HEAD}\nwhen {{ principal.purpos }};", 2, 18, ""),
    (f'// first\n@bni("people.age by 5")\n{HEAD};', 2, 2, "bin"),
    (f'@titel("x")\n{HEAD};', 1, 2, "title"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "nearest"), TYPOS, ids=[str(n) for n in range(len(TYPOS))])
def test_a_typo_is_named_with_its_place_and_the_nearest_word(text: str, line: int, column: int, nearest: str) -> None:
    found = find_mistakes(text)[0]
    assert (found.line, found.column, found.nearest) == (line, column, nearest)


def test_where_no_word_is_near_the_words_that_would_do_are_listed() -> None:
    found = find_mistakes('permit (principal, action == Action::"fly", resource);')[0]
    assert found.nearest == "" and "Choose one of read, request" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "permit (principal, action, resource)", f"{HEAD} when {{true}} {HEAD};", f"{HEAD} when {{ 1 }};", "nonsense",
        f'@bin("people.age by 5") {HEAD.replace("permit", "forbid")};', f'@bin("people.age") {HEAD};',
        f'@rows("x; DROP TABLE people") {HEAD};', f'@id("a") {HEAD};@id("a") {HEAD};', "permit (",
        "permit (principal == ?principal, action, resource);", 'permit (principal, action, resource == Home::"x");',
        'permit (principal, action == Action::"dataset.see", resource);', f"{HEAD} when {{ context.task }};",
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_what_the_gateway_could_not_ask_is_a_mistake(text: str) -> None:
    assert find_mistakes(text)
    with pytest.raises(InvalidInput) as refused:
        checked_policies(text)
    assert refused.value.code == "bad-policy"


def test_other_datasets_and_unknown_purposes_are_named_where_they_are_known() -> None:
    text = f'{HEAD} when {{ resource == Dataset::"other-ct" || context.purpose == Purpose::"teachin" }};'
    assert find_mistakes(text) == []
    found = find_mistakes(text, dataset="clinic-ct", purposes=["teaching"])
    assert [(mistake.nearest, "“" in mistake.text) for mistake in found] == [("", True), ("teaching", True)]


@pytest.mark.parametrize(
    "body",
    ["(" * 5000 + "true" + ")" * 5000, "[" * 3000 + "]" * 3000, " && ".join(["true"] * 5000), "!" * 5000 + "true",
     " && ".join(["true"] * 200), "if true then " * 900, "principal" + ".a" * 900, "é" * 70_000],
    ids=["round", "square", "and", "not", "deep", "if", "dots", "long"],
)  # fmt: skip
def test_a_text_that_would_end_the_process_is_refused_unread(body: str) -> None:
    assert find_mistakes(f"{HEAD} when {{ {body} }};")


@given(text=st.text(alphabet='permit forbid(){};"\\@/*.:=?!&|é\n\x00principalactionresource', max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    assert all(mistake.line >= 1 and mistake.column >= 1 for mistake in find_mistakes(text))


def test_comments_and_strings_hide_semicolons_and_brackets() -> None:
    text = f'// a ; comment "\n@title("one; (two") {HEAD}; // ;\n{HEAD} unless {{ principal.country == "a;b{{" }};'
    assert find_mistakes(text) == []
    assert [policy.line for policy in checked_policies(text)] == [2, 3]
