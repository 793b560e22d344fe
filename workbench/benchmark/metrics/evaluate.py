"""One answer measured by one metric: the value with its interval, and its draws on the shared resamples.

The draws of two answers to the same truth, of a subgroup and the whole, and of two models belong together row by row,
so intervals, ranks and paired tests come from one pass (`resampling.paired`).

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.agreement import measure_qwk
from workbench.benchmark.metrics.auc import measure_auc
from workbench.benchmark.metrics.calibration import measure_brier, measure_calibration, measure_ece
from workbench.benchmark.metrics.definitions import Measured, definition
from workbench.benchmark.metrics.froc import measure_froc
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.benchmark.metrics.means import measure_mean, measure_rmse, measure_topk
from workbench.benchmark.metrics.resampling import shared_weights
from workbench.benchmark.metrics.survival import measure_cindex
from workbench.errors import InvalidInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Outcome = tuple[Measured, Floats]


@dataclass(frozen=True)
class MarksAnswer:
    """Marks in scans, for FROC.

    Parameters
    ----------
    marks, findings : Marks, Findings
        Their scans are numbered 0 … scans - 1.
    scans : int
        Number of scans, those without marks or findings included.
    unit : ndarray, int64, shape (scans,), optional
        The unit of each scan (the patient); the scan itself when left out.
    """

    marks: Marks
    findings: Findings
    scans: int
    unit: Ints | None = None


@dataclass(frozen=True)
class ItemAnswer:
    """One prediction for each item.

    Parameters
    ----------
    unit : ndarray, int64, shape (items,)
        The unit of each item, 0 … units - 1.
    truth : ndarray, shape (items,), or (items, 2) for survival
        Positive or not; grade; column of the true class; value; or time and event.
    prediction : ndarray, shape (items,), or (items, classes) for top-k
        Probability; grade; scores of the classes; value; or risk.
    k : int
        For top-k.
    """

    unit: Ints
    truth: NDArray[np.generic]
    prediction: NDArray[np.generic]
    k: int = 1


@dataclass(frozen=True)
class ValueAnswer:
    """One measured value for each item, such as the Dice of a scan.

    Parameters
    ----------
    unit : ndarray, int64, shape (items,)
        The unit of each item, 0 … units - 1.
    values : ndarray, float64, shape (items,)
    """

    unit: Ints
    values: Floats


Answer = MarksAnswer | ItemAnswer | ValueAnswer


@dataclass(frozen=True)
class Evaluation:
    """What an answer is worth: `measured`, and `draws`, float64, shape (resamples,).

    A draw is NaN where the resample carries no number: it holds no nodule, one kind only, no pair.
    """

    measured: Measured
    draws: Floats


def evaluate(metric: str, answer: Answer, *, units: int, resamples: int, seed: int) -> Evaluation:
    """Measure an answer by a metric on shared resamples.

    Parameters
    ----------
    metric : str
        Id of a definition, such as ``auc_delong:v1``.
    answer : MarksAnswer, ItemAnswer or ValueAnswer
        The kind that the metric needs.
    units : int
        Number of units of the whole split, also when the answer is a part of it (`restrict`): equal units, resamples
        and seed give equal resamples.
    resamples : int
        0 for no interval and no draws.
    seed : int
        0 … 2³² - 1.

    Raises
    ------
    InvalidInput
        When the metric is unknown, the answer is of another kind or does not fit together, or the truth cannot carry
        the number (no nodule, one kind only).

    Examples
    --------
    >>> truth, said = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0])
    >>> found = evaluate("rmse:v1", ItemAnswer(np.arange(3), truth, said), units=3, resamples=100, seed=0)
    >>> round(found.measured.value, 3), found.draws.shape
    (1.155, (100,))
    """
    definition(metric)
    weights = shared_weights(units, resamples, seed)
    if isinstance(answer, MarksAnswer):
        unit = np.arange(answer.scans) if answer.unit is None else answer.unit
        items = answer.scans
    else:
        unit, items = answer.unit, len(answer.values if isinstance(answer, ValueAnswer) else answer.truth)
    if len(unit) != items or items == 0 or int(unit.min()) < 0 or int(unit.max()) >= units:
        raise InvalidInput(f"{metric} needs a unit from 0 to {units - 1} for each of its {items} items (one at least).")
    measured, draws = _measure(metric, answer, unit, weights)
    in_use = len(np.unique(unit))
    measured.details.update({"units": in_use, "bootstrap": resamples, "seed": seed})
    if in_use < 2 and measured.interval is not None:
        measured = replace(measured, interval=None)
    return Evaluation(measured, draws)


def _measure(metric: str, answer: Answer, unit: Ints, weights: Ints) -> Outcome:
    if isinstance(answer, MarksAnswer) and metric == "froc_cpm:v1":
        return measure_froc(answer.marks, answer.findings, answer.scans, weights[:, unit])
    if isinstance(answer, ValueAnswer) and metric in OF_VALUES:
        if not np.isfinite(answer.values).all():
            raise InvalidInput(f"{metric} needs a finite value for each item; there are others.")
        return measure_mean(metric, answer.values, unit, weights)
    if isinstance(answer, ItemAnswer) and metric in OF_ITEMS:
        _check(metric, answer)
        return OF_ITEMS[metric](answer, unit, weights)
    raise InvalidInput(f"{metric} cannot measure {type(answer).__name__}; see `workbench metrics {metric}`.")


def _check(metric: str, answer: ItemAnswer) -> None:
    """Refuse shapes that do not fit, numbers that are none, and kinds that are not 0 or 1."""
    truth, said = np.asarray(answer.truth, dtype=np.float64), np.asarray(answer.prediction, dtype=np.float64)
    wanted = ((len(truth), 2) if metric == "cindex:v1" else (len(truth),), 2 if metric == "topk:v1" else 1)
    if (truth.shape, said.ndim) != wanted or len(said) != len(truth):
        raise InvalidInput(f"{metric} cannot measure truth of shape {truth.shape} with predictions {said.shape}.")
    if not np.isfinite(truth).all() or not np.isfinite(said).all():
        raise InvalidInput(f"{metric} needs finite numbers; there are others (NaN or infinite).")
    if metric in OF_TWO_KINDS and not np.isin(truth, (0.0, 1.0)).all():
        raise InvalidInput(f"{metric} needs a truth of 0 or 1 for each item; there are other values.")
    if metric in OF_PROBABILITIES and ((said < 0) | (said > 1)).any():
        raise InvalidInput(f"{metric} needs probabilities from 0 to 1; there are other values.")
    if metric == "topk:v1" and ((truth < 0) | (truth >= said.shape[1])).any():
        raise InvalidInput(f"{metric} needs true classes from 0 to {said.shape[1] - 1}; there are others.")


def _floats(values: NDArray[np.generic]) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _grades(values: NDArray[np.generic]) -> Ints:
    whole = np.rint(_floats(values))
    if not np.array_equal(whole, _floats(values)):
        raise InvalidInput("Grades must be whole numbers; there are others.")
    return whole.astype(np.int64)


def _kinds(answer: ItemAnswer) -> tuple[NDArray[np.bool_], Floats]:
    return _floats(answer.truth) == 1.0, _floats(answer.prediction)


OF_VALUES = ("dice:v1", "hd95:v1")
OF_PROBABILITIES = ("brier:v1", "ece:v1", "calibration:v1")
OF_TWO_KINDS = ("auc_delong:v1", *OF_PROBABILITIES)
OF_ITEMS: dict[str, Callable[[ItemAnswer, Ints, Ints], Outcome]] = {
    "auc_delong:v1": lambda a, unit, weights: measure_auc(*_kinds(a), unit, weights),
    "brier:v1": lambda a, unit, weights: measure_brier(*_kinds(a), unit, weights),
    "ece:v1": lambda a, unit, weights: measure_ece(*_kinds(a), unit, weights),
    "calibration:v1": lambda a, unit, weights: measure_calibration(*_kinds(a), unit, weights),
    "qwk:v1": lambda a, unit, weights: measure_qwk(_grades(a.truth), _grades(a.prediction), unit, weights),
    "topk:v1": lambda a, unit, weights: measure_topk(_grades(a.truth), _floats(a.prediction), a.k, unit, weights),
    "rmse:v1": lambda a, unit, weights: measure_rmse(_floats(a.truth), _floats(a.prediction), unit, weights),
    "cindex:v1": lambda a, unit, weights: measure_cindex(
        _floats(a.truth)[:, 0], _floats(a.truth)[:, 1] == 1.0, _floats(a.prediction), unit, weights
    ),
}


def restrict(answer: Answer, keep: NDArray[np.bool_]) -> Answer:
    """Give the part of an answer that belongs to a subgroup; evaluate it with the units of the whole.

    Parameters
    ----------
    answer : MarksAnswer, ItemAnswer or ValueAnswer
    keep : ndarray, bool, shape (items,); (scans,) for marks
    """
    if isinstance(answer, ItemAnswer):
        return replace(answer, unit=answer.unit[keep], truth=answer.truth[keep], prediction=answer.prediction[keep])
    if isinstance(answer, ValueAnswer):
        return ValueAnswer(answer.unit[keep], answer.values[keep])
    number = np.cumsum(keep) - 1
    marks, findings = keep[answer.marks.scan], keep[answer.findings.scan]
    unit = np.arange(answer.scans) if answer.unit is None else answer.unit
    return MarksAnswer(
        Marks(number[answer.marks.scan[marks]], answer.marks.centre_mm[marks], answer.marks.score[marks]),
        Findings(
            number[answer.findings.scan[findings]], answer.findings.centre_mm[findings],
            answer.findings.diameter_mm[findings], answer.findings.is_nodule[findings],
        ),
        int(keep.sum()), unit[keep],
    )  # fmt: skip


def restrict_findings(answer: MarksAnswer, keep: NDArray[np.bool_]) -> MarksAnswer:
    """Give an answer in which only some nodules count (those of one size, say); marks on the others count neither way.

    Parameters
    ----------
    answer : MarksAnswer
    keep : ndarray, bool, shape (findings,)
    """
    return replace(answer, findings=replace(answer.findings, is_nodule=answer.findings.is_nodule & keep))
