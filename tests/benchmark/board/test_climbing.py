"""The Ladder answers with a number only when it is a significant improvement; every number here is worked by hand."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from statistics import mean
from types import ModuleType

import numpy as np
import pytest

from workbench.benchmark.board.climbing import Rung, is_improvement, shown_numbers, standard_error

BENCH = Path(__file__).resolve().parents[2] / "bench" / "no_skill.py"


def rung(value: float, *draws: float) -> Rung:
    return Rung(value, np.array(draws))


@pytest.fixture(scope="module")
def no_skill() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_no_skill", BENCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_first_submission_is_answered_with_its_number() -> None:
    assert is_improvement(rung(0.1, 0.1, 0.2), None)


# The differences of the draws are 0, 0.1 and 0.2: mean 0.1, standard deviation √((0.01 + 0 + 0.01) / 2) = 0.1.
BEST = rung(0.50, 0.4, 0.5, 0.6)


@pytest.mark.parametrize(("value", "climbs"), [(0.5999, False), (0.61, True), (0.5, False), (0.4, False)])
def test_a_gain_counts_when_it_is_larger_than_the_paired_standard_error(value: float, climbs: bool) -> None:
    new = rung(value, 0.4, 0.6, 0.8)
    assert standard_error(new.draws, BEST.draws) == pytest.approx(0.1)
    assert is_improvement(new, BEST) is climbs


def test_the_same_predictions_again_are_no_improvement() -> None:
    assert not is_improvement(BEST, BEST)


def test_a_gain_that_is_the_same_in_every_resample_counts_however_small() -> None:
    assert is_improvement(Rung(0.5625, BEST.draws + 0.0625), Rung(0.5, BEST.draws))


def test_where_less_is_better_a_lower_value_climbs() -> None:
    lower, higher = rung(1.0, 1.0, 1.1, 0.9), rung(1.5, 1.5, 1.6, 1.4)
    assert is_improvement(lower, higher, higher_is_better=False)
    assert not is_improvement(higher, lower, higher_is_better=False)


def test_resamples_without_a_value_are_left_out() -> None:
    assert standard_error(np.array([0.4, math.nan, 0.6]), np.array([0.4, 0.5, 0.4])) == pytest.approx(math.sqrt(0.02))


def test_nothing_climbs_when_too_few_resamples_have_a_value() -> None:
    assert not is_improvement(rung(0.9, math.nan, 0.9), rung(0.1, 0.1, 0.1))


@pytest.mark.parametrize(
    ("value", "interval", "shown"),
    [
        # The second digit of an error of 0.031 is at the third place.
        (0.813725, (0.754, 0.87356), (0.814, (0.754, 0.874))),
        # That of 3.6 is at the first.
        (41.2345, (34.2, 48.3), (41.2, (34.2, 48.3))),
        (0.5, None, (0.5, None)),
        (-0.00001, (-0.1, 0.1), (0.0, (-0.1, 0.1))),
    ],
)
def test_numbers_are_shown_to_two_digits_of_their_error(
    value: float, interval: tuple[float, float] | None, shown: tuple[float, object]
) -> None:
    assert shown_numbers(value, interval, None) == shown


def test_labels_cannot_be_hidden_in_the_digits_of_a_score() -> None:
    """1, 2, 4… millionths from one half give each set of labels a Brier score of its own; shown, all are one."""
    predictions = 0.5 + 1e-6 * 2.0 ** np.arange(6)
    labels = np.array([[number >> case & 1 for case in range(6)] for number in range(64)])
    scores = ((predictions - labels) ** 2).mean(axis=1)
    shown = {shown_numbers(score, (score - 0.1, score + 0.1), None)[0] for score in scores}
    assert (len({float(score) for score in scores}), shown) == (64, {0.25})


def test_a_thousand_queries_without_skill_gain_little_through_the_ladder(no_skill: ModuleType) -> None:
    gained = [no_skill.attack(1000, True, seed) for seed in range(6)]
    assert mean(one.shown for one in gained) <= 0.11
    assert mean(one.public for one in gained) <= 0.11
    assert abs(mean(one.final for one in gained)) <= 0.04


def test_a_thousand_queries_without_skill_fit_a_board_of_exact_scores(no_skill: ModuleType) -> None:
    gained = no_skill.attack(1000, False, 0)
    assert gained.shown > 0.35
    assert abs(gained.final) <= 0.1
