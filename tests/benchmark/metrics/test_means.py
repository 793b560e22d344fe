"""RMSE and top-k by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import root_mean_squared_error, top_k_accuracy_score

from workbench.benchmark.metrics.evaluate import Evaluation, ItemAnswer, ValueAnswer, evaluate
from workbench.benchmark.metrics.means import topk_hits
from workbench.errors import InvalidInput


def measure(metric: str, truth: object, said: object, *, k: int = 1, resamples: int = 0) -> Evaluation:
    truth, said = np.array(truth), np.array(said)
    return evaluate(
        metric, ItemAnswer(np.arange(len(truth)), truth, said, k), units=len(truth), resamples=resamples, seed=0
    )


def test_rmse_by_hand() -> None:
    # Differences 1, 1, 4: √(18 / 3).
    found = measure("rmse:v1", [1.0, 2.0, 3.0], [2.0, 1.0, 7.0]).measured
    assert found.value == pytest.approx(6**0.5, abs=1e-15)
    assert found.details["mean_error"] == pytest.approx(4 / 3)


def test_rmse_agrees_with_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    truth, said = draw.normal(size=80), draw.normal(size=80)
    assert measure("rmse:v1", truth, said).measured.value == pytest.approx(
        root_mean_squared_error(truth, said), abs=1e-12
    )


SCORES = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2], [0.3, 0.3, 0.3]])


@pytest.mark.parametrize(
    ("k", "hits"),
    [
        # True classes 0, 1, 0, 2. Item 2 ties with one other at the top, item 3 with both others.
        (1, [1.0, 0.0, 0.5, 1 / 3]),
        (2, [1.0, 1.0, 1.0, 2 / 3]),
        (3, [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_ties_count_as_the_chance_in_a_random_order(k: int, hits: list[float]) -> None:
    assert topk_hits(np.array([0, 1, 0, 2]), SCORES, k).tolist() == hits
    assert measure("topk:v1", [0, 1, 0, 2], SCORES, k=k).measured.value == pytest.approx(sum(hits) / 4, abs=1e-15)


def test_a_tie_below_the_top_shares_what_is_left() -> None:
    # One class above, two tied for the second place: one half of them is among the two highest.
    assert topk_hits(np.array([1]), np.array([[0.9, 0.4, 0.4, 0.1]]), 2).tolist() == [0.5]
    assert topk_hits(np.array([1]), np.array([[0.9, 0.4, 0.4, 0.1]]), 1).tolist() == [0.0]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_without_ties_it_agrees_with_scikit_learn(k: int) -> None:
    draw = np.random.default_rng(k)
    truth, scores = draw.integers(0, 5, 60), draw.random((60, 5))
    wanted = top_k_accuracy_score(truth, scores, k=k, labels=range(5))
    assert measure("topk:v1", truth, scores, k=k).measured.value == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("k", [0, 4, -1])
def test_k_beyond_the_classes_is_refused(k: int) -> None:
    with pytest.raises(InvalidInput, match="k from 1 to the 3 classes"):
        measure("topk:v1", [0, 1, 0, 2], SCORES, k=k)


def test_a_class_without_a_column_is_refused() -> None:
    with pytest.raises(InvalidInput, match="true classes from 0 to 2"):
        measure("topk:v1", [0, 1, 0, 3], SCORES)


def test_the_draws_of_a_mean_are_those_of_resampled_scans() -> None:
    values = np.random.default_rng(1).random(12)
    found = evaluate("dice:v1", ValueAnswer(np.arange(12), values), units=12, resamples=30, seed=8)
    generator = np.random.RandomState(8)
    wanted = [values[generator.randint(12, size=12)].mean() for _ in range(30)]
    assert found.draws == pytest.approx(wanted, abs=1e-12)
    assert found.measured.interval == pytest.approx(tuple(np.quantile(wanted, [0.025, 0.975])), abs=1e-12)


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidInput, match="finite value for each item"):
        evaluate("hd95:v1", ValueAnswer(np.arange(2), np.array([1.0, np.inf])), units=2, resamples=0, seed=0)
