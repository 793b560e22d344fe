"""A task file is one small document of plain values; what could grow, hide or surprise is refused with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.benchmark.tasks.documents import MAX_CHARACTERS, read_document
from workbench.errors import InvalidInput


def test_values_come_with_the_lines_of_their_fields() -> None:
    document = read_document("a: 1\nb:\n  - {c: x}\n  - d: [2, 3]\n", "x.yaml")
    assert document.value == {"a": 1, "b": [{"c": "x"}, {"d": [2, 3]}]}
    assert [document.line(place) for place in [("a",), ("b",), ("b", 0, "c"), ("b", 1, "d", 1)]] == [1, 2, 3, 4]


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    document = read_document("a: 1\nb:\n  c: 2\n", "x.yaml")
    assert document.line(("b", "missing", "deeper")) == 2
    assert document.line(("missing",)) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-9", 1e-9), ("1.0e-9", 1e-9), ("-3", -3), ("0x10", "0x10"), ("yes", "yes"), ("on", "on"), ("true", True),
        ("1:30", "1:30"), ("2026-05-03", "2026-05-03"), ("~", None), ("null", None), ('"5"', "5"), ("'true'", "true"),
        (".nan", ".nan"), ("007", 7), ("9" * 30, float("9" * 30)), ("", None), ("1_000", "1_000"),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert read_document(f"a: {text}", "x.yaml").value == {"a": value}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (BOMB, 1, "anchors and aliases"),
        ("a: 1\nb: *a\n", 2, "anchors and aliases"),
        ("a: 1\nb: !!python/object/apply:os.system [id]\n", 2, "tags"),
        ("a: 1\nb: 2\na: 3\n", 3, "“a” stands twice \\(first on line 1\\)"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a:\n  " + "[" * 9, 2, "nested more than 8 deep"),
        ("? [a, b]\n: c\n", 1, "a field's name must be a word"),
        ("a: b: c\n", 1, "not YAML: mapping values are not allowed"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: 1\nb: [1, 2\n", 3, "not YAML"),
        ("a: 1\nb: \x00\n", 2, "a character that YAML does not allow"),
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        pytest.param("a: 1\nmetrics: [" + "q," * 30_000 + "]\n", 2, "it holds more than 1,500", id="many"),
        ('a: "\\UFFFFFFFF"\n', 1, "an escape or a %YAML version"),
        ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", 1, "an escape or a %YAML version"),
    ],
)
def test_what_could_grow_hide_or_surprise_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"^x.yaml, line {line}: {says}"):
        read_document(text, "x.yaml")


def test_a_large_file_is_refused_unread() -> None:
    with pytest.raises(InvalidInput, match="65,546 characters"):
        read_document("a: " + "x" * (MAX_CHARACTERS + 7), "x.yaml")


def test_a_deep_file_is_refused_and_exhausts_nothing() -> None:
    with pytest.raises(InvalidInput, match="nested"):
        read_document("[" * 60_000, "x.yaml")


def test_a_merge_key_merges_nothing() -> None:
    assert read_document("<<: {a: 1}\nb: 2", "x.yaml").value == {"<<": {"a": 1}, "b": 2}


@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.text("ab:-[]{}#&*!|>'\"%@,?\n\t 01.~", max_size=60))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    try:
        read_document(text, "x.yaml")
    except InvalidInput as refusal:
        assert refusal.message.startswith("x.yaml")
