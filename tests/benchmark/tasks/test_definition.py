"""Tasks are closed, checked documents, and their hash is their version."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from workbench.benchmark.tasks.definition import (
    Subgroup,
    TaskDefinition,
    definitions,
    parse,
    shipped_text,
    task_definition,
)
from workbench.errors import InvalidInput, NotFound

TEXT = (resources.files("workbench.benchmark") / "tasks" / "lung-nodule-detection.yaml").read_text()
PINS = {"chest-ct": "a" * 64, "chest-ct-test": "b" * 64}


def test_the_tasks_of_the_release_are_there() -> None:
    assert set(definitions()) == {"lung-nodule-detection", "lung-segmentation", "nodule-malignancy"}


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


def test_a_pinned_version_wins_over_the_newest() -> None:
    pinned = parse(TEXT.replace("split: train}", f"split: train, version: {'d' * 64}}}").replace(
        "split: validation}", f"split: validation, version: {'d' * 64}}}"), "x.yaml")  # fmt: skip
    assert pinned.pinned() == {"chest-ct": "d" * 64}
    assert pinned.version(PINS) == pinned.version({**PINS, "chest-ct": "e" * 64})
    assert pinned.version(PINS) != task_definition("lung-nodule-detection").version({**PINS, "chest-ct": "d" * 64})


def test_a_definition_survives_the_way_to_another_process() -> None:
    for task in definitions().values():
        assert TaskDefinition.from_dict(json.loads(json.dumps(task.as_dict()))) == task


def test_a_definition_that_was_tampered_with_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not valid: “guess” will not do"):
        TaskDefinition.from_dict({**task_definition("nodule-malignancy").as_dict(), "kind": "guess"})


def test_the_first_metric_ranks_and_hidden_data_are_named() -> None:
    task = task_definition("lung-segmentation")
    assert (task.metric, task.metrics, task.resamples, task.resamples_seed) == (
        "dice:v1",
        ("dice:v1", "hd95:v1"),
        1000,
        16,
    )
    assert (task.hidden_datasets(), task.datasets()) == (["chest-ct-test"], ["chest-ct", "chest-ct-test"])


def test_a_task_file_is_called_as_its_task() -> None:
    for name in definitions():
        assert shipped_text(name).splitlines()[1] == f"id: {name}"


@pytest.mark.parametrize(
    ("value", "group"),
    [(5.99, "below 6"), (6.0, "6 to below 10"), (10, "10 or more"), (None, None), (float("nan"), None)],
)
def test_bands_split_a_column(value: float | None, group: str | None) -> None:
    assert Subgroup(name="diameter", column="diameter_mm", bands=(6.0, 10.0)).group(value) == group


def test_without_bands_each_value_is_a_group() -> None:
    assert Subgroup(name="texture", column="texture").group("solid") == "solid"


def test_the_task_of_the_manual_is_a_task() -> None:
    page = (resources.files("workbench") / "docs" / "tasks.md").read_text()
    task = parse(page.split("```yaml\n")[1].split("```")[0], "tasks.md")
    assert (task.id, task.unit, task.label.verified) == ("own-malignancy", "patient", False)


def test_every_field_of_a_task_stands_in_the_manual() -> None:
    page = (resources.files("workbench") / "docs" / "tasks.md").read_text()
    plain = {"id", "title", "question", "synthetic", "licence"}
    assert {name for name in TaskDefinition.model_fields if f"`{name}`" not in page} <= plain
