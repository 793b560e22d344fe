"""When a score is a significant improvement on somebody's own best, and with how many digits it is shown.

Whoever is told every score can fit the public test with nothing but the board. The Ladder answers with a number when
the new submission beats the best that was answered so far by more than the standard error of their paired difference,
and otherwise says only that it does not. It has no parameter to choose.

Runs in: anywhere
Source: Blum and Hardt, The Ladder: A Reliable Leaderboard for Machine Learning Competitions, ICML 2015, Algorithm 2
(the parameter-free form); the number of digits follows GUM (JCGM 100:2008) 7.2.6.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Rung:
    """One scored submission as the Ladder sees it: its value and its draws from the shared resamples.

    Parameters
    ----------
    value : float
        The metric's value on the public test.
    draws : ndarray, float64, shape (resamples,)
        The value in each shared resample; NaN where a resample has no value.
    """

    value: float
    draws: Floats


def standard_error(first: Floats, second: Floats | float = 0.0) -> float:
    """Give the standard error of a value, or of the paired difference of two, from their draws.

    Infinite when fewer than two resamples have both values, so that nothing is concluded from them.

    >>> standard_error(np.array([0.1, 0.3, 0.5]), np.array([0.1, 0.2, 0.3]))
    0.1
    """
    apart = first - second
    apart = apart[np.isfinite(apart)]
    return float(np.std(apart, ddof=1)) if len(apart) > 1 else math.inf


def is_improvement(new: Rung, best: Rung | None, *, higher_is_better: bool = True) -> bool:
    """Tell whether a submission climbs: it is the first, or better than the best by more than the paired error.

    Parameters
    ----------
    new : Rung
        What was scored now.
    best : Rung, optional
        The last submission that was answered with a number; None when there is none.
    higher_is_better : bool
        The metric's direction.
    """
    if best is None:
        return True
    gain = new.value - best.value if higher_is_better else best.value - new.value
    return gain > 0.0 and gain > standard_error(new.draws, best.draws)


def shown_numbers(
    value: float, interval: Sequence[float] | None, draws: Floats | None
) -> tuple[float, Interval | None]:
    """Give a value and its interval as they are shown: to two significant digits of the standard error.

    More digits say nothing about the model, and with all of them one score can spell out many labels: a prediction
    may hide each label in a digit of its own.

    >>> shown_numbers(0.81372, (0.74118, 0.88203), np.array([0.78, 0.81, 0.84]))
    (0.814, (0.741, 0.882))
    """
    error = standard_error(draws) if draws is not None else _error_of(interval)
    places = 3 if not math.isfinite(error) or error <= 0.0 else 1 - math.floor(math.log10(error))
    around = None if interval is None else (_rounded(interval[0], places), _rounded(interval[1], places))
    return _rounded(value, places), around


def shown_cost(stored: str | None) -> dict[str, float] | None:
    """Give what a run cost, to two digits: a program that saw hidden scans can spend what it wants to tell.

    >>> shown_cost('{"cpu_seconds": 12.3456, "peak_mib": 187.3}')
    {'cpu_seconds': 12.0, 'peak_mib': 190.0}
    """
    if not stored:
        return None
    return {name: float(f"{spent:.2g}") for name, spent in json.loads(stored).items()}


def _error_of(interval: Sequence[float] | None) -> float:
    """Give the standard error that a 95 % interval stands for."""
    return math.inf if interval is None else (float(interval[1]) - float(interval[0])) / (2.0 * 1.959964)


def _rounded(value: float, places: int) -> float:
    # Zero may come out as -0.0, which would be shown with its sign.
    return round(float(value), places) + 0.0
