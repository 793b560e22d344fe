"""From a model's probabilities to the task's number: one function for notebooks and for the hidden test.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.auc import auc_delong
from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.froc import froc_cpm
from workbench.benchmark.metrics.marks import Findings, Marks, match
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.errors import InvalidInput

Floats = NDArray[np.float64]
HIT, REPEATED, FALSE = "hit", "further hit", "false"


@dataclass(frozen=True)
class Truth:
    """The nodules of some scans.

    Parameters
    ----------
    scans : sequence of str
        Every scan of the split, those without nodules included.
    scan : sequence of str
        The scan of each nodule.
    centre_mm : ndarray, float64, shape (nodules, 3)
        Patient position (x, y, z), LPS, mm.
    diameter_mm : ndarray, float64, shape (nodules,)
    """

    scans: Sequence[str]
    scan: Sequence[str]
    centre_mm: Floats
    diameter_mm: Floats

    def findings(self) -> Findings:
        """Give the nodules with their scans as numbers."""
        return Findings(self.index(self.scan), self.centre_mm, self.diameter_mm, np.ones(len(self.scan), dtype=bool))

    def index(self, scan: Sequence[str]) -> NDArray[np.int64]:
        """Give the number of each scan in `scans`."""
        number = {name: place for place, name in enumerate(self.scans)}
        return np.array([number[name] for name in scan], dtype=np.int64)


def hits(scan: Sequence[str], centre_mm: Floats, truth: Truth) -> NDArray[np.bool_]:
    """Tell which positions lie in a nodule, by the rule of ``froc_cpm:v1``, without its limits."""
    result = np.zeros(len(scan), dtype=bool)
    for place, (name, centre) in enumerate(zip(scan, centre_mm, strict=True)):
        here = [number for number, other in enumerate(truth.scan) if other == name]
        apart = ((truth.centre_mm[here] - centre) ** 2).sum(axis=1)
        result[place] = bool((apart < (truth.diameter_mm[here] / 2.0) ** 2).any())
    return result


def checked_probabilities(probabilities: object, count: int) -> Floats:
    """Give a model's answer as float64, shape (count,).

    Raises
    ------
    InvalidInput
        When it has another shape, or holds something that is not a number from 0 to 1.
    """
    try:
        values = np.asarray(probabilities, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput("The model's answer is not an array of numbers.") from None
    if values.shape != (count,):
        raise InvalidInput(f"The model gave shape {values.shape} for {count} patches; one probability each is needed.")
    if not np.isfinite(values).all() or (values < 0).any() or (values > 1).any():
        raise InvalidInput("The model gave values that are not probabilities from 0 to 1 (or NaN).")
    return values


def measure_detection(
    task: TaskDefinition, scan: Sequence[str], centre_mm: Floats, probability: Floats, truth: Truth,
    *, bootstrap: int | None = None, seed: int | None = None,
) -> Measured:  # fmt: skip
    """Measure marks (one per candidate) against the nodules."""
    marks = Marks(truth.index(scan), centre_mm, probability)
    return froc_cpm(
        marks, truth.findings(), len(truth.scans),
        bootstrap=task.resamples if bootstrap is None else bootstrap,
        seed=task.resamples_seed if seed is None else seed,
    )  # fmt: skip


def measure_binary(label: NDArray[np.bool_], probability: Floats) -> Measured:
    """Measure probabilities against yes or no."""
    return auc_delong(label, probability)


def sort_marks(scan: Sequence[str], centre_mm: Floats, probability: Floats, truth: Truth) -> list[str]:
    """Say of each mark what it is, for a picture: ``hit``, ``further hit`` or ``false``."""
    entries = match(Marks(truth.index(scan), centre_mm, probability), truth.findings(), len(truth.scans))
    kinds = [REPEATED] * len(scan)
    for mark, is_nodule in zip(entries.mark, entries.is_nodule, strict=True):
        kinds[int(mark)] = HIT if is_nodule else FALSE
    return kinds
