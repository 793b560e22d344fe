"""Baselines are answers without learning, measured once for a version of a task."""

from __future__ import annotations

import time

from small_tests import items_test

from workbench.benchmark.evaluation.baselines import answer_of, measure_baselines
from workbench.benchmark.tasks.fields import Baseline

TABLE = {"malignant": [True, False, True], "diameter_mm": [20.0, 5.0, 10.0]}
COLUMN = Baseline(name="diameter alone", rule="column", column="diameter_mm")
CONSTANT = Baseline(name="one half", rule="constant")


def test_a_column_answers_in_its_own_order_as_probabilities() -> None:
    hidden = items_test("binary", ("auc_delong:v1",), TABLE, column="malignant")

    assert [answer_of(hidden, COLUMN).value(item) for item in hidden.items] == [1.0, 0.0, 1 / 3]


def test_a_column_of_grades_answers_with_levels() -> None:
    table = {"grade": [0, 2, 1], "diameter_mm": [-3.0, 9.0, 1.4]}
    hidden = items_test("ordinal", ("qwk:v1",), table, column="grade", levels=(0, 2))

    assert [answer_of(hidden, COLUMN).value(item) for item in hidden.items] == [0.0, 2.0, 1.0]


def test_a_constant_is_the_best_answer_without_looking() -> None:
    sizes = items_test("regression", ("rmse:v1",), {"size": [1.0, 2.0, 6.0]}, column="size")
    kinds = items_test("multiclass", ("topk:v1",), {"kind": ["a", "b", "a"]}, column="kind", classes=("a", "b", "c"))

    assert answer_of(sizes, CONSTANT).value("S2") == 3.0
    assert answer_of(kinds, CONSTANT).rows["S3"] == ((2 / 3, 1 / 3, 0.0),)


def test_each_baseline_is_measured_once_and_none_after_the_time() -> None:
    hidden = items_test("binary", ("auc_delong:v1",), TABLE, column="malignant")
    task = hidden.task.model_copy(update={"baselines": (COLUMN, CONSTANT)})
    hidden = type(hidden)(**{**vars(hidden), "task": task})
    log: list[str] = []

    found = measure_baselines(hidden, ["one half"], ends=time.monotonic() + 60, log=log.append)
    assert {name: one.scores["value"] for name, one in found.items()} == {"diameter alone": 1.0}
    assert measure_baselines(hidden, [], ends=time.monotonic() - 1, log=log.append) == {}
    assert "no time is left" in log[0]


def test_a_baseline_that_lacks_an_item_fails_no_submission() -> None:
    table = {"malignant": [True, False, True], "diameter_mm": [20.0, 5.0, None]}
    hidden = items_test("binary", ("auc_delong:v1",), table, column="malignant")
    task = hidden.task.model_copy(update={"baselines": (COLUMN,), "missing": "reject"})
    hidden = type(hidden)(**{**vars(hidden), "task": task})
    log: list[str] = []

    assert measure_baselines(hidden, [], ends=time.monotonic() + 60, log=log.append) == {}
    assert "1 of 3 items have no prediction" in log[0]
