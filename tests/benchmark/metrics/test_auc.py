"""AUC against scikit-learn and by hand, DeLong's variance against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench.benchmark.metrics.auc import auc_delong, delong, paired_p_value
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
