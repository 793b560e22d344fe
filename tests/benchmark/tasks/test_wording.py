"""What is wrong with a task is told with its line, its field and the nearest word that would do."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.benchmark.tasks.definition import TaskDefinition, find_problems, parse, task_definition
from workbench.benchmark.tasks.wording import did_you_mean
from workbench.errors import InvalidInput

TEXT = (resources.files("workbench.benchmark") / "tasks" / "nodule-malignancy.yaml").read_text()


def told(old: str, new: str) -> list[str]:
    assert old in TEXT
    task, problems = find_problems(TEXT.replace(old, new, 1), "x.yaml")
    assert (task is None) == bool(problems)
    return [str(problem) for problem in problems]


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(TEXT.splitlines(), start=1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: binary", "kind: bnary", "kind: “bnary” will not do; the nearest is “binary”."),
        ("  verified: true", "  verified: yes", "label.verified: must be true or false, not “yes”."),
        ("id: nodule-malignancy", "id: 5", "id: must be text, not “5”."),
        ("tolerance: 1.0e-9", "tolerance: none", "tolerance: must be a number, not “none”."),
        ("[auc_delong:v1]", "[auc:v1]", "metrics.0: there is no metric “auc:v1”; the nearest is “auc_delong:v1”."),
        ("[auc_delong:v1]", "auc_delong:v1", "metrics: must be a list, [a, b], not “auc_delong:v1”."),
        ("bands: [6, 10]", "bands: [6, x]", "subgroups.0.bands.1: must be a number, not “x”."),
        ("tolerance: 1.0e-9", "tolerance: -1", "tolerance: must be 0.0 or more."),
        ("tolerance: 1.0e-9", "tolerance: 0.1", "tolerance: must be below 0.1."),
        ("[auc_delong:v1]", "[]", "metrics: must hold 1 at least."),
        ("rule: column", "rule: colum", "baselines.0.rule: “colum” will not do; the nearest is “column”."),
        ("scored_in_all: 200", "scored_in_all: 2.5", "quota.scored_in_all: must be a whole number, not “2.5”."),
        ("column: malignant}", "column: is it}",
         "truth.column: “is it” has another form than a column's name in letters, digits and underscores, such as "
         "diameter_mm."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_line(old: str, new: str, says: str) -> None:
    assert told(old, new) == [f"line {line_of(old)}: {says}"]


def test_an_unknown_field_names_the_one_that_was_meant() -> None:
    assert told("question: ", "qestion: ") == [
        "line 1: question: is missing.",
        "line 5: qestion: there is no such field; the nearest is “question”.",
    ]
    assert told("  verified: true", "  verfied: true")[1].endswith(
        "label.verfied: there is no such field; the nearest is “verified”."
    )


def test_an_unknown_split_names_the_one_that_was_meant() -> None:
    assert told("  final_test: {", "  final-test: {") == [
        f"line {line_of('  final_test: {')}: splits.final-test: there is no such field; the nearest is “final_test”."
    ]


def test_every_mistake_is_told_at_once_and_parse_says_how_many() -> None:
    text = TEXT.replace("kind: binary", "kind: x").replace("missing: reject", "missing: drop")
    assert [problem.field for problem in find_problems(text, "x.yaml")[1]] == ["kind", "missing"]
    with pytest.raises(InvalidInput, match=r"^x.yaml, line 3: kind: .*\(1 more: workbench task check x.yaml\)$"):
        parse(text, "x.yaml")


@pytest.mark.parametrize("text", ["- 1", "just words", "5", "[a, b]"])
def test_what_is_no_block_of_fields_is_told_so(text: str) -> None:
    (problem,) = find_problems(text, "x.yaml")[1]
    assert str(problem).startswith("line 1: the file: must be fields")


def test_control_characters_of_a_file_are_never_printed() -> None:
    problems = find_problems(TEXT.replace("kind: binary", '"\\e[31mk": "\\u202e"', 1), "x.yaml")[1]
    assert problems and all(str(problem).isprintable() for problem in problems)


def test_the_nearest_word_is_the_one_that_begins_alike() -> None:
    assert did_you_mean("auc", ("ece:v1", "auc_delong:v1")) == "; the nearest is “auc_delong:v1”"
    assert did_you_mean("zzz", ("a", "b")) == "; there are a, b"
    assert did_you_mean("zzz", ()) == ""


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["a", "x y"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(st.sampled_from(sorted(TaskDefinition.model_fields)), VALUES)
def test_whatever_stands_in_a_field_is_taken_or_told_in_words(name: str, value: object) -> None:
    whole = task_definition("nodule-malignancy").as_dict()
    text = json.dumps({**whole, name: value}, allow_nan=False, default=str) if not has_nan(value) else "{}"
    try:
        _, problems = find_problems(text, "x.yaml")
    except InvalidInput as refusal:
        assert refusal.message.startswith("x.yaml")
    else:
        assert all(problem.line >= 1 and str(problem).isprintable() for problem in problems)


def has_nan(value: object) -> bool:
    return "NaN" in json.dumps(value) or "Infinity" in json.dumps(value)
