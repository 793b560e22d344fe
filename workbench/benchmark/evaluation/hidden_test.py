"""The hidden scans as the evaluator holds them: patches to infer on, the truth to measure with, aggregates to give.

Runs in: evaluator
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.examples import malignant_of, prepare_scan, scan_names, scan_work, truth_of
from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.scoring import measure_binary, measure_detection
from workbench.benchmark.tasks.definition import SplitName, TaskDefinition
from workbench.data.catalogue import dataset
from workbench.data.dataset import Dataset

Floats = NDArray[np.float64]
# Only these numbers leave; no mark, no scan, no curve.
AGGREGATES = (
    "value", "interval", "sensitivity", "sensitivity_interval", "false_positives_per_scan", "scans", "nodules", "items",
    "positives", "negatives",
)  # fmt: skip


@dataclass(frozen=True)
class HiddenTest:
    """The hidden patches, and what is needed to measure an answer to them."""

    task: TaskDefinition
    source: Dataset
    names: list[str]
    patches: NDArray[np.float32]
    scans: list[str]
    centres_mm: Floats
    scores: Floats
    labels: NDArray[np.bool_] | None

    def measure(self, probability: Floats) -> dict[str, Any]:
        """Give the aggregate scores of one probability per patch."""
        if self.labels is not None:
            return _aggregates(measure_binary(self.labels, probability))
        truth = truth_of(self.source, self.names)
        return _aggregates(measure_detection(self.task, self.scans, self.centres_mm, probability, truth))

    def baselines(self) -> dict[str, dict[str, Any]]:
        """Give the scores of what needs no training: the detector's own score, or size alone."""
        name = "blob filter alone" if self.labels is None else "diameter alone"
        return {name: self.measure(self.scores)}


def prepare(task: TaskDefinition, split: SplitName) -> HiddenTest:
    """Read a hidden split through the gateway and cut its patches."""
    place = task.splits[split]
    source = dataset(place.dataset)
    names = scan_names(source, place.split)
    parts = [prepare_scan(work) for work in scan_work(task, source, names)]
    labels, scores = None, np.concatenate([part.scores for part in parts])
    if task.kind != "detection3d":
        labels, scores = malignant_of(source, [part.scan for part in parts])
    return HiddenTest(
        task, source, names, np.concatenate([part.patches for part in parts]),
        [part.scan for part in parts for _ in range(len(part.patches))],
        np.concatenate([part.centres_mm for part in parts]), scores, labels,
    )  # fmt: skip


def _aggregates(measured: Measured) -> dict[str, Any]:
    values = measured.as_dict()
    return {"metric": measured.metric, **{name: values[name] for name in AGGREGATES if name in values}}
