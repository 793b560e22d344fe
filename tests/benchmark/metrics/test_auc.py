"""AUC against scikit-learn and by hand, DeLong's variance against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench.benchmark.metrics.auc import auc_delong, clustered_variance, delong, delong_pair, paired_p_value
from workbench.benchmark.metrics.evaluate import ItemAnswer, evaluate
from workbench.errors import InvalidInput


def drawn(seed: int, items: int = 60) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.random(items) < 0.4
    return truth, np.round(draw.normal(truth * 1.2), 1)


def by_definition(truth: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """Give area and variance by the placements of DeLong, DeLong and Clarke-Pearson, with loops."""
    positive, negative = score[truth], score[~truth]
    psi = [[1.0 if x > y else 0.5 if x == y else 0.0 for y in negative] for x in positive]
    table = np.array(psi)
    variance = np.var(table.mean(axis=1), ddof=1) / len(positive) + np.var(table.mean(axis=0), ddof=1) / len(negative)
    return table.mean(), variance


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_scikit_learn(seed: int) -> None:
    truth, score = drawn(seed)
    assert auc_delong(truth, score).value == pytest.approx(roc_auc_score(truth, score), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_variance_is_delongs(seed: int) -> None:
    truth, score = drawn(seed)
    area, variance = by_definition(truth, score)
    found = auc_delong(truth, score)
    assert found.details["standard_error"] == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert found.interval == pytest.approx((area - 1.959964 * variance**0.5, area + 1.959964 * variance**0.5), abs=1e-6)


def test_four_items_by_hand() -> None:
    # Pairs: 0.8>0.3, 0.8>0.6, 0.5>0.3, 0.5<0.6: three of four.
    found = auc_delong(np.array([True, True, False, False]), np.array([0.8, 0.5, 0.3, 0.6]))
    assert found.value == 0.75


def test_the_interval_stays_between_0_and_1() -> None:
    truth, score = np.array([True] * 5 + [False] * 5), np.array([5, 4, 3, 2, 0.5, 1, 0, 0, 0, 0])
    low, high = auc_delong(truth, score).interval or (0, 0)
    assert 0 <= low < high == 1.0


def test_one_kind_only_is_refused() -> None:
    with pytest.raises(InvalidInput, match="needs positive and negative items"):
        auc_delong(np.array([True, True]), np.array([0.1, 0.2]))


def test_a_single_positive_has_no_interval() -> None:
    assert auc_delong(np.array([True, False, False]), np.array([0.9, 0.2, 0.3])).interval is None


def test_equal_scores_do_not_differ() -> None:
    truth, score = drawn(1)
    assert paired_p_value(truth, score, score) == 1.0


def test_a_coin_differs_from_a_good_score() -> None:
    truth, score = drawn(2, items=400)
    noise = np.random.default_rng(0).random(400)
    assert paired_p_value(truth, score, noise) < 1e-6


def test_the_paired_test_uses_the_covariance() -> None:
    truth, score = drawn(3, items=200)
    near = score + np.random.default_rng(1).normal(0, 0.2, 200)
    _, covariance = delong(truth, np.stack([score, near]))
    assert covariance[0, 1] > 0.8 * covariance[0, 0]


def pairs(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Give the table of all pairs, positives by negatives: 1 above, 1/2 equal, 0 below."""
    positive, negative = score[truth][:, None], score[~truth][None, :]
    return (positive > negative) + 0.5 * (positive == negative)


@pytest.mark.parametrize("seed", range(5))
def test_the_paired_test_is_that_of_all_pairs(seed: int) -> None:
    truth, score = drawn(seed, items=90)
    other = np.round(score + np.random.default_rng(seed).normal(0, 0.8, 90), 1)
    apart = pairs(truth, score) - pairs(truth, other)
    m, n = apart.shape
    variance = apart.mean(axis=1).var(ddof=1) / m + apart.mean(axis=0).var(ddof=1) / n
    found = delong_pair(truth, score, other)
    assert found.difference == pytest.approx(apart.mean(), abs=1e-12)
    assert found.standard_error == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert found.p == pytest.approx(math.erfc(abs(apart.mean()) / math.sqrt(2 * variance)), abs=1e-9)


def test_six_items_and_their_variance_by_hand() -> None:
    # Positives 3, 2; negatives 2, 1, 0, 0: of 8 pairs 7 above and one equal, so 7.5 / 8.
    truth, score = np.array([True, True, False, False, False, False]), np.array([3.0, 2, 2, 1, 0, 0])
    # Each positive: 1 and 7/8, variance 1/128. Each negative: 3/4, 1, 1, 1: variance 1/64.
    assert auc_delong(truth, score).value == 0.9375
    error = auc_delong(truth, score).details["standard_error"]
    assert error == pytest.approx(math.sqrt(1 / 128 / 2 + 1 / 64 / 4), abs=1e-12)


def test_units_of_one_item_give_delongs_variance() -> None:
    truth, score = drawn(4)
    single = clustered_variance(truth, score, np.random.default_rng(0).permutation(len(truth)))
    assert single == pytest.approx(by_definition(truth, score)[1], abs=1e-12)


def test_items_said_twice_carry_no_more_than_once() -> None:
    # Each item stands twice, in one unit: the variance is that of the items once, not half of it.
    truth, score = drawn(6, items=100)
    twice = clustered_variance(np.tile(truth, 2), np.tile(score, 2), np.tile(np.arange(100), 2))
    assert twice == pytest.approx(by_definition(truth, score)[1], rel=1e-9)
    assert by_definition(np.tile(truth, 2), np.tile(score, 2))[1] < 0.6 * twice


@pytest.mark.parametrize("shared", [1, 3])
def test_each_draw_is_the_area_of_its_resampled_units(shared: int) -> None:
    truth, score = drawn(8, items=30)
    unit = np.arange(30) // shared
    units = 30 // shared
    found = evaluate("auc_delong:v1", ItemAnswer(unit, truth, score), units=units, resamples=25, seed=6)
    generator = np.random.RandomState(6)
    for draw in found.draws:
        items = np.concatenate([np.flatnonzero(unit == one) for one in generator.randint(units, size=units)])
        assert draw == pytest.approx(roc_auc_score(truth[items], score[items]), abs=1e-12)


def test_a_resample_of_one_kind_has_no_area() -> None:
    two = ItemAnswer(np.arange(2), np.array([1, 0]), np.array([0.8, 0.1]))
    found = evaluate("auc_delong:v1", two, units=2, resamples=40, seed=0)
    assert np.isnan(found.draws).any()
    assert set(found.draws[np.isfinite(found.draws)]) == {1.0}
