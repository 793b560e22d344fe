"""Tasks are closed, checked documents, and their hash is their version."""

from __future__ import annotations

from importlib import resources

import pytest

from workbench.benchmark.tasks.definition import definitions, parse, task_definition
from workbench.errors import InvalidInput, NotFound

TEXT = (resources.files("workbench.benchmark") / "tasks" / "lung-nodule-detection.yaml").read_text()
PINS = {"chest-ct": "a" * 64, "chest-ct-test": "b" * 64}


def test_both_tasks_of_the_release_are_there() -> None:
    assert set(definitions()) == {"lung-nodule-detection", "nodule-malignancy"}


def test_the_version_changes_with_the_data_and_the_text() -> None:
    task = task_definition("lung-nodule-detection")
    other = parse(TEXT.replace("candidates_per_scan: 60", "candidates_per_scan: 61"), "x.yaml")
    assert task.version(PINS) == parse(TEXT, "x.yaml").version(dict(reversed(PINS.items())))
    assert len({task.version(PINS), task.version({**PINS, "chest-ct": "c" * 64}), other.version(PINS)}) == 3


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("kind: detection3d", "kind: guess", "kind"),
        ("metrics: [froc_cpm:v1]", "metrics: [froc_cpm:v9]", "metrics.0"),
        ("missing: worst", "missing: ignore", "missing"),
        ("id: lung-nodule-detection", "id: Lung Nodules", "id"),
        ("synthetic: true", "synthetic: true\nsecret: 1", "secret"),
        ("  verified: true", "  verified: perhaps", "label.verified"),
        ("question: Where in a chest CT are the lung nodules?", "", "question"),
        ("model_mib: 32", "model_mib: 0", "limits.model_mib"),
        ("  train: {dataset", "  hidden: {dataset", "splits.hidden"),
    ],
)
def test_a_wrong_field_is_named(old: str, new: str, place: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidInput, match=rf"x.yaml, line \d+: {place}: "):
        parse(TEXT.replace(old, new), "x.yaml")


@pytest.mark.parametrize("text", ["{", "- 1", "!!python/object/apply:os.system [id]"])
def test_what_is_no_task_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text, "x.yaml")


@pytest.mark.parametrize("split", ["public_test", "final_test", "test", ""])
def test_a_hidden_or_unknown_split_has_no_place(split: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        task_definition("lung-nodule-detection").place(split)


def test_an_unknown_task_is_not_found() -> None:
    with pytest.raises(NotFound, match="the tasks are lung-nodule-detection"):
        task_definition("nothing")
