"""Resamples that every answer shares, so that intervals, subgroups and paired tests come from one pass.

A resample is a row of whole numbers: how often each unit (a patient, a scan) counts in it. The rows depend on nothing
but the number of units, their own number and the seed, so the draws of two submissions, of two models or of a subgroup
and the whole belong together, row by row.

Runs in: anywhere
Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16; Holm, Scandinavian Journal of
Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput

CONFIDENCE = 0.95
MOST_RESAMPLES = 100_000
MOST_COUNTS = 500_000_000  # weights that are held at once, 8 bytes each
BLOCK = 64  # resamples weighted at once, so that a weight for every item of each stays near the processor's cache

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def shared_weights(units: int, resamples: int, seed: int) -> Ints:
    """Draw how often each unit counts in each resample.

    The stream of NumPy's legacy generator is frozen (NEP 19), so a seed gives the same resamples in every version,
    and the same ones as the script of the LUNA16 challenge after `numpy.random.seed(seed)`.

    Parameters
    ----------
    units : int
        What is drawn, with replacement, as often as there are units.
    resamples : int
        Rows; the first rows do not depend on how many follow.
    seed : int
        0 … 2³² - 1.

    Returns
    -------
    ndarray, int64, shape (resamples, units)
        Each row adds up to `units`.

    Raises
    ------
    InvalidInput
        When a number is out of its range.

    Examples
    --------
    >>> shared_weights(3, 2, seed=0).sum(axis=1).tolist()
    [3, 3]
    """
    if not 0 <= resamples <= MOST_RESAMPLES or not 0 <= seed < 2**32:
        raise InvalidInput(
            f"Bootstrap must be 0 or more, up to {MOST_RESAMPLES:,}, and the seed 0 … 2³² - 1; "
            f"got {resamples} and {seed}."
        )
    if units * resamples > MOST_COUNTS:
        raise InvalidInput(
            f"{resamples:,} resamples of {units:,} units do not fit in memory; ask for {MOST_COUNTS // units:,}."
        )
    if units < 1:
        raise InvalidInput("There is nothing to resample: no unit (patient or scan) has an item.")
    generator = np.random.RandomState(seed)
    weights = np.empty((resamples, units), dtype=np.int64)
    for row in weights:
        row[:] = np.bincount(generator.randint(units, size=units, dtype=np.int64), minlength=units)
    return weights


def in_blocks(weights: Ints, unit: Ints) -> Iterator[tuple[slice, Floats]]:
    """Give the weights of items, some resamples at a time.

    Parameters
    ----------
    weights : ndarray, int64, shape (resamples, units)
        From `shared_weights`.
    unit : ndarray, int64, shape (items,)
        The unit of each item.

    Yields
    ------
    slice, ndarray
        Which resamples, and the weight of each item in them, float64, shape (resamples of the block, items).
    """
    for first in range(0, len(weights), BLOCK):
        block = slice(first, first + BLOCK)
        yield block, weights[block][:, unit].astype(np.float64)


def weighted_means(values: Floats, weights: Ints, unit: Ints) -> Floats:
    """Give the mean of values in each resample; NaN where none of them is in it.

    Sums run in NumPy, not in a linear algebra library, so that their last bits do not depend on its threads.
    """
    result = np.full(len(weights), np.nan)
    for block, weight in in_blocks(weights, unit):
        total = weight.sum(axis=1)
        with np.errstate(invalid="ignore"):
            result[block] = (weight * values).sum(axis=1) / total
    return result


def percentile_interval(draws: Floats) -> tuple[float, float] | None:
    """Give the central 95 % of the draws that are numbers (linear between order statistics); None of none."""
    numbers = draws[np.isfinite(draws)]
    if numbers.size == 0:
        return None
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(numbers, [tail, 1.0 - tail])
    return float(low), float(high)


@dataclass(frozen=True)
class Paired:
    """How two answers to the same truth differ.

    Parameters
    ----------
    difference : float
        First minus second.
    interval : tuple of 2 float
        Central 95 % of the paired draws of the difference; NaN where there are none.
    p : float
        Two-sided, from the difference and the standard deviation of its draws by the normal distribution; 1.0 for two
        answers that never differ. A share of draws would end at 1 / resamples, too coarse for many comparisons.
    standard_error : float
        Standard deviation of the paired draws of the difference.
    """

    difference: float
    interval: tuple[float, float]
    p: float
    standard_error: float


def paired(first: Floats, second: Floats, *, difference: float | None = None) -> Paired:
    """Compare two answers by the draws of `evaluate` with the same units, resamples and seed.

    Parameters
    ----------
    first, second : ndarray, float64, shape (resamples,)
        Draws; rows in which either is NaN are left out.
    difference : float, optional
        First minus second of the values themselves; the mean of the draws' differences when left out.

    Raises
    ------
    InvalidInput
        When the draws do not belong together.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise InvalidInput(
            f"{first.size} and {second.size} draws cannot be paired; evaluate both with the same resamples and seed."
        )
    apart = first - second
    apart = apart[np.isfinite(apart)]
    if apart.size < 2:
        point = math.nan if difference is None else difference
        return Paired(point, (math.nan, math.nan), math.nan, math.nan)
    point = float(apart.mean()) if difference is None else float(difference)
    error = float(apart.std(ddof=1))
    low, high = np.quantile(apart, [(1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0])
    return Paired(point, (float(low), float(high)), p_value(point, error), error)


def p_value(difference: float, standard_error: float) -> float:
    """Give the two-sided p of a difference by the normal distribution; 1.0 for none at all.

    >>> round(p_value(1.959964, 1.0), 6)
    0.05
    """
    if difference == 0.0:
        return 1.0
    if not standard_error > 0.0:
        return 0.0 if standard_error == 0.0 else math.nan
    return math.erfc(abs(difference) / standard_error / math.sqrt(2.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number by Holm's step-down rule, in the order they came in.

    A p that is not a number says nothing and counts as 1.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    given = [1.0 if math.isnan(p) else p for p in p_values]
    corrected = [1.0] * len(given)
    so_far = 0.0
    for place, number in enumerate(sorted(range(len(given)), key=lambda n: (given[n], n))):
        so_far = max(so_far, min(1.0, (len(given) - place) * given[number]))
        corrected[number] = so_far
    return corrected
