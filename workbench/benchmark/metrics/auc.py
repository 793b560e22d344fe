"""Area under the ROC curve with DeLong's variance, and the paired test of two scores on the same items.

Runs in: anywhere
Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837-845; computed through midranks as in Sun and Xu,
IEEE Signal Processing Letters 21 (2014) 1389-1393; for several items in a unit Obuchowski, Biometrics 53 (1997)
567-578.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.resampling import CONFIDENCE, Paired, in_blocks, p_value, percentile_interval
from workbench.errors import InvalidInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def placements(truth: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Give for each positive the share of negatives below it, and for each negative that of positives above it.

    Parameters
    ----------
    truth : ndarray, bool, shape (items,)
        Which items are positive; at least one of each kind.
    scores : ndarray, float64, shape (scores, items)
        Higher means more likely positive.

    Returns
    -------
    of_positive : ndarray, shape (scores, positives)
    of_negative : ndarray, shape (scores, negatives)
    """
    positive, negative = scores[:, truth], scores[:, ~truth]
    m, n = positive.shape[1], negative.shape[1]
    pooled = np.stack([_midranks(row) for row in np.hstack([positive, negative])])
    of_positive = (pooled[:, :m] - np.stack([_midranks(row) for row in positive])) / n
    of_negative = 1.0 - (pooled[:, m:] - np.stack([_midranks(row) for row in negative])) / m
    return of_positive, of_negative


def delong(truth: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Give the areas and their covariance for several scores of the same items.

    Parameters
    ----------
    truth, scores
        As for `placements`.

    Returns
    -------
    areas : ndarray, shape (scores,)
    covariance : ndarray, shape (scores, scores)
        NaN where a kind has a single item, from which no variance can be had.
    """
    of_positive, of_negative = placements(truth, scores)
    m, n = of_positive.shape[1], of_negative.shape[1]
    if min(m, n) < 2:
        return of_positive.mean(axis=1), np.full((len(scores), len(scores)), np.nan)
    return of_positive.mean(axis=1), _covariance(of_positive) / m + _covariance(of_negative) / n


def _covariance(rows: Floats) -> Floats:
    """Give the covariance of rows, added up in NumPy: a linear algebra library's threads may move the last bits."""
    apart = rows - rows.mean(axis=1, keepdims=True)
    result: Floats = (apart[:, None, :] * apart[None, :, :]).sum(axis=2) / (rows.shape[1] - 1)
    return result


def clustered_variance(truth: NDArray[np.bool_], score: Floats, unit: Ints) -> float:
    """Give the variance of the area when items of one unit belong together, by Obuchowski (1997).

    It is DeLong's when each unit holds one item. NaN when fewer than two units hold a positive, or a negative.
    """
    of_positive, of_negative = (part[0] for part in placements(truth, score[None, :]))
    m, n, area = len(of_positive), len(of_negative), float(of_positive.mean())
    units = int(unit.max()) + 1
    positive, negative = unit[truth], unit[~truth]
    ten = np.bincount(positive, of_positive - area, units)
    one = np.bincount(negative, of_negative - area, units)
    with_positive, with_negative = len(np.unique(positive)), len(np.unique(negative))
    if min(with_positive, with_negative) < 2:
        return math.nan
    both = len(np.unique(unit))
    s_ten = with_positive / ((with_positive - 1) * m) * float((ten * ten).sum())
    s_one = with_negative / ((with_negative - 1) * n) * float((one * one).sum())
    s_both = both / (both - 1) * float((ten * one).sum())
    return s_ten / m + s_one / n + 2.0 * s_both / (m * n)


def _midranks(values: Floats) -> Floats:
    """Give each value's rank from 1, equal values sharing the middle of theirs (scipy.stats takes a second to load)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return ranks


def drawn_areas(truth: NDArray[np.bool_], score: Floats, unit: Ints, weights: Ints) -> Floats:
    """Give the area in each resample, NaN where it holds one kind only; shape (resamples,)."""
    values, place = np.unique(score, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(values)))
    result = np.full(len(weights), np.nan)
    for block, weight in in_blocks(weights, unit[order]):
        positive = np.add.reduceat(weight * truth[order], starts, axis=1)
        negative = np.add.reduceat(weight * ~truth[order], starts, axis=1)
        below = np.cumsum(negative, axis=1) - negative / 2.0
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        with np.errstate(invalid="ignore"):
            result[block] = (positive * below).sum(axis=1) / pairs
    return result


def measure_auc(truth: NDArray[np.bool_], score: Floats, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``auc_delong:v1`` and give its value in each resample too.

    Parameters
    ----------
    truth : ndarray, bool, shape (items,)
    score : ndarray, float64, shape (items,)
    unit : ndarray, int64, shape (items,)
        The patient or scan of each item.
    weights : ndarray, int64, shape (resamples, units)
        How often each unit counts; no rows for no draws.

    Raises
    ------
    InvalidInput
        When the items are all positive or all negative.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        raise InvalidInput(f"AUC needs positive and negative items; there are {positives} and {negatives}.")
    areas, covariance = delong(truth, score[None, :])
    single = len(np.unique(unit)) == len(unit)
    variance = float(covariance[0, 0]) if single else clustered_variance(truth, score, unit)
    area, interval, error = float(areas[0]), None, None
    if math.isfinite(variance):
        error = math.sqrt(max(0.0, variance))
        reach = NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0) * error
        interval = (max(0.0, area - reach), min(1.0, area + reach))
    draws = drawn_areas(truth, score, unit, weights)
    around = percentile_interval(draws)
    details = {
        "standard_error": error, "items": len(truth), "positives": positives, "negatives": negatives,
        "bootstrap_interval": list(around) if around else None,
    }  # fmt: skip
    thresholds = np.unique(score)[::-1]
    false, true = (np.searchsorted(np.sort(-score[kind]), -thresholds, side="right") for kind in (~truth, truth))
    curve = {
        "false_positive_rate": [0.0, *(false / negatives).tolist()],
        "true_positive_rate": [0.0, *(true / positives).tolist()],
    }
    return Measured("auc_delong:v1", area, interval, details, curve), draws


def auc_delong(truth: NDArray[np.bool_], score: Floats) -> Measured:
    """Measure ``auc_delong:v1`` of items that each are their own unit, without resamples.

    Raises
    ------
    InvalidInput
        When the items are all positive or all negative.
    """
    truth, score = np.asarray(truth, dtype=bool), np.asarray(score, dtype=np.float64)
    return measure_auc(truth, score, np.arange(len(truth)), np.zeros((0, len(truth)), dtype=np.int64))[0]


def delong_pair(truth: NDArray[np.bool_], first: Floats, second: Floats) -> Paired:
    """Compare the areas of two scores of the same items by DeLong's test.

    Parameters
    ----------
    truth : ndarray, bool, shape (items,)
    first, second : ndarray, float64, shape (items,)

    Returns
    -------
    Paired
        First minus second with its normal 95 % interval, two-sided p and standard error; p is 1.0 when the areas are
        the same.
    """
    areas, covariance = delong(np.asarray(truth, dtype=bool), np.stack([first, second]))
    variance = float(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
    difference = float(areas[0] - areas[1])
    error = math.sqrt(max(0.0, variance)) if math.isfinite(variance) else math.nan
    reach = NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0) * error
    return Paired(difference, (difference - reach, difference + reach), p_value(difference, error), error)


def paired_p_value(truth: NDArray[np.bool_], first: Floats, second: Floats) -> float:
    """Give the two-sided p of equal areas for two scores of the same items; 1.0 when they do not differ at all."""
    return delong_pair(truth, first, second).p
