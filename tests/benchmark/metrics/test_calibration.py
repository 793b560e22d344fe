"""Brier score, calibration error, slope and intercept by hand and against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.metrics import brier_score_loss

from workbench.benchmark.metrics.calibration import fit
from workbench.benchmark.metrics.evaluate import Evaluation, ItemAnswer, evaluate
from workbench.errors import InvalidInput


def measure(metric: str, truth: object, said: object, resamples: int = 0) -> Evaluation:
    truth, said = np.array(truth), np.array(said, dtype=float)
    return evaluate(
        metric, ItemAnswer(np.arange(len(truth)), truth, said), units=len(truth), resamples=resamples, seed=0
    )


def drawn(seed: int, items: int = 200) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    said = draw.uniform(0.02, 0.98, items)
    return draw.random(items) < said**1.5, said


def test_brier_by_hand() -> None:
    # (0.2² + 0.5² + 0.1²) / 3.
    assert measure("brier:v1", [1, 0, 0], [0.8, 0.5, 0.1]).measured.value == pytest.approx(0.3 / 3, abs=1e-15)


def test_brier_agrees_with_scikit_learn() -> None:
    truth, said = drawn(0)
    assert measure("brier:v1", truth, said).measured.value == pytest.approx(brier_score_loss(truth, said), abs=1e-12)


def test_calibration_error_by_hand() -> None:
    # Bin 0.2…0.3: mean 0.25, share 1/2, two items; bin 0.9…1: mean 0.95, share 1, two items. (0.25 + 0.05) / 2.
    found = measure("ece:v1", [0, 1, 1, 1], [0.2, 0.3 - 1e-12, 0.9, 1.0]).measured
    assert found.value == pytest.approx(0.15, abs=1e-9)
    assert found.details["items_in_bins"] == [0, 0, 2, 0, 0, 0, 0, 0, 0, 2]


@pytest.mark.parametrize("border", [0.1, 0.3, 0.6, 0.7, 0.9])
def test_a_border_belongs_to_the_upper_bin(border: float) -> None:
    bins = measure("ece:v1", [0, 1], [border, border]).measured.details["items_in_bins"]
    assert bins.index(2) == round(border * 10)


def test_errors_within_a_bin_cancel_and_between_bins_do_not() -> None:
    assert measure("ece:v1", [1, 0], [0.55, 0.55]).measured.value == pytest.approx(0.05)
    assert measure("ece:v1", [1, 0], [0.05, 0.95]).measured.value == pytest.approx(0.95)


def test_a_logistic_truth_has_slope_1() -> None:
    # At 0.2 one of five is positive, at 0.8 four of five: exactly what was said.
    truth = [1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    found = measure("calibration:v1", truth, [0.2] * 5 + [0.8] * 5).measured
    assert found.value == pytest.approx(1.0, abs=1e-9)
    assert found.details["intercept"] == pytest.approx(0.0, abs=1e-9)
    assert found.details["in_the_large"] == pytest.approx(0.0, abs=1e-9)


def test_predictions_that_are_too_extreme_have_a_smaller_slope() -> None:
    # Logit 2 log 4 was said where log 4 is true, so the slope is one half.
    truth = [1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    found = measure("calibration:v1", truth, [1 / 17] * 5 + [16 / 17] * 5).measured
    assert found.value == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_the_maximum_that_scipy_finds(seed: int) -> None:
    truth, said = drawn(seed)
    x = np.log(said / (1 - said))
    weight = np.random.default_rng(seed).integers(0, 4, (3, len(x))).astype(float)
    slope, intercept = fit(x, truth, weight)
    for row in range(3):

        def loss(ab: np.ndarray, row: int = row) -> float:
            line = ab[0] + ab[1] * x
            return float((weight[row] * (np.logaddexp(0, line) - truth * line)).sum())

        best = minimize(loss, [0.0, 1.0], method="BFGS", options={"gtol": 1e-8})
        assert (intercept[row], slope[row]) == pytest.approx(tuple(best.x), abs=1e-5)
        assert loss(np.array([intercept[row], slope[row]])) <= best.fun + 1e-9


@pytest.mark.parametrize("said", [[0.1, 0.2, 0.8, 0.9], [0.5] * 4, [0.9, 0.8, 0.2, 0.1], [0.1, 0.5, 0.5, 0.9]])
def test_kinds_that_are_separated_have_no_slope(said: list[float]) -> None:
    with pytest.raises(InvalidInput, match="no calibration slope"):
        measure("calibration:v1", [0, 0, 1, 1], said)


def test_the_in_the_large_intercept_makes_the_sums_equal() -> None:
    truth, said = drawn(3)
    shift = measure("calibration:v1", truth, said).measured.details["in_the_large"]
    logit = np.log(said / (1 - said))
    assert (1 / (1 + np.exp(-(logit + shift)))).sum() == pytest.approx(truth.sum(), abs=1e-9)


@pytest.mark.parametrize("metric", ["brier:v1", "ece:v1", "calibration:v1"])
def test_each_draw_is_that_of_its_resampled_items(metric: str) -> None:
    truth, said = drawn(5)
    found = measure(metric, truth, said, resamples=5)
    generator = np.random.RandomState(0)
    for draw in found.draws:
        chosen = generator.randint(200, size=200)
        assert draw == pytest.approx(measure(metric, truth[chosen], said[chosen]).measured.value, abs=1e-9)


@pytest.mark.parametrize("metric", ["brier:v1", "ece:v1", "calibration:v1"])
def test_what_is_no_probability_is_refused(metric: str) -> None:
    with pytest.raises(InvalidInput, match="probabilities from 0 to 1"):
        measure(metric, [0, 1], [0.5, 1.5])
