"""FROC and CPM as LUNA16 defines them, exact in whole numbers, with a bootstrap over scans.

Runs in: anywhere
Source: Setio et al., Medical Image Analysis 42 (2017) 1-13, section 3.3, and the evaluation script of the LUNA16
challenge (noduleCADEvaluationLUNA16.py), whose rules are restated in `definitions.DEFINITIONS["froc_cpm:v1"]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.marks import Entries, Findings, Marks, match
from workbench.benchmark.metrics.resampling import percentile_interval, shared_weights
from workbench.errors import InvalidInput

# False positives per scan at which sensitivity is read, in eighths, so that they stay whole numbers.
POINTS_EIGHTHS = np.array([1, 2, 4, 8, 16, 32, 64], dtype=np.int64)
FALSE_POSITIVES_PER_SCAN = tuple(float(n) / 8.0 for n in POINTS_EIGHTHS)
BLOCK = 32  # resamples weighted at once: 32 × 60,000 marks of int32 stay near the processor's cache

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """Entries from the highest score down; `last` holds the place of the last entry of each distinct score."""

    scan: Ints
    is_nodule: NDArray[np.bool_]
    last: Ints


def rank(entries: Entries, false_marks: float = np.inf) -> Ranked:
    """Order the entries, down to the score at which this many false marks are passed."""
    order = np.argsort(-entries.score, kind="stable")
    score, is_nodule = entries.score[order], entries.is_nodule[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, dtype=np.int64)
    passed = np.cumsum(~is_nodule)[last] > false_marks
    last = last[: int(np.argmax(passed)) + 1] if passed.any() else last
    end = int(last[-1]) + 1 if len(last) else 0
    return Ranked(entries.scan[order][:end], is_nodule[:end], last)


def curves(ranked: Ranked, weights: NDArray[np.signedinteger[Any]]) -> tuple[Ints, Ints]:
    """Count false and true marks at each distinct score, for each weighting of the scans.

    Parameters
    ----------
    ranked : Ranked
        From `rank`.
    weights : ndarray, integer, shape (resamples, scans)
        How often each scan counts.

    Returns
    -------
    false, true : ndarray, int64, shape (resamples, distinct scores + 1)
        Cumulative counts, from the highest score down, each beginning with 0.
    """
    weight = weights[:, ranked.scan]
    start = np.zeros((len(weights), 1), dtype=np.int64)
    every = np.cumsum(weight, axis=1, dtype=weights.dtype)[:, ranked.last]
    true = np.cumsum(weight * ranked.is_nodule, axis=1, dtype=weights.dtype)[:, ranked.last]
    return np.hstack([start, every - true]), np.hstack([start, true])


def sensitivities(false: Ints, true: Ints, nodules: Ints, scans: Ints) -> Floats:
    """Read the sensitivity at the seven operating points, shape (resamples, 7).

    Between two points of the curve it runs straight; at a step the upper end counts; beyond the end it stays.

    Parameters
    ----------
    false, true : ndarray, int64, shape (resamples, points)
        From `curves`.
    nodules, scans : ndarray, int64, shape (resamples,)
        How many there are in each resample; at least one nodule.
    """
    target = scans[:, None] * POINTS_EIGHTHS  # in eighths of a mark
    places = [np.searchsorted(row, goal // 8, side="right") - 1 for row, goal in zip(false, target, strict=True)]
    at = np.stack(places)
    after = np.minimum(at + 1, false.shape[1] - 1)
    false_0, false_1 = (np.take_along_axis(false, index, axis=1) for index in (at, after))
    true_0, true_1 = (np.take_along_axis(true, index, axis=1) for index in (at, after))
    width = np.maximum(8 * (false_1 - false_0), 1)  # 0 only at the end of the curve, where true_1 equals true_0
    numerator = true_0 * width + (target - 8 * false_0) * (true_1 - true_0)
    result: Floats = numerator / (width * nodules[:, None])
    return result


def drawn_sensitivities(entries: Entries, weights: Ints) -> Floats:
    """Give the seven sensitivities of each resample, shape (resamples, 7); NaN where it holds no nodule.

    Parameters
    ----------
    entries : Entries
        From `match`.
    weights : ndarray, int64, shape (resamples, scans)
        How often each scan counts.
    """
    nodules, scans = weights @ entries.nodules, weights.sum(axis=1)
    result = np.full((len(weights), len(POINTS_EIGHTHS)), np.nan)
    rows = np.flatnonzero(nodules > 0)
    # Nothing is read beyond 8 false marks per scan, so the long tail of low scores is left out where it may be.
    head, everything = rank(entries, 1.25 * 8 * weights.shape[1]), rank(entries)
    for first in range(0, len(rows), BLOCK):
        block = rows[first : first + BLOCK]
        weight = weights[block].astype(np.int32)
        false, true = curves(head, weight)
        if (false[:, -1] <= 8 * scans[block]).any():
            false, true = curves(everything, weight)
        result[block] = sensitivities(false, true, nodules[block], scans[block])
    return result


def as_script(false: Ints, true: Ints, nodules: int, scans: int) -> list[float]:
    """Give the sensitivities as the challenge's script reads them, in floating point.

    It divides the false marks by their number and multiplies again, so that 111 of them in 888 scans may come out
    just above 1/8 per scan; then it reads the lower end of a step. Kept beside the exact numbers for comparison.
    """
    last = int(false[-1])
    per_scan = (false / last) * last / scans if last else np.zeros(len(false))
    found = int(true[-1])
    rate = (true / found) * found / nodules if found else np.zeros(len(true))
    values: list[float] = np.interp(FALSE_POSITIVES_PER_SCAN, per_scan, rate).tolist()
    return values


def measure_froc(marks: Marks, findings: Findings, scans: int, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``froc_cpm:v1`` and give its value in each resample too.

    Parameters
    ----------
    marks, findings : Marks, Findings
        Scan indices lie in 0 … scans - 1.
    scans : int
        Number of scans, those without marks or findings included.
    weights : ndarray, int64, shape (resamples, scans)
        How often each scan counts in each resample; no rows for no interval.

    Raises
    ------
    InvalidInput
        When no scan holds a nodule, so that sensitivity has no meaning.
    """
    entries = match(marks, findings, scans)
    nodules = int(entries.nodules.sum())
    if nodules == 0:
        raise InvalidInput("None of the scans holds a nodule, so sensitivity has no meaning; check the scan ids.")
    false, true = curves(rank(entries), np.ones((1, scans), dtype=np.int64))
    point = sensitivities(false, true, np.array([nodules]), np.array([scans]))[0]
    drawn = drawn_sensitivities(entries, weights)
    around = [percentile_interval(column) for column in drawn.T]
    hits = int(entries.is_nodule.sum())
    script = as_script(false[0], true[0], nodules, scans)
    details = {
        "false_positives_per_scan": list(FALSE_POSITIVES_PER_SCAN),
        "sensitivity": point.tolist(),
        "sensitivity_interval": None if None in around else [list(pair) for pair in around if pair],
        "sensitivity_as_script": script,
        "cpm_as_script": sum(script) / len(script),
        "scans": scans,
        "nodules": nodules,
        "nodules_found": hits,
        "false_positives": len(entries.score) - hits,
        "marks": len(marks.score),
        "marks_on_excluded": entries.excluded,
        "marks_repeated": entries.repeated,
        "marks_over_limit": entries.over_limit,
    }
    curve = {"false_positives_per_scan": (false[0] / scans).tolist(), "sensitivity": (true[0] / nodules).tolist()}
    draws: Floats = drawn.mean(axis=1)
    measured = Measured("froc_cpm:v1", float(point.mean()), percentile_interval(draws), details, curve)
    return measured, draws


def operating_points(score: Floats, is_false: NDArray[np.bool_], scans: int) -> list[dict[str, float]]:
    """Give the thresholds at which a detector has at most so many false marks per scan, for those who read its marks.

    Parameters
    ----------
    score : ndarray, float64, shape (marks,)
        Higher is surer; a mark is shown when its score is at least the threshold.
    is_false : ndarray, bool, shape (marks,)
        Which marks are false; the others (hits, further hits, on excluded findings) never count against a threshold.
    scans : int
        Number of scans, those without marks included.

    Returns
    -------
    list of dict
        `fp_per_scan` and `threshold`, the lowest score of a mark that keeps to it, for each of the seven rates of
        FROC; a rate at which not even the surest marks may be shown is left out.

    Raises
    ------
    InvalidInput
        When there is no scan.

    Examples
    --------
    >>> operating_points(np.array([0.9, 0.8, 0.3]), np.array([False, True, True]), 1)[:2]
    [{'fp_per_scan': 0.125, 'threshold': 0.9}, {'fp_per_scan': 0.25, 'threshold': 0.9}]
    """
    if scans < 1:
        raise InvalidInput(f"{scans} scans have no false marks per scan; there must be at least one scan.")
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    # Marks of equal score are shown together, so only the last of each counts.
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, dtype=np.int64)
    false = np.cumsum(is_false[order], dtype=np.int64)[last]
    kept = np.searchsorted(8 * false, scans * POINTS_EIGHTHS, side="right")
    return [
        {"fp_per_scan": rate, "threshold": float(ranked[last[count - 1]])}
        for rate, count in zip(FALSE_POSITIVES_PER_SCAN, kept.tolist(), strict=True)
        if count > 0
    ]


def froc_cpm(marks: Marks, findings: Findings, scans: int, *, bootstrap: int = 0, seed: int = 0) -> Measured:
    """Measure ``froc_cpm:v1`` with scans as the units that are resampled.

    Parameters
    ----------
    marks, findings, scans
        As for `measure_froc`.
    bootstrap : int
        Resamples for the interval; 0 for no interval.
    seed : int
        Seed of the resamples.

    Raises
    ------
    InvalidInput
        When no scan holds a nodule, or a number is out of range.
    """
    measured, _ = measure_froc(marks, findings, scans, shared_weights(scans, bootstrap, seed))
    measured.details.update({"bootstrap": bootstrap, "seed": seed})
    return measured
