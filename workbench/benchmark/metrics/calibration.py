"""Whether a probability of 0.3 comes true three times in ten: Brier score, calibration error, slope and intercept.

Runs in: anywhere
Source: Brier, Monthly Weather Review 78 (1950) 1-3; Cox, Biometrika 45 (1958) 562-565; Van Calster et al., BMC Medicine
17 (2019) 230.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.means import measure_mean
from workbench.benchmark.metrics.resampling import in_blocks, percentile_interval
from workbench.errors import InvalidInput

BINS = 10
CUT = 1e-6  # probabilities of 0 and 1 have no logit
STEPS = 60

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def measure_brier(truth: Bools, probability: Floats, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``brier:v1`` and give its value in each resample too."""
    measured, draws = measure_mean("brier:v1", (probability - truth) ** 2, unit, weights)
    measured.details["positives"] = int(truth.sum())
    return measured, draws


def measure_ece(truth: Bools, probability: Floats, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``ece:v1`` and give its value in each resample too; the curve holds the bins for drawing."""
    place = np.minimum(np.searchsorted(np.arange(BINS + 1) / BINS, probability, side="right") - 1, BINS - 1)
    apart = probability - truth
    bins = [np.flatnonzero(place == number) for number in range(BINS)]
    filled = [here for here in bins if here.size]
    value = sum(abs(float(apart[here].sum())) for here in filled) / len(apart)
    draws = np.full(len(weights), np.nan)
    for block, weight in in_blocks(weights, unit):
        total = sum(np.abs((weight[:, here] * apart[here]).sum(axis=1)) for here in filled)
        with np.errstate(invalid="ignore"):
            draws[block] = total / weight.sum(axis=1)
    curve = {
        "mean_probability": [float(probability[here].mean()) for here in filled],
        "share_of_positives": [float(truth[here].mean()) for here in filled],
    }
    details = {"items": len(apart), "positives": int(truth.sum()), "items_in_bins": [len(here) for here in bins]}
    return Measured("ece:v1", value, percentile_interval(draws), details, curve), draws


def measure_calibration(truth: Bools, probability: Floats, unit: Ints, weights: Ints) -> tuple[Measured, Floats]:
    """Measure ``calibration:v1`` (slope; intercepts among the details) and give the slope in each resample too.

    Raises
    ------
    InvalidInput
        When the slope does not exist: one kind of item only, or probabilities that separate the kinds.
    """
    cut = np.clip(probability, CUT, 1.0 - CUT)
    logit = np.log(cut) - np.log1p(-cut)
    slope, intercept = fit(logit, truth, np.ones((1, len(truth))))
    if not np.isfinite(slope[0]):
        raise InvalidInput(
            "There is no calibration slope: the items are of one kind, or their probabilities separate the kinds."
        )
    large = in_the_large(logit, truth, np.ones((1, len(truth))))
    slopes, intercepts, larges = (np.full(len(weights), np.nan) for _ in range(3))
    for block, weight in in_blocks(weights, unit):
        slopes[block], intercepts[block] = fit(logit, truth, weight)
        larges[block] = in_the_large(logit, truth, weight)
    around = [percentile_interval(found) for found in (intercepts, larges)]
    details = {
        "items": len(truth), "positives": int(truth.sum()),
        "intercept": float(intercept[0]), "intercept_interval": list(around[0]) if around[0] else None,
        "in_the_large": float(large[0]), "in_the_large_interval": list(around[1]) if around[1] else None,
    }  # fmt: skip
    return Measured("calibration:v1", float(slope[0]), percentile_interval(slopes), details), slopes


def fit(x: Floats, truth: Bools, weight: Floats) -> tuple[Floats, Floats]:
    """Fit P(truth) = 1 / (1 + exp(-intercept - slope x)) by maximum likelihood, for each weighting of the items.

    Returns
    -------
    slope, intercept : ndarray, float64, shape (resamples,)
        NaN where there is no maximum: the kinds do not overlap in x.
    """
    overlap = (_least(x, truth, weight) < -_least(-x, ~truth, weight)) & (
        _least(x, ~truth, weight) < -_least(-x, truth, weight)
    )
    slope, intercept = np.full(len(weight), np.nan), np.full(len(weight), np.nan)
    if overlap.any():
        slope[overlap], intercept[overlap] = _newton(x, truth, weight[overlap])
    return slope, intercept


def _least(x: Floats, kind: Bools, weight: Floats) -> Floats:
    """Give the least x of one kind in each weighting; infinite where there is none."""
    result: Floats = np.where((weight > 0) & kind, x, np.inf).min(axis=1)
    return result


def _newton(x: Floats, truth: Bools, weight: Floats) -> tuple[Floats, Floats]:
    """Climb the likelihood by Newton's steps, halved where they would go down."""
    a, b = np.zeros(len(weight)), np.zeros(len(weight))
    best = _likelihood(a, b, x, truth, weight)
    for _ in range(STEPS):
        p = 1.0 / (1.0 + np.exp(-(a[:, None] + b[:, None] * x)))
        rest, bend = weight * (truth - p), weight * p * (1.0 - p)
        g_a, g_b = rest.sum(axis=1), (rest * x).sum(axis=1)
        h_aa, h_ab, h_bb = bend.sum(axis=1), (bend * x).sum(axis=1), (bend * x * x).sum(axis=1)
        size = h_aa * h_bb - h_ab * h_ab
        size = np.where(size > 0, size, np.inf)
        step_a, step_b = (h_bb * g_a - h_ab * g_b) / size, (h_aa * g_b - h_ab * g_a) / size
        for _ in range(30):
            reached = _likelihood(a + step_a, b + step_b, x, truth, weight)
            worse = reached < best - 1e-9 * np.abs(best)
            if not worse.any():
                break
            step_a, step_b = np.where(worse, step_a / 2, step_a), np.where(worse, step_b / 2, step_b)
        a, b, best = a + step_a, b + step_b, reached
        if max(np.abs(step_a).max(), np.abs(step_b).max()) < 1e-12:
            break
    return b, a


def _likelihood(a: Floats, b: Floats, x: Floats, truth: Bools, weight: Floats) -> Floats:
    line = a[:, None] + b[:, None] * x
    result: Floats = (weight * (truth * line - np.logaddexp(0.0, line))).sum(axis=1)
    return result


def in_the_large(x: Floats, truth: Bools, weight: Floats) -> Floats:
    """Give the intercept with the slope held at 1, for each weighting; NaN where one kind is missing."""
    both = ((weight * truth).sum(axis=1) > 0) & ((weight * ~truth).sum(axis=1) > 0)
    low, high = np.full(len(weight), -40.0), np.full(len(weight), 40.0)
    # The sum of P falls as the intercept does, so halving finds it, to the last bits.
    for _ in range(STEPS):
        middle = (low + high) / 2
        over = (weight * (1.0 / (1.0 + np.exp(-(middle[:, None] + x))) - truth)).sum(axis=1) > 0
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.where(both, (low + high) / 2, np.nan)
