"""Small hidden tests whose numbers can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.benchmark.evaluation.hidden_test import HiddenTest
from workbench.benchmark.evaluation.predictions import Predictions
from workbench.benchmark.tasks.definition import task_definition
from workbench.benchmark.tasks.fields import Interval


def items_test(kind: str, metrics: tuple[str, ...], table: dict[str, list[Any]], **truth: Any) -> HiddenTest:
    """Give a test of one item for each row; every item is a scan and a unit of its own."""
    base = task_definition("nodule-malignancy")
    task = base.model_copy(update={
        "kind": kind, "metrics": metrics, "missing": "worst", "subgroups": truth.pop("subgroups", ()),
        "interval": Interval(resamples=200, seed=1), "truth": base.truth.model_copy(update={"item": "scan", **truth}),
    })  # fmt: skip
    count = len(next(iter(table.values())))
    names = tuple(f"S{number}" for number in range(1, count + 1))
    columns = {name: np.array(values) for name, values in table.items()} | {"scan": np.array(names)}
    return HiddenTest(task, None, names, names, np.arange(count), count, columns, columns)  # type: ignore[arg-type]


def detection_test(nodules: list[tuple[str, float, float]], scans: int = 2, **changes: Any) -> HiddenTest:
    """Give a detection test from (scan, x in mm, diameter in mm); y and z are 0."""
    base = task_definition("lung-nodule-detection")
    task = base.model_copy(update={"interval": Interval(resamples=200, seed=1), "subgroups": (), **changes})
    names = tuple(f"S{number}" for number in range(1, scans + 1))
    scan, x_mm, diameter_mm = zip(*nodules, strict=True)
    zero = np.zeros(len(nodules))
    truth = {"scan": np.array(scan), "x_mm": np.array(x_mm), "y_mm": zero, "z_mm": zero,
             "diameter_mm": np.array(diameter_mm)}  # fmt: skip
    scan_table = {"scan": np.array(names), "spacing_z_mm": np.linspace(1.0, 3.0, scans)}
    return HiddenTest(task, None, names, names, np.arange(scans), scans, scan_table, truth)  # type: ignore[arg-type]


def said(hidden: HiddenTest, **values: float | tuple[float, ...]) -> Predictions:
    """Give the predictions of some items: a number, or one for each class."""
    rows = {item: ((value if isinstance(value, tuple) else (value,)),) for item, value in values.items()}
    classes = hidden.task.truth.classes
    columns = tuple(f"class:{name}" for name in classes) if classes else ("prediction",)
    return Predictions(hidden.task.kind, hidden.items, columns, rows)
