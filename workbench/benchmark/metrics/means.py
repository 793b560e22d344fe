"""Metrics that are a mean over items: Dice and HD95 over scans, top-k accuracy, RMSE, Brier score.

Runs in: anywhere
Source: Brier, Monthly Weather Review 78 (1950) 1-3; the others as their texts in `definitions` say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.resampling import percentile_interval, weighted_means
from workbench.errors import InvalidInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def measure_mean(metric: str, values: Floats, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure the mean of values, one for each item, and give it in each resample too.

    Parameters
    ----------
    metric : str
        Such as ``dice:v1``.
    values : ndarray, float64, shape (items,)
    unit : ndarray, int64, shape (items,)
        The patient or scan of each item.
    weights : ndarray, int64, shape (resamples, units)
        How often each unit counts.
    """
    draws = weighted_means(values, weights, unit)
    return Measured(metric, float(values.mean()), percentile_interval(draws), {"items": len(values)}), draws


def measure_rmse(truth: Floats, prediction: Floats, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``rmse:v1`` and give its value in each resample too."""
    squares = (prediction - truth) ** 2
    draws: Floats = np.sqrt(weighted_means(squares, weights, unit))
    details = {"items": len(truth), "mean_error": float((prediction - truth).mean())}
    return Measured("rmse:v1", float(np.sqrt(squares.mean())), percentile_interval(draws), details), draws


def topk_hits(truth: Ints, scores: Floats, k: int) -> Floats:
    """Give for each item the chance that its true class is among the k highest, ties in random order.

    Parameters
    ----------
    truth : ndarray, int64, shape (items,)
        The column of the true class.
    scores : ndarray, float64, shape (items, classes)
        Higher is more likely.
    k : int
        1 … classes.

    Examples
    --------
    >>> topk_hits(np.array([0, 0]), np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]), 1).tolist()
    [0.0, 0.5]
    """
    classes = scores.shape[1]
    if not 1 <= k <= classes:
        raise InvalidInput(f"Top-k needs k from 1 to the {classes} classes; got {k}.")
    own = np.take_along_axis(scores, truth[:, None], axis=1)
    above, tied = (scores > own).sum(axis=1), (scores == own).sum(axis=1)
    hits: Floats = np.clip((k - above) / tied, 0.0, 1.0)
    return hits


def measure_topk(truth: Ints, scores: Floats, k: int, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``topk:v1`` and give its value in each resample too."""
    measured, draws = measure_mean("topk:v1", topk_hits(truth, scores, k), unit, weights)
    measured.details.update({"k": k, "classes": scores.shape[1]})
    return measured, draws
