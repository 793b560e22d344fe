"""What leaves the evaluator: aggregates of the split's items, with subgroups, on the resamples that all share."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from small_tests import detection_test, items_test, said

from workbench.benchmark.evaluation.measuring import measure
from workbench.benchmark.evaluation.predictions import MARK, Predictions
from workbench.benchmark.tasks.fields import Subgroup
from workbench.errors import InvalidInput, SubmissionRefused
from workbench.governance.canonical import canonical_json

SIZES = {"size": [1.0, 2.0, 3.0, 4.0], "age": [50, 50, 70, 70]}


def test_the_scores_say_how_much_was_answered_and_name_every_metric() -> None:
    hidden = items_test("regression", ("rmse:v1",), SIZES, column="size")
    scores = measure(hidden, said(hidden, S1=1.0, S2=2.0, S3=3.0)).scores

    assert (scores["metric"], scores["items"], scores["answered"], scores["coverage"]) == ("rmse:v1", 4, 3, 0.75)
    assert (scores["units"], scores["secondary"]) == (4, {})


def test_only_the_items_of_the_split_count() -> None:
    hidden = items_test("regression", ("rmse:v1",), SIZES, column="size")
    right = {"S1": 1.0, "S2": 2.0, "S3": 3.0, "S4": 4.0}
    more = Predictions("regression", (*hidden.items, "S9"), ("prediction",),
                       {item: ((value,),) for item, value in {**right, "S9": 99.0}.items()})  # fmt: skip

    assert measure(hidden, more).scores["value"] == 0.0


def test_a_task_that_wants_every_item_refuses_the_others() -> None:
    hidden = items_test("regression", ("rmse:v1",), SIZES, column="size")
    task = hidden.task.model_copy(update={"missing": "reject"})
    hidden = type(hidden)(**{**vars(hidden), "task": task})

    with pytest.raises(SubmissionRefused, match="3 of 4 items"):
        measure(hidden, said(hidden, S1=1.0))


def test_subgroups_are_measured_on_their_own_items() -> None:
    group = Subgroup(name="age", column="age", bands=(60.0,))
    hidden = items_test("regression", ("rmse:v1",), SIZES, column="size", subgroups=(group,))
    groups = measure(hidden, said(hidden, S1=1.0, S2=2.0, S3=4.0, S4=5.0)).scores["subgroups"]

    assert [(one["group"], one["units"], one["value"]) for one in groups] == [
        ("60 or more", 2, 1.0),
        ("below 60", 2, 0.0),
    ]


def test_a_subgroup_that_cannot_carry_the_metric_has_no_value() -> None:
    group = Subgroup(name="age", column="age")
    table = {"malignant": [True, False, True, True], "age": [50, 50, 70, 70]}
    hidden = items_test("binary", ("auc_delong:v1",), table, column="malignant", subgroups=(group,))
    groups = measure(hidden, said(hidden, S1=0.9, S2=0.1, S3=0.5, S4=0.5)).scores["subgroups"]

    assert [(one["group"], one["value"]) for one in groups] == [("50", 1.0), ("70", None)]


def test_subgroups_of_nodules_leave_the_others_out_and_those_of_scans_the_scans() -> None:
    sizes = Subgroup(name="diameter", column="diameter_mm", bands=(10.0,))
    slices = Subgroup(name="slices", table="scans", column="spacing_z_mm", bands=(2.0,))
    hidden = detection_test([("S1", 0.0, 8.0), ("S1", 50.0, 12.0), ("S2", 0.0, 12.0)], subgroups=(sizes, slices))
    found = Predictions(
        "detection3d", hidden.items, MARK, {"S1": ((0.0, 0.0, 0.0, 0.9),), "S2": ((0.0, 0.0, 0.0, 0.9),)}
    )
    groups = {one["group"]: (one["value"], one["units"]) for one in measure(hidden, found).scores["subgroups"]}

    assert groups["below 10"] == (1.0, 1)
    assert groups["10 or more"] == (0.5, 2)
    assert groups["below 2"] == (0.5, 1) and groups["2 or more"] == (1.0, 1)


def test_the_same_predictions_give_the_same_bytes_in_whatever_order_they_come() -> None:
    hidden = items_test("regression", ("rmse:v1",), SIZES, column="size")
    values = {"S1": 1.5, "S2": 2.1, "S3": 2.9, "S4": 4.4}
    first = measure(hidden, said(hidden, **values)).as_dict()
    second = measure(hidden, said(hidden, **dict(reversed(values.items())))).as_dict()

    assert canonical_json(first) == canonical_json(second)
    draws = np.frombuffer(base64.b64decode(first["draws"]), "<f8")
    assert len(draws) == 200 and abs(float(np.quantile(draws, 0.025)) - first["scores"]["interval"][0]) < 1e-12


def test_no_number_in_the_scores_is_one_that_json_lacks() -> None:
    table = {"malignant": [True, True, False, False]}
    hidden = items_test("binary", ("auc_delong:v1", "calibration:v1"), table, column="malignant")
    scores = measure(hidden, said(hidden, S1=1.0, S2=1.0, S3=0.0, S4=0.0)).scores

    assert "NaN" not in json.dumps(scores) and "Infinity" not in json.dumps(scores)
    assert scores["secondary"]["calibration:v1"]["interval"] is None  # perfectly separated: no slope


def test_a_truth_that_cannot_carry_the_metric_is_the_operators_problem() -> None:
    hidden = items_test("binary", ("auc_delong:v1",), {"malignant": [True, True]}, column="malignant")

    with pytest.raises(InvalidInput, match="positive and negative"):
        measure(hidden, said(hidden, S1=0.5, S2=0.5))
    with pytest.raises(InvalidInput, match="no column"):
        hidden.column("nothing")
