"""The answers without learning that stay on a board: what each rule says about the items of a split.

Runs in: evaluator
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

import numpy as np

from workbench.benchmark.evaluation.hidden_test import HiddenTest, numbers
from workbench.benchmark.evaluation.measuring import Measure, measure
from workbench.benchmark.evaluation.parts import hidden_parts
from workbench.benchmark.evaluation.predictions import CLASS, MARK, Predictions
from workbench.benchmark.tasks.fields import Baseline
from workbench.errors import InvalidInput, SubmissionRefused
from workbench.imaging.nifti import write_nifti


def measure_baselines(
    hidden: HiddenTest, known: Collection[str], *, ends: float, log: Callable[[str], object]
) -> dict[str, Measure]:
    """Measure the baselines that the board does not have yet.

    Parameters
    ----------
    hidden : HiddenTest
    known : collection of str
        Names that are there already: each is measured once for a version of the task and a split.
    ends : float
        `time.monotonic()` after which none is begun; the next evaluation goes on.
    log : callable
        Takes a text for the operator.
    """
    found: dict[str, Measure] = {}
    for baseline in hidden.task.baselines:
        if baseline.name in known:
            continue
        if time.monotonic() > ends:
            log(f"no time is left for the baseline “{baseline.name}” of {hidden.task.id}")
            break
        try:
            found[baseline.name] = measure(hidden, answer_of(hidden, baseline))
        except (InvalidInput, SubmissionRefused) as problem:
            # Such as a column without a value for every item: no fault of the submission that is measured with it.
            log(f"the baseline “{baseline.name}” of {hidden.task.id} cannot be measured: {problem.message}")
    return found


def answer_of(hidden: HiddenTest, baseline: Baseline) -> Predictions:
    """Give what a rule says about every item of a split."""
    if baseline.rule == "blob-filter":
        return _blobs(hidden)
    if baseline.rule == "air-threshold":
        return _air(hidden)
    if baseline.rule == "column":
        return _column(hidden, str(baseline.column))
    return _constant(hidden)


def _blobs(hidden: HiddenTest) -> Predictions:
    """Give the detector's candidates with its own score."""
    from workbench.imaging import find_candidates  # noqa: PLC0415 - scipy, heavy, loaded on first use

    rows = {}
    for part in hidden_parts(hidden, hidden.items, as_patches=False):
        for scan in part.scans:
            found = find_candidates(scan.hu, scan.grid.spacing_mm, max_candidates=hidden.task.candidates_per_scan)
            centres = scan.grid.to_patient_mm(found[:, :3])
            marks = {(*centre.tolist(), float(score)) for centre, score in zip(centres, found[:, 3], strict=True)}
            rows[scan.name] = tuple(sorted(marks))
    return Predictions(hidden.task.kind, hidden.items, MARK, rows)


def _air(hidden: HiddenTest) -> Predictions:
    """Give the air that the body encloses, as notebooks measure it too."""
    from workbench.imaging import air_inside  # noqa: PLC0415 - scipy, heavy, loaded on first use

    masks = {}
    for part in hidden_parts(hidden, hidden.items, as_patches=False):
        for scan in part.scans:
            mask = air_inside(scan.hu, scan.grid.spacing_mm).astype(np.uint8)
            masks[scan.name] = write_nifti(mask, scan.grid, packed=False)
    return Predictions(hidden.task.kind, hidden.items, ("mask",), {}, masks)


def _column(hidden: HiddenTest, column: str) -> Predictions:
    """Give a column of the truth's table as the answer; scaled to 0…1 where a probability is asked for."""
    values = numbers(hidden.column(column))
    if hidden.task.kind == "binary":
        low, high = np.nanmin(values), np.nanmax(values)
        values = (values - low) / (high - low) if high > low else np.full_like(values, 0.5)
    if hidden.task.truth.levels is not None:
        values = np.clip(np.rint(values), *hidden.task.truth.levels)
    rows = {item: ((float(value),),) for item, value in zip(hidden.items, values, strict=True) if np.isfinite(value)}
    return Predictions(hidden.task.kind, hidden.items, ("prediction",), rows)


def _constant(hidden: HiddenTest) -> Predictions:
    """Give the one answer that is best without looking: one half, the mean, the middle level, the share of a class."""
    truth = hidden.task.truth
    columns: tuple[str, ...] = ("prediction",)
    row: tuple[float, ...] = (0.5,)
    if truth.classes:
        values = [str(value) for value in hidden.column(str(truth.column))]
        columns = tuple(f"{CLASS}{name}" for name in truth.classes)
        row = tuple(values.count(name) / len(values) for name in truth.classes)
    elif truth.levels is not None:
        row = (float(round(sum(truth.levels) / 2)),)
    elif hidden.task.kind == "regression":
        row = (float(numbers(hidden.column(str(truth.column))).mean()),)
    return Predictions(hidden.task.kind, hidden.items, columns, dict.fromkeys(hidden.items, (row,)))
