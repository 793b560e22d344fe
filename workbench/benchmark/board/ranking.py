"""Ranks with what is known of them: the interval of each rank, and the groups that cannot be told apart.

Everything is read from the draws of the shared resamples, so two entries are compared on the same patients. A rank's
interval counts who is significantly better and who is significantly worse (Holm over the comparisons of one entry);
it holds the true rank with 95 % also when entries are equal, where percentiles of bootstrapped ranks do not. Tie groups
ask all pairs at once (Holm over all of them).

Runs in: anywhere
Source: Mogstad, Romano, Shaikh and Wilhelm, Inference for Ranks, Review of Economic Studies 91 (2024) 476-518;
Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.resampling import holm, p_value

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Place:
    """Where an entry stands.

    Parameters
    ----------
    rank : int
        From 1; entries of equal value share the best rank of theirs.
    rank_interval : tuple of 2 int
        The ranks that the entry may really have, with 95 % confidence.
    tie_group : int
        From 1. The first entry of a group and every other one in it cannot be told apart.
    ties : tuple of int
        The other entries, by their numbers, that cannot be told apart from this one.
    """

    rank: int
    rank_interval: tuple[int, int]
    tie_group: int
    ties: tuple[int, ...]


def places(values: Sequence[float], draws: Sequence[Floats | None], *, higher_is_better: bool = True) -> list[Place]:
    """Give the place of every entry.

    Parameters
    ----------
    values : sequence of float
        As shown; the order of the board.
    draws : sequence of ndarray, shape (resamples,)
        Of the same shared resamples, in the same order; an entry without any is told apart from nobody.
    higher_is_better : bool
        The metric's direction.
    """
    count = len(values)
    better = np.asarray(values, dtype=np.float64) * (1.0 if higher_is_better else -1.0)
    p = pairwise_p(values, draws)
    apart = _apart_in_all_pairs(p)
    found: list[Place] = []
    groups = _groups(better, apart)
    for number in range(count):
        others = np.array([other for other in range(count) if other != number], dtype=np.int64)
        rejected = holm_rejects(p[number, others])
        ahead = int((rejected & (better[others] > better[number])).sum())
        behind = int((rejected & (better[others] < better[number])).sum())
        found.append(Place(
            1 + int((better > better[number]).sum()), (1 + ahead, count - behind), groups[number],
            tuple(int(other) for other in others if not apart[number, other]),
        ))  # fmt: skip
    return found


def pairwise_p(values: Sequence[float], draws: Sequence[Floats | None]) -> Floats:
    """Give the two-sided p of each pair having equal values, shape (entries, entries), 1 on the diagonal.

    As `metrics.resampling.paired`: the difference of the values over the standard deviation of the paired draws'
    difference. A share of a thousand draws never falls below 1/1000, which no entry of many would pass after Holm.
    """
    count = len(values)
    p = np.ones((count, count))
    known = [number for number, drawn in enumerate(draws) if drawn is not None]
    for size in {len(_drawn(draws, number)) for number in known}:
        same = [number for number in known if len(_drawn(draws, number)) == size]
        stack = np.stack([_drawn(draws, number) for number in same])
        # A resample without a value, such as one without a nodule, mostly has none for anybody.
        stack = stack[:, np.isfinite(stack).any(axis=0)]
        for place, first in enumerate(same):
            errors = _errors(stack[:place] - stack[place])
            for second, error in zip(same, errors, strict=False):
                chance = p_value(values[first] - values[second], error)
                p[first, second] = p[second, first] = 1.0 if math.isnan(chance) else chance
    return p


def holm_rejects(p: Floats) -> Bools:
    """Tell which of some hypotheses fall at the 5 % level over all of them.

    >>> holm_rejects(np.array([0.01, 0.04, 0.03])).tolist()
    [True, False, False]
    """
    return np.array(holm(p.tolist()), dtype=np.float64) <= SIGNIFICANT


def _errors(apart: Floats) -> list[float]:
    """Give the standard deviation of each row over the resamples that have a value; NaN of fewer than two."""
    if apart.shape[1] > 1 and np.isfinite(apart).all():
        return [float(error) for error in apart.std(axis=1, ddof=1)]
    kept = [row[np.isfinite(row)] for row in apart]
    return [float(row.std(ddof=1)) if len(row) > 1 else math.nan for row in kept]


def _drawn(draws: Sequence[Floats | None], number: int) -> Floats:
    drawn = draws[number]
    return np.empty(0) if drawn is None else drawn


def _apart_in_all_pairs(p: Floats) -> Bools:
    """Tell of each pair whether it is told apart when all pairs are asked at once."""
    rows, columns = np.triu_indices(len(p), k=1)
    apart = np.zeros(p.shape, dtype=bool)
    apart[rows, columns] = holm_rejects(p[rows, columns])
    return apart | apart.T


def _groups(better: Floats, apart: Bools) -> list[int]:
    """Give each entry's group: the best that has none yet leads one, and takes all it cannot be told apart from."""
    group = np.zeros(len(better), dtype=np.int64)
    for leader in np.argsort(-better, kind="stable"):
        if group[leader] == 0:
            group[(group == 0) & ~apart[leader]] = group.max() + 1
    return group.tolist()
