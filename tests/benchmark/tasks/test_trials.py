"""A baseline is held against the ceiling on shared resamples, whatever the direction of the metric."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.benchmark.metrics.evaluate import ItemAnswer, ValueAnswer
from workbench.benchmark.tasks.numbers import Counts
from workbench.benchmark.tasks.trials import ABOVE, BELOW, LEVEL, ORACLE, Trial, measure
from workbench.errors import InvalidInput


def values(*numbers: float) -> dict[str, ValueAnswer]:
    return {"hd95:v1": ValueAnswer(np.arange(len(numbers)), np.array(numbers))}


def test_worse_is_below_also_where_less_is_better() -> None:
    trial = Trial(Counts(4, 4), {ORACLE: values(0, 0, 0, 0), "worse": values(3, 4, 5, 4)})
    oracle, worse = measure(trial, "hd95:v1", higher_is_better=False, resamples=200, seed=0)
    assert (oracle.name, oracle.value, oracle.verdict) == (ORACLE, 0.0, "")
    assert (worse.value, worse.gap, worse.verdict) == (4.0, 4.0, BELOW)


def test_better_than_the_ceiling_is_above() -> None:
    trial = Trial(Counts(4, 4), {ORACLE: values(5, 6, 5, 6), "better": values(1, 1, 2, 1)})
    better = measure(trial, "hd95:v1", higher_is_better=False, resamples=200, seed=0)[1]
    assert (better.gap, better.verdict, better.seen_from) == (-4.25, ABOVE, None)


def test_equal_answers_cannot_be_told_apart() -> None:
    trial = Trial(Counts(4, 4), {ORACLE: values(1, 2, 3, 4), "same": values(1, 2, 3, 4)})
    same = measure(trial, "hd95:v1", higher_is_better=False, resamples=200, seed=0)[1]
    assert (same.gap, same.p, same.verdict) == (0.0, 1.0, LEVEL)


def test_the_best_baseline_comes_first_after_the_ceiling() -> None:
    truth, unit = np.array([1, 1, 1, 0, 0, 0]), np.arange(6)
    said = {ORACLE: [9, 8, 7, 3, 2, 1], "poor": [1, 5, 2, 4, 3, 6], "good": [9, 8, 2, 3, 2, 1]}
    answers = {
        name: {"auc_delong:v1": ItemAnswer(unit, truth, np.array(numbers, dtype=float))}
        for name, numbers in said.items()
    }
    rows = measure(Trial(Counts(6, 6, 3), answers), "auc_delong:v1", higher_is_better=True, resamples=200, seed=1)
    assert [row.name for row in rows] == [ORACLE, "good", "poor"]
    assert rows[0].value == 1.0


def test_without_a_ceiling_nothing_is_compared() -> None:
    (row,) = measure(
        Trial(Counts(3, 3), {"a": values(1, 2, 3)}), "hd95:v1", higher_is_better=False, resamples=50, seed=0
    )
    assert (row.value, row.gap, row.verdict) == (2.0, None, "")


def test_what_cannot_be_measured_names_whose_it_is() -> None:
    answer = ItemAnswer(np.arange(2), np.array([1, 1]), np.array([0.5, 0.5]))
    trial = Trial(Counts(2, 2, 2), {"flat": {"auc_delong:v1": answer}})
    with pytest.raises(InvalidInput, match="^flat: "):
        measure(trial, "auc_delong:v1", higher_is_better=True, resamples=50, seed=0)
