"""Resamples depend on nothing but their numbers, and comparisons are those of the textbook."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.benchmark.metrics.resampling import (
    holm,
    p_value,
    paired,
    percentile_interval,
    shared_weights,
    weighted_means,
)
from workbench.errors import InvalidInput


def test_resamples_are_those_of_the_frozen_generator() -> None:
    np.random.seed(5)
    wanted = [np.bincount(np.random.randint(7, size=7), minlength=7).tolist() for _ in range(3)]
    assert shared_weights(7, 3, 5).tolist() == wanted


def test_more_resamples_begin_with_the_same_ones() -> None:
    assert shared_weights(20, 10, 3).tolist() == shared_weights(20, 50, 3)[:10].tolist()


def test_each_resample_has_as_many_units() -> None:
    assert set(shared_weights(9, 100, 0).sum(axis=1)) == {9}


@pytest.mark.parametrize(("resamples", "seed"), [(-1, 0), (10**9, 0), (10, -1), (10, 2**32)])
def test_impossible_resampling_is_refused(resamples: int, seed: int) -> None:
    with pytest.raises(InvalidInput, match="Bootstrap must be 0 or more"):
        shared_weights(3, resamples, seed)


def test_no_units_are_refused() -> None:
    with pytest.raises(InvalidInput, match="nothing to resample"):
        shared_weights(0, 10, 0)


def test_a_weighted_mean_counts_items_of_a_unit_together() -> None:
    # Unit 0 holds 1 and 3, unit 1 holds 8. Weights (2, 0): 2; (1, 1): 4; (0, 2): 8.
    weights = np.array([[2, 0], [1, 1], [0, 2]])
    assert weighted_means(np.array([1.0, 3.0, 8.0]), weights, np.array([0, 0, 1])).tolist() == [2.0, 4.0, 8.0]


def test_a_resample_without_an_item_has_no_mean() -> None:
    found = weighted_means(np.array([5.0]), np.array([[2, 0], [0, 2]]), np.array([0]))
    assert found[0] == 5.0
    assert math.isnan(found[1])


def test_the_interval_leaves_out_what_is_no_number() -> None:
    draws = np.concatenate([np.arange(101.0), [np.nan]])
    assert percentile_interval(draws) == pytest.approx((2.5, 97.5), abs=1e-12)
    assert percentile_interval(np.array([np.nan])) is None
    assert percentile_interval(np.zeros(0)) is None


def test_the_paired_interval_is_that_of_the_differences() -> None:
    # The differences are 1 … 101, whatever the draws themselves are.
    base = np.random.default_rng(0).normal(0, 100, 101)
    found = paired(base + np.arange(1.0, 102.0), base)
    assert found.difference == pytest.approx(51.0)
    assert found.interval == pytest.approx((3.5, 98.5))
    # The variance of 1 … n is n (n + 1) / 12 (with n - 1 as divisor).
    assert found.standard_error == pytest.approx(math.sqrt(101 * 102 / 12))
    assert found.p == pytest.approx(math.erfc(51.0 / math.sqrt(101 * 102 / 12) / math.sqrt(2)))


def test_the_difference_of_the_values_themselves_counts_when_given() -> None:
    found = paired(np.array([0.0, 2.0, 4.0]), np.zeros(3), difference=0.0)
    assert (found.difference, found.p) == (0.0, 1.0)


def test_equal_draws_do_not_differ() -> None:
    draws = shared_weights(5, 20, 1).astype(float)[:, 0]
    assert paired(draws, draws).p == 1.0


def test_rows_without_a_number_are_left_out_of_the_pair() -> None:
    found = paired(np.array([1.0, np.nan, 3.0, 5.0]), np.array([0.0, 1.0, 0.0, np.nan]))
    assert found.difference == 2.0


def test_draws_of_another_number_are_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be paired"):
        paired(np.zeros(3), np.zeros(4))


def test_one_draw_says_nothing() -> None:
    assert math.isnan(paired(np.array([1.0]), np.array([0.0])).p)


@pytest.mark.parametrize(
    ("difference", "error", "p"), [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (-1.959963984540054, 1.0, 0.05)]
)
def test_p_is_that_of_the_normal_distribution(difference: float, error: float, p: float) -> None:
    assert p_value(difference, error) == pytest.approx(p, abs=1e-12)


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04 times 4, 3, 2, 1: .04 .06 .06 .04, never falling: .04 .06 .06 .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_stays_at_1_and_takes_no_number_as_1() -> None:
    assert holm([0.9, math.nan, 0.001]) == pytest.approx([1.0, 1.0, 0.003])
    assert holm([]) == []


def test_more_resamples_than_memory_holds_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"do not fit in memory; ask for 500"):
        shared_weights(1_000_000, 1000, seed=0)
