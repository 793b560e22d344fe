"""Measures any metric on files: which files and choices each takes, and the reader behind it.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.benchmark.metrics.auc import delong_pair
from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.metrics.evaluate import OF_TWO_KINDS, OF_VALUES, Evaluation
from workbench.benchmark.metrics.froc_files import evaluate_froc_files
from workbench.benchmark.metrics.item_files import Choices, evaluate_item_files, read_items
from workbench.benchmark.metrics.mask_files import evaluate_mask_files
from workbench.benchmark.metrics.resampling import Paired, paired
from workbench.errors import InvalidInput

FROC = "froc_cpm:v1"


@dataclass(frozen=True)
class Files:
    """What was given: the files of `workbench score` and what may be chosen; None for what was not.

    Parameters
    ----------
    predictions, truth, annotations, excluded, scans : Path
        The metric's files.
    label : str
        The positive label; for masks the number of the structure.
    k : int
        For top-k.
    unit : str
        The truth's column that names the unit (patient, scan) of an item.
    """

    predictions: Path
    truth: Path | None = None
    annotations: Path | None = None
    excluded: Path | None = None
    scans: Path | None = None
    label: str | None = None
    k: int | None = None
    unit: str | None = None


def takes(metric: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the names of the files that a metric needs, and of those that it may have besides."""
    if metric == FROC:
        return ("annotations", "scans"), ("excluded",)
    if metric in OF_VALUES:
        return ("truth",), ("label",)
    own = ("k",) if metric == "topk:v1" else ("label",) if metric in OF_TWO_KINDS else ()
    return ("truth",), ("unit", *own)


def evaluate_files(metric: str, files: Files, *, bootstrap: int = 1000, seed: int = 0) -> Evaluation:
    """Measure a metric on files.

    Parameters
    ----------
    metric : str
        Id of a definition.
    files : Files
        What the metric takes, and nothing else.
    bootstrap, seed : int
        Resamples for the interval, 0 for none, and their seed.

    Raises
    ------
    InvalidInput
        With file and line where there is one.
    """
    _check(metric, files)
    if metric == FROC:
        annotations, scans = _given(files.annotations), _given(files.scans)
        return evaluate_froc_files(
            annotations, files.excluded, scans, files.predictions, bootstrap=bootstrap, seed=seed
        )
    truth = _given(files.truth)
    if metric in OF_VALUES:
        return evaluate_mask_files(
            metric, truth, files.predictions, _structure(files.label), bootstrap=bootstrap, seed=seed
        )
    choices = Choices(files.label, 1 if files.k is None else files.k, files.unit)
    return evaluate_item_files(metric, truth, files.predictions, choices, bootstrap=bootstrap, seed=seed)


def compare(first: Evaluation, second: Evaluation, files: Files, other: Files) -> tuple[Paired, str]:
    """Compare two predictions for the same truth: the paired difference, and the name of the test.

    AUC is compared by DeLong's test, unless items share a unit; everything else by the paired draws.
    """
    metric = first.measured.metric
    if metric == "auc_delong:v1" and files.unit is None:
        choices = Choices(files.label)
        one = read_items(metric, _given(files.truth), files.predictions, choices)[0]
        two = read_items(metric, _given(files.truth), other.predictions, choices)[0]
        truth = np.asarray(one.truth) == 1.0
        return delong_pair(truth, one.prediction.astype(np.float64), two.prediction.astype(np.float64)), "DeLong"
    difference = first.measured.value - second.measured.value
    return paired(first.draws, second.draws, difference=difference), "paired bootstrap"


def _check(metric: str, files: Files) -> None:
    definition(metric)
    needed, also = takes(metric)
    for name in needed:
        if getattr(files, name) is None:
            raise InvalidInput(f"{metric} needs --{name}; see `workbench metrics {metric}`.")
    for name in ("truth", "annotations", "excluded", "scans", "label", "k", "unit"):
        if getattr(files, name) is not None and name not in needed + also:
            raise InvalidInput(f"{metric} has no use for --{name}; see `workbench metrics {metric}`.")


def _structure(label: str | None) -> int | None:
    if label is None:
        return None
    if not label.isdecimal() or not 0 < int(label) < 2**31:
        raise InvalidInput(f"The label of a structure is a whole number from 1; got “{label}”.")
    return int(label)


def _given(path: Path | None) -> Path:
    """Give a path that `_check` found to be there."""
    if path is None:
        raise InvalidInput("A file that the metric needs was not given.")
    return path
