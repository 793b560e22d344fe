"""Quadratic weighted kappa: how far two graders agree beyond chance, large differences counting more.

Runs in: anywhere
Source: Cohen, Psychological Bulletin 70 (1968) 213-220.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.resampling import in_blocks, percentile_interval
from workbench.errors import InvalidInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def kappas(truth: Floats, prediction: Floats, weight: Floats) -> Floats:
    """Give kappa for each weighting of the items; NaN where the truth holds a single grade.

    The mean over all pairings needs no table of grades: Σᵢⱼ (tᵢ - pⱼ)² / n = Σ t² + Σ p² - 2 Σ t Σ p / n. The grades
    are whole numbers, so the sums are exact.

    Parameters
    ----------
    truth, prediction : ndarray, float64, shape (items,)
        Grades as whole numbers.
    weight : ndarray, float64, shape (resamples, items)

    Returns
    -------
    ndarray, float64, shape (resamples,)
    """
    count = weight.sum(axis=1)
    t, p = (weight * truth).sum(axis=1), (weight * prediction).sum(axis=1)
    tt, pp = (weight * truth**2).sum(axis=1), (weight * prediction**2).sum(axis=1)
    seen = (weight * (truth - prediction) ** 2).sum(axis=1)
    several = count * tt > t * t
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Floats = np.where(several, 1.0 - count * seen / (count * (tt + pp) - 2.0 * t * p), np.nan)
    return result


def measure_qwk(truth: Ints, prediction: Ints, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``qwk:v1`` and give its value in each resample too.

    Parameters
    ----------
    truth, prediction : ndarray, int64, shape (items,)
        Grades.
    unit : ndarray, int64, shape (items,)
        The patient or scan of each item.
    weights : ndarray, int64, shape (resamples, units)
        How often each unit counts.

    Raises
    ------
    InvalidInput
        When the truth holds a single grade, so that agreement beyond chance has no meaning.
    """
    grades, counts = np.unique(truth, return_counts=True)
    if len(grades) < 2:
        raise InvalidInput("Kappa needs two different grades in the truth at least; it holds one.")
    # Grades near zero keep the squares small, so that the sums stay exact.
    true, said = (truth - grades[0]).astype(np.float64), (prediction - grades[0]).astype(np.float64)
    value = float(kappas(true, said, np.ones((1, len(true))))[0])
    draws = np.full(len(weights), np.nan)
    for block, weight in in_blocks(weights, unit):
        draws[block] = kappas(true, said, weight)
    details = {
        "items": len(truth), "grades": {str(grade): int(n) for grade, n in zip(grades, counts, strict=True)},
        "exact_agreement": float((truth == prediction).mean()),
    }  # fmt: skip
    return Measured("qwk:v1", value, percentile_interval(draws), details), draws
