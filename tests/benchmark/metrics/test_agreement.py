"""Quadratic weighted kappa by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from workbench.benchmark.metrics.evaluate import ItemAnswer, evaluate
from workbench.errors import InvalidInput


def qwk(truth: list[int], said: list[int]) -> float:
    answer = ItemAnswer(np.arange(len(truth)), np.array(truth), np.array(said))
    return evaluate("qwk:v1", answer, units=len(truth), resamples=0, seed=0).measured.value


def test_four_items_by_hand() -> None:
    # Squares: 0 + 0 + 1 + 1 = 2. All pairings of (1, 2, 3, 4) and (1, 2, 4, 3): Σ (t - p)² = 2 × 4 × 30 - 2 × 10 × 10
    # = 40, over 4 items 10. 1 - 2 / 10.
    assert qwk([1, 2, 3, 4], [1, 2, 4, 3]) == 0.8


def test_agreement_and_its_opposite() -> None:
    assert qwk([0, 1, 2], [0, 1, 2]) == 1.0
    assert qwk([0, 2], [2, 0]) == -1.0


def test_a_constant_answer_agrees_as_chance_does() -> None:
    assert qwk([0, 1, 2, 2], [1, 1, 1, 1]) == 0.0


def test_the_distance_counts_not_the_names_of_the_grades() -> None:
    assert qwk([1001, 1002, 1004], [1001, 1004, 1004]) == qwk([1, 2, 4], [1, 4, 4])


def test_a_truth_of_one_grade_is_refused() -> None:
    with pytest.raises(InvalidInput, match="two different grades"):
        qwk([2, 2], [1, 2])


def test_grades_that_are_not_whole_are_refused() -> None:
    with pytest.raises(InvalidInput, match="whole numbers"):
        evaluate("qwk:v1", ItemAnswer(np.arange(2), np.array([1, 2]), np.array([1.5, 2])), units=2, resamples=0, seed=0)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.integers(1, 6, 50)
    return truth, np.clip(truth + draw.integers(-2, 3, 50), 1, 5)


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_scikit_learn(seed: int) -> None:
    truth, said = drawn(seed)
    assert qwk(truth.tolist(), said.tolist()) == pytest.approx(
        cohen_kappa_score(truth, said, weights="quadratic"), abs=1e-12
    )


def test_each_draw_is_that_of_its_resampled_units() -> None:
    truth, said = drawn(7)
    unit = np.arange(50) // 5
    found = evaluate("qwk:v1", ItemAnswer(unit, truth, said), units=10, resamples=20, seed=2)
    generator = np.random.RandomState(2)
    for draw in found.draws:
        items = np.concatenate([np.flatnonzero(unit == one) for one in generator.randint(10, size=10)])
        assert draw == pytest.approx(cohen_kappa_score(truth[items], said[items], weights="quadratic"), abs=1e-12)


def test_a_resample_of_one_grade_is_left_out() -> None:
    found = evaluate(
        "qwk:v1", ItemAnswer(np.arange(2), np.array([0, 1]), np.array([0, 1])), units=2, resamples=40, seed=0
    )
    assert np.isnan(found.draws).sum() > 0
    assert set(found.draws[np.isfinite(found.draws)]) == {1.0}
