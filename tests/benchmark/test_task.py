"""A task of the home is read by its own table and column; one without patches says what to do instead."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.benchmark.examples import labels_of, scan_work, truth_of
from workbench.benchmark.task import Task
from workbench.benchmark.tasks.definition import TaskDefinition, task_definition
from workbench.errors import InvalidInput

LESIONS = pd.DataFrame(
    {"scan": ["B", "A", "A"], "x_mm": [1.0, 2.0, 3.0], "y_mm": 0.0, "z_mm": 0.0, "diameter_mm": [4.0, 5.0, 6.0],
     "grew": [1, 0, 1], "malignant": [False, False, False]}
)  # fmt: skip


class Source:
    """A dataset with one table."""

    name = "liver"

    def table(self, name: str) -> pd.DataFrame:
        return {"lesions": LESIONS}[name]


def task_of(kind: str, **truth: object) -> TaskDefinition:
    base = task_definition("nodule-malignancy")
    return base.model_copy(update={"kind": kind, "truth": base.truth.model_copy(update=truth)})


def test_answers_come_from_the_tasks_own_table_and_column() -> None:
    task, source = task_of("binary", table="lesions", column="grew"), Source()
    labels, diameters = labels_of(task, source, ["A", "B"])  # type: ignore[arg-type]
    work = scan_work(task, source, ["A", "B"])  # type: ignore[arg-type]

    assert labels.tolist() == [False, True, True]
    assert diameters.tolist() == [5.0, 6.0, 4.0]
    assert [len(item.centres_mm) for item in work if item.centres_mm is not None] == [2, 1]
    assert truth_of(task, source, ["B"]).diameter_mm.tolist() == [4.0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "item"), [("regression", "scan"), ("ordinal", "nodule"), ("multiclass", "nodule"), ("binary", "scan")]
)
def test_a_task_without_patches_says_what_to_do(kind: str, item: str) -> None:
    task = Task(task_of(kind, item=item))
    with pytest.raises(InvalidInput, match=r"no patches to learn from.*workbench submit"):
        task.examples("train")
    with pytest.raises(InvalidInput, match="no patches to learn from"):
        task.baseline()
