"""From predictions and truth to what a metric measures, with the worst answer where there is none.

What is missing counts as the worst that could have been said: a positive below everything and a negative above it, the
farthest grade or value, the true class last, the risk that puts most pairs in the wrong order, no mark, no mask.

Runs in: evaluator
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.evaluation.failures import failed
from workbench.benchmark.evaluation.hidden_test import HiddenTest, numbers
from workbench.benchmark.evaluation.predictions import Predictions
from workbench.benchmark.metrics.evaluate import Answer, ItemAnswer, MarksAnswer, ValueAnswer
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.errors import InvalidInput

Floats = NDArray[np.float64]
# Beyond every probability, so that what is missing ties with no answer.
BELOW, ABOVE = -1.0, 2.0
OFF_GRID = "A mask does not lie on its scan's grid; keep shape, spacing, position and direction."


class Answers:
    """The answers to one split of a hidden test, by metric."""

    def __init__(self, hidden: HiddenTest, predictions: Predictions) -> None:
        self.hidden = hidden
        self.predictions = predictions
        self._overlaps: dict[str, Floats] = {}

    def answer(self, metric: str) -> Answer:
        """Give what a metric measures."""
        kind = self.hidden.task.kind
        if kind == "detection3d":
            return self._marks()
        if kind == "segmentation3d":
            return ValueAnswer(self.hidden.unit, self._overlap(metric))
        truth = self._truth()
        said = self._said(truth, is_ranked=metric == "auc_delong:v1")
        return ItemAnswer(self.hidden.unit, truth, said, k=self.hidden.task.k)

    def _marks(self) -> MarksAnswer:
        hidden, number = self.hidden, self.hidden.scan_number()
        table = hidden.truth
        if table is None:
            raise InvalidInput(f"{hidden.task.id} has no table of findings.")
        findings = Findings(
            np.array([number[str(scan)] for scan in table["scan"]], dtype=np.int64),
            np.stack([numbers(table[name]) for name in ("x_mm", "y_mm", "z_mm")], axis=1).reshape(-1, 3),
            numbers(table["diameter_mm"]), np.ones(len(table["scan"]), dtype=bool),
        )  # fmt: skip
        rows = [(number[scan], *row) for scan, marks in sorted(self.predictions.rows.items()) for row in marks]
        marks = np.array(rows, dtype=np.float64).reshape(-1, 5)
        said = Marks(
            marks[:, 0].astype(np.int64), np.ascontiguousarray(marks[:, 1:4]), np.ascontiguousarray(marks[:, 4])
        )
        return MarksAnswer(said, findings, len(hidden.items), hidden.unit)

    def _truth(self) -> NDArray[np.generic]:
        truth = self.hidden.task.truth
        values = self.hidden.column(str(truth.column))
        if self.hidden.task.kind == "survival":
            return np.stack(
                [values.astype(np.float64), self.hidden.column(str(truth.event)).astype(np.float64)], axis=1
            )
        if truth.classes:
            place = {name: number for number, name in enumerate(truth.classes)}
            return np.array([place[str(value)] for value in values], dtype=np.int64)
        if self.hidden.task.kind == "binary":
            return values.astype(bool)
        return numbers(values)

    def _said(self, truth: NDArray[np.generic], *, is_ranked: bool) -> Floats:
        rows, width = self.predictions.rows, len(self.predictions.columns)
        lacking = np.array([item not in rows for item in self.hidden.items])
        said = np.array(
            [rows[item][0] if item in rows else (0.0,) * width for item in self.hidden.items], dtype=np.float64
        ).reshape(len(self.hidden.items), width)
        if lacking.any():
            said[lacking] = worst(self.hidden, truth, lacking, is_ranked=is_ranked)
        return said if self.hidden.task.truth.classes else said[:, 0]

    def _overlap(self, metric: str) -> Floats:
        """Give Dice or HD95 of each scan; both are had from one reading of the labels."""
        if not self._overlaps:
            pairs = np.array([self._one_overlap(scan) for scan in self.hidden.items], dtype=np.float64).reshape(-1, 2)
            self._overlaps = {"dice:v1": pairs[:, 0], "hd95:v1": pairs[:, 1]}
        return self._overlaps[metric]

    def _one_overlap(self, scan: str) -> tuple[float, float]:
        from workbench.benchmark.metrics.overlap import dice, hd95_mm, same_grid  # noqa: PLC0415 - segmentation alone
        from workbench.imaging.nifti import read_nifti  # noqa: PLC0415 - segmentation alone

        labels = self.hidden.source.label_volume(scan, self.hidden.task.truth.labels)
        values, structure = labels.read(), self.hidden.task.truth.value
        truth = values > 0 if structure is None else values == structure
        spacing = labels.spacing_mm
        if scan not in self.predictions.masks:
            return 0.0, float(np.sqrt((((np.array(truth.shape) - 1) * np.array(spacing)) ** 2).sum()))
        try:
            mask, geometry = read_nifti(self.predictions.masks[scan], "a mask")
        except InvalidInput as problem:
            raise failed("MALFORMED_OUTPUT", problem.message) from None
        if not same_grid(labels.geometry, geometry):
            raise failed(
                "MALFORMED_OUTPUT", "A mask does not lie on its scan's grid; keep shape, spacing and position."
            )
        said = mask > 0
        return dice(truth, said), hd95_mm(truth, said, spacing)


def worst(hidden: HiddenTest, truth: NDArray[Any], lacking: NDArray[np.bool_], *, is_ranked: bool) -> Floats:
    """Give the worst answers to the items that have none, shape (lacking items, columns)."""
    kind = hidden.task.kind
    there = truth[lacking]
    if kind == "binary":
        low, high = (BELOW, ABOVE) if is_ranked else (0.0, 1.0)
        return np.where(there.astype(bool), low, high)[:, None]
    if kind in ("multiclass", "ranking"):
        said = np.ones((len(there), len(hidden.task.truth.classes)))
        said[np.arange(len(there)), there.astype(int)] = 0.0
        return said
    if kind == "survival":
        return _worst_risks(truth, lacking)[:, None]
    values = np.asarray(truth, dtype=np.float64)
    low, high = hidden.task.truth.levels or (float(values.min()), float(values.max()))
    said = np.asarray(there, dtype=np.float64)
    return np.where(said - low > high - said, float(low), float(high))[:, None]


def _worst_risks(truth: NDArray[Any], lacking: NDArray[np.bool_]) -> Floats:
    """Give the lowest risk to whom most pairs are compared with later, the highest to the others.

    Harrell's index compares two when the earlier of them had the event; the earlier should have the higher risk.
    """
    time, event = truth[:, 0], truth[:, 1] == 1.0
    # Farther out the longer the risk would have been right, so that two without answers are in the wrong order too.
    order = np.argsort(np.argsort(time)) + 1.0
    result = []
    for item in np.flatnonzero(lacking):
        as_earlier = int((time > time[item]).sum()) if event[item] else 0
        as_later = int((event & (time < time[item])).sum())
        sign = -1.0 if as_earlier >= as_later else 1.0
        result.append(sign * 1e12 + order[item])
    return np.array(result, dtype=np.float64)
