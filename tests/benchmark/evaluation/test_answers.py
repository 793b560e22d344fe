"""What has no answer counts as the worst that could have been said, for every kind."""

from __future__ import annotations

import numpy as np
import pytest
from small_tests import detection_test, items_test, said

from workbench.benchmark.evaluation.answers import Answers
from workbench.benchmark.evaluation.measuring import measure
from workbench.benchmark.evaluation.predictions import MARK, Predictions


def value_of(hidden: object, predictions: Predictions) -> float:
    return float(measure(hidden, predictions).scores["value"])  # type: ignore[arg-type]


def test_missing_positives_lie_below_and_missing_negatives_above_every_answer() -> None:
    hidden = items_test("binary", ("auc_delong:v1",), {"malignant": [True, True, False, False]}, column="malignant")

    # Of the four pairs only (S1, S3) is in order; even an answer of 0 or 1 is beaten by what is missing.
    assert value_of(hidden, said(hidden, S1=0.9, S3=0.1)) == 0.25
    assert value_of(hidden, said(hidden, S1=0.0, S3=1.0)) == 0.0


def test_missing_probabilities_stay_probabilities_where_the_metric_needs_them() -> None:
    hidden = items_test("binary", ("auc_delong:v1", "brier:v1"), {"malignant": [True, False, True, False]},
                        column="malignant")  # fmt: skip
    scores = measure(hidden, said(hidden, S1=1.0, S2=0.0)).scores

    assert scores["secondary"]["brier:v1"]["value"] == 0.5  # (0 + 0 + 1 + 1) / 4


def test_a_missing_value_is_the_farthest_that_occurs() -> None:
    hidden = items_test("regression", ("rmse:v1",), {"size": [2.0, 4.0, 10.0]}, column="size")

    # S2 = 4 is farther from 10 than from 2: an error of 6; the others are right.
    assert value_of(hidden, said(hidden, S1=2.0, S3=10.0)) == pytest.approx(np.sqrt(36 / 3))


def test_a_missing_grade_is_the_farthest_level_of_the_task() -> None:
    hidden = items_test("ordinal", ("qwk:v1",), {"grade": [0, 4, 1, 3]}, column="grade", levels=(0, 4))
    answer = Answers(hidden, said(hidden, S1=0.0, S2=4.0)).answer("qwk:v1")

    assert answer.prediction.tolist() == [0.0, 4.0, 4.0, 0.0]  # type: ignore[union-attr]


def test_a_missing_class_is_the_true_one_last() -> None:
    hidden = items_test("multiclass", ("topk:v1",), {"kind": ["a", "b", "c"]}, column="kind", classes=("a", "b", "c"))

    assert value_of(hidden, said(hidden, S1=(0.8, 0.1, 0.1), S2=(0.1, 0.8, 0.1))) == pytest.approx(2 / 3)


def test_missing_risks_put_pairs_in_the_wrong_order() -> None:
    table = {"days": [10.0, 20.0, 30.0], "died": [True, True, False]}
    hidden = items_test("survival", ("cindex:v1",), table, column="days", event="died")

    assert value_of(hidden, said(hidden, S1=3.0, S2=2.0, S3=1.0)) == 1.0
    # Pairs: (S1, S2), (S1, S3), (S2, S3). Without S1 its two are wrong; without any answer all three are.
    assert value_of(hidden, said(hidden, S2=2.0, S3=1.0)) == pytest.approx(1 / 3)
    assert value_of(hidden, said(hidden)) == 0.0


def test_a_scan_without_marks_has_found_nothing() -> None:
    hidden = detection_test([("S1", 0.0, 8.0), ("S2", 0.0, 8.0)])
    found = Predictions("detection3d", hidden.items, MARK, {"S1": ((1.0, 0.0, 0.0, 0.9),)})

    assert value_of(hidden, found) == 0.5  # one of two nodules, without a false mark
    assert value_of(hidden, Predictions("detection3d", hidden.items, MARK, {})) == 0.0
