"""Area under the ROC curve with DeLong's variance, and the paired test of two scores on the same items.

Runs in: anywhere
Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837-845; computed through midranks as in Sun and Xu,
IEEE Signal Processing Letters 21 (2014) 1389-1393.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import CONFIDENCE, Measured
from workbench.errors import InvalidInput

Floats = NDArray[np.float64]


def delong(truth: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Give the areas and their covariance for several scores of the same items.

    Parameters
    ----------
    truth : ndarray, bool, shape (items,)
        Which items are positive; at least one of each kind.
    scores : ndarray, float64, shape (scores, items)
        Higher means more likely positive.

    Returns
    -------
    areas : ndarray, shape (scores,)
    covariance : ndarray, shape (scores, scores)
        NaN where a kind has a single item, from which no variance can be had.
    """
    positive, negative = scores[:, truth], scores[:, ~truth]
    m, n = positive.shape[1], negative.shape[1]
    pooled = np.stack([_midranks(row) for row in np.hstack([positive, negative])])
    of_positive = (pooled[:, :m] - np.stack([_midranks(row) for row in positive])) / n
    of_negative = 1.0 - (pooled[:, m:] - np.stack([_midranks(row) for row in negative])) / m
    if min(m, n) < 2:
        return of_positive.mean(axis=1), np.full((len(scores), len(scores)), np.nan)
    covariance = np.atleast_2d(np.cov(of_positive)) / m + np.atleast_2d(np.cov(of_negative)) / n
    return of_positive.mean(axis=1), covariance


def _midranks(values: Floats) -> Floats:
    """Give each value's rank from 1, equal values sharing the middle of theirs (scipy.stats takes a second to load)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return ranks


def auc_delong(truth: NDArray[np.bool_], score: Floats) -> Measured:
    """Measure ``auc_delong:v1``.

    Raises
    ------
    InvalidInput
        When the items are all positive or all negative.
    """
    truth, score = np.asarray(truth, dtype=bool), np.asarray(score, dtype=np.float64)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        raise InvalidInput(f"AUC needs positive and negative items; there are {positives} and {negatives}.")
    areas, covariance = delong(truth, score[None, :])
    area, variance = float(areas[0]), float(covariance[0, 0])
    interval, error = None, None
    if math.isfinite(variance):
        error = math.sqrt(variance)
        reach = NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0) * error
        interval = (max(0.0, area - reach), min(1.0, area + reach))
    details = {"standard_error": error, "items": len(truth), "positives": positives, "negatives": negatives}
    thresholds = np.unique(score)[::-1]
    false, true = (np.searchsorted(np.sort(-score[kind]), -thresholds, side="right") for kind in (~truth, truth))
    curve = {
        "false_positive_rate": [0.0, *(false / negatives).tolist()],
        "true_positive_rate": [0.0, *(true / positives).tolist()],
    }
    return Measured("auc_delong:v1", area, interval, details, curve)


def paired_p_value(truth: NDArray[np.bool_], first: Floats, second: Floats) -> float:
    """Give the two-sided p of equal areas for two scores of the same items; 1.0 when they do not differ at all."""
    areas, covariance = delong(np.asarray(truth, dtype=bool), np.stack([first, second]))
    variance = float(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
    difference = float(areas[0] - areas[1])
    if difference == 0.0:
        return 1.0
    if not variance > 0.0:
        return 0.0 if variance == 0.0 else math.nan
    return math.erfc(abs(difference) / math.sqrt(variance) / math.sqrt(2.0))
