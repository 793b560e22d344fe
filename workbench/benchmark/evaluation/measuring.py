"""Measures predictions on a split of a hidden test: the aggregates that leave the evaluator, and their draws.

The same predictions, truth and task version give the same bytes: no clock, no thread and no order of arrival enters.

Runs in: evaluator
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.evaluation.answers import Answers
from workbench.benchmark.evaluation.hidden_test import HiddenTest, groups_of
from workbench.benchmark.evaluation.predictions import Predictions
from workbench.benchmark.metrics.evaluate import Answer, Evaluation, MarksAnswer, evaluate, restrict, restrict_findings
from workbench.errors import InvalidInput

# Only these details of a metric leave; no mark, no scan, no curve.
AGGREGATES = (
    "sensitivity", "sensitivity_interval", "false_positives_per_scan", "sensitivity_as_script", "cpm_as_script",
    "scans", "nodules", "positives", "negatives", "standard_error", "bootstrap_interval", "k", "classes", "events",
    "pairs",
)  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """The aggregate scores, JSON values, and the draws behind the interval, float64, shape (resamples,)."""

    scores: dict[str, Any]
    draws: NDArray[np.float64]

    def as_dict(self) -> dict[str, Any]:
        """Give both as JSON values; the draws as base64 of little-endian float64."""
        content = self.draws.astype("<f8").tobytes()
        return {"scores": self.scores, "draws": base64.b64encode(content).decode("ascii")}


def measure(hidden: HiddenTest, predictions: Predictions) -> Measure:
    """Measure predictions, of which those of the split's items count.

    Raises
    ------
    SubmissionRefused
        When items are missing that the task wants, or a mask does not lie on its scan.
    InvalidInput
        When the truth cannot carry the task's metric; it is for the operator.
    """
    said = predictions.restrict(hidden.items)
    if hidden.task.missing == "reject":
        said.require_complete()
    answers = Answers(hidden, said)
    first, *others = hidden.task.metrics
    answer = answers.answer(first)
    whole = _evaluated(hidden, first, answer)
    measured = whole.measured
    return Measure(
        {
            "metric": first, "value": measured.value, "interval": _finite(measured.interval),
            "units": hidden.units, "items": len(hidden.items), "answered": len(said.answered),
            "coverage": said.coverage,
            **{name: _finite(measured.details[name]) for name in AGGREGATES if name in measured.details},
            "secondary": {metric: _secondary(hidden, metric, answers) for metric in others},
            "subgroups": _subgroups(hidden, first, answer),
        },
        whole.draws,
    )  # fmt: skip


def _evaluated(hidden: HiddenTest, metric: str, answer: Answer) -> Evaluation:
    interval = hidden.task.interval
    return evaluate(metric, answer, units=hidden.units, resamples=interval.resamples, seed=interval.seed)


def _secondary(hidden: HiddenTest, metric: str, answers: Answers) -> dict[str, Any]:
    try:
        measured = _evaluated(hidden, metric, answers.answer(metric)).measured
    except InvalidInput:
        return {"value": None, "interval": None}
    return {"value": _finite(measured.value), "interval": _finite(measured.interval)}


def _subgroups(hidden: HiddenTest, metric: str, answer: Answer) -> list[dict[str, Any]]:
    """Measure every subgroup on the resamples of the whole; one that cannot carry the metric has no value."""
    found = []
    for name, group, which, are_nodules in groups_of(hidden):
        if are_nodules and isinstance(answer, MarksAnswer):
            part: Answer = restrict_findings(answer, which)
            units = len(np.unique(hidden.unit[answer.findings.scan[which]]))
        else:
            part, units = restrict(answer, which), len(np.unique(hidden.unit[which]))
        value = interval = None
        try:
            measured = _evaluated(hidden, metric, part).measured
            value, interval = _finite(measured.value), _finite(measured.interval)
        except InvalidInput:
            pass  # such as a group without positives
        found.append({"name": name, "group": group, "units": units, "value": value, "interval": interval})
    return found


def _finite(value: Any) -> Any:
    """Give JSON values without NaN and infinity, which JSON does not have."""
    if isinstance(value, list | tuple):
        parts = [_finite(one) for one in value]
        return None if any(one is None for one in parts) else parts
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
