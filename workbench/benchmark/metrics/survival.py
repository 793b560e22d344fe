"""Harrell's concordance: whether those with the higher risk had their event first, censored follow-up included.

Runs in: anywhere
Source: Harrell, Califf, Pryor, Lee, Rosati, JAMA 247 (1982) 2543-2546.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.resampling import percentile_interval
from workbench.errors import InvalidInput

ROWS = 256  # items compared with all others at once

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def concordance(time: Floats, event: NDArray[np.bool_], risk: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Count concordant pairs (ties in risk one half) and all pairs, for each weighting of the items.

    Parameters
    ----------
    time : ndarray, float64, shape (items,)
        To the event, or to the end of follow-up.
    event : ndarray, bool, shape (items,)
        Whether it happened; else censored.
    risk : ndarray, float64, shape (items,)
        Higher means an earlier event.
    weight : ndarray, float64, shape (resamples, items)
        Whole numbers.

    Returns
    -------
    concordant, pairs : ndarray, float64, shape (resamples,)
        Exact: sums of whole and half numbers.
    """
    concordant, pairs = np.zeros(len(weight)), np.zeros(len(weight))
    # Sums of whole and half numbers below 2²³ are exact in single precision, whatever order a library adds them in.
    small = weight.astype(np.float32) if weight.sum(axis=1).max(initial=0.0) < 2**22 else weight
    first = np.flatnonzero(event)
    for start in range(0, len(first), ROWS):
        here = first[start : start + ROWS]
        later = (time[None, :] > time[here, None]) | ((time[None, :] == time[here, None]) & ~event[None, :])
        agree = np.where(risk[here, None] > risk[None, :], 1.0, np.where(risk[here, None] == risk[None, :], 0.5, 0.0))
        own = weight[:, here]
        pairs += (own * (small @ later.T.astype(small.dtype))).sum(axis=1)
        concordant += (own * (small @ (later * agree).T.astype(small.dtype))).sum(axis=1)
    return concordant, pairs


def measure_cindex(
    time: Floats, event: NDArray[np.bool_], risk: Floats, unit: Ints, weights: Ints
) -> tuple[Measured, Floats]:
    """Measure ``cindex:v1`` and give its value in each resample too.

    Parameters
    ----------
    time, event, risk
        As for `concordance`.
    unit : ndarray, int64, shape (items,)
        The patient of each item.
    weights : ndarray, int64, shape (resamples, units)
        How often each unit counts.

    Raises
    ------
    InvalidInput
        When no pair can be ordered: nobody is known to have had the event before another.
    """
    one, every = concordance(time, event, risk, np.ones((1, len(time))))
    if every[0] == 0:
        raise InvalidInput("No pair of items can be ordered: nobody is known to have had the event before another.")
    concordant, pairs = concordance(time, event, risk, weights[:, unit].astype(np.float64))
    with np.errstate(invalid="ignore"):
        draws: Floats = np.where(pairs > 0, concordant / pairs, np.nan)
    details = {"items": len(time), "events": int(event.sum()), "pairs": int(every[0])}
    return Measured("cindex:v1", float(one[0] / every[0]), percentile_interval(draws), details), draws
