"""One door for every metric: draws that belong together, subgroups, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from workbench.benchmark.metrics.definitions import DEFINITIONS, definition
from workbench.benchmark.metrics.evaluate import (
    Answer,
    ItemAnswer,
    MarksAnswer,
    ValueAnswer,
    evaluate,
    restrict,
    restrict_findings,
)
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.benchmark.metrics.resampling import paired
from workbench.errors import InvalidInput

UNITS = 12


def answer_to(metric: str, seed: int = 0) -> Answer:
    """Give an answer of the kind that a metric takes, two items in each unit."""
    draw = np.random.default_rng(seed)
    unit, kinds = np.arange(24) // 2, np.arange(24) % 3 == 0
    if metric == "froc_cpm:v1":
        centres = draw.uniform(-50, 50, (24, 3))
        findings = Findings(unit, centres, np.full(24, 9.0), np.ones(24, dtype=bool))
        return MarksAnswer(Marks(unit, centres + draw.normal(0, 3, (24, 3)), draw.random(24)), findings, UNITS)
    if metric in ("dice:v1", "hd95:v1"):
        return ValueAnswer(unit, draw.random(24))
    truth, said = {
        "qwk:v1": (draw.integers(1, 5, 24), draw.integers(1, 5, 24)),
        "topk:v1": (draw.integers(0, 4, 24), draw.random((24, 4))),
        "cindex:v1": (np.stack([draw.random(24), kinds], axis=1), draw.random(24)),
        "rmse:v1": (draw.random(24), draw.random(24)),
    }.get(metric, (kinds, draw.uniform(0.05, 0.95, 24)))
    return ItemAnswer(unit, truth, said)


@pytest.mark.parametrize("metric", sorted(DEFINITIONS))
def test_every_metric_gives_value_interval_and_draws(metric: str) -> None:
    found = evaluate(metric, answer_to(metric), units=UNITS, resamples=200, seed=1)
    assert found.measured.metric == metric
    assert found.draws.shape == (200,)
    low, high = found.measured.interval or (1, 0)
    assert low <= high
    assert found.measured.details["units"] == UNITS


@pytest.mark.parametrize("metric", sorted(DEFINITIONS))
def test_every_number_is_plain_json_with_its_definition(metric: str) -> None:
    body = evaluate(metric, answer_to(metric), units=UNITS, resamples=20, seed=1).measured.as_dict()
    read = json.loads(json.dumps(body, allow_nan=False))
    assert read["definition"] == definition(metric).text
    assert read[definition(metric).short] == read["value"]


@pytest.mark.parametrize("metric", sorted(DEFINITIONS))
def test_the_whole_and_a_subgroup_of_everything_are_the_same(metric: str) -> None:
    answer = answer_to(metric)
    everything = np.ones(UNITS if isinstance(answer, MarksAnswer) else 24, dtype=bool)
    whole = evaluate(metric, answer, units=UNITS, resamples=30, seed=1)
    part = evaluate(metric, restrict(answer, everything), units=UNITS, resamples=30, seed=1)
    assert (part.measured.value, part.draws.tolist()) == (whole.measured.value, whole.draws.tolist())


@pytest.mark.parametrize("metric", sorted(DEFINITIONS))
def test_without_resamples_there_is_no_interval_but_delongs(metric: str) -> None:
    found = evaluate(metric, answer_to(metric), units=UNITS, resamples=0, seed=0)
    assert found.draws.size == 0
    assert (found.measured.interval is None) is (metric != "auc_delong:v1")


def test_the_draws_of_a_subgroup_are_those_of_its_own_units() -> None:
    # The first half of the units only: a draw is the mean over these in the resample of all.
    answer = ValueAnswer(np.arange(4), np.array([1.0, 2.0, 30.0, 40.0]))
    part = restrict(answer, np.array([True, True, False, False]))
    draws = evaluate("dice:v1", part, units=4, resamples=50, seed=3).draws
    generator = np.random.RandomState(3)
    chosen = [generator.randint(4, size=4) for _ in range(50)]
    wanted = [(row[row < 2] + 1.0).mean() if (row < 2).any() else np.nan for row in chosen]
    assert draws.tolist() == pytest.approx(wanted, nan_ok=True, abs=1e-12)


def test_marks_of_a_subgroup_of_scans_are_measured_among_those_scans() -> None:
    # Scans 0 and 2 of three, each with a nodule that is found; scan 1 has a false mark that does not count here.
    far, here = [500.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    findings = Findings(np.array([0, 1, 2]), np.zeros((3, 3)), np.full(3, 8.0), np.ones(3, dtype=bool))
    marks = Marks(np.array([0, 1, 2]), np.array([here, far, here]), np.array([0.5, 0.9, 0.4]))
    part = restrict(MarksAnswer(marks, findings, 3), np.array([True, False, True]))
    found = evaluate("froc_cpm:v1", part, units=3, resamples=20, seed=0).measured
    assert (found.value, found.details["scans"], found.details["nodules"]) == (1.0, 2, 2)


def test_scans_of_one_patient_are_drawn_together() -> None:
    answer = answer_to("froc_cpm:v1")
    assert isinstance(answer, MarksAnswer)
    patients = MarksAnswer(answer.marks, answer.findings, answer.scans, np.arange(UNITS) // 6)
    draws = evaluate("froc_cpm:v1", patients, units=2, resamples=60, seed=0).draws
    # Two patients give three kinds of resample: both, the first twice, the second twice.
    assert len(set(draws.round(12))) == 3


def test_a_subgroup_of_nodules_lets_the_others_count_neither_way() -> None:
    answer = answer_to("froc_cpm:v1")
    assert isinstance(answer, MarksAnswer)
    part = restrict_findings(answer, np.arange(24) < 10)
    whole = evaluate("froc_cpm:v1", answer, units=UNITS, resamples=0, seed=0).measured.details
    found = evaluate("froc_cpm:v1", part, units=UNITS, resamples=0, seed=0).measured.details
    assert (found["nodules"], found["false_positives"]) == (10, whole["false_positives"])


def test_two_answers_to_one_truth_are_paired() -> None:
    # The second is worse by 0.1 for every item, so each draw differs by exactly that.
    values = np.random.default_rng(0).random(9)
    answers = [ValueAnswer(np.arange(9), one) for one in (values, values - 0.1)]
    first, second = (evaluate("dice:v1", one, units=9, resamples=100, seed=5) for one in answers)
    assert paired(first.draws, second.draws).interval == pytest.approx((0.1, 0.1), abs=1e-12)


def test_one_unit_has_no_interval() -> None:
    answer = ValueAnswer(np.zeros(3, dtype=int), np.array([0.1, 0.2, 0.6]))
    found = evaluate("dice:v1", answer, units=1, resamples=9, seed=0).measured
    assert (found.value, found.interval) == (pytest.approx(0.3), None)


ONE, TWO = np.ones(1), np.arange(2)


@pytest.mark.parametrize(
    ("metric", "answer", "said"),
    [
        ("dice:v9", ValueAnswer(TWO[:1], ONE), "Did you mean dice:v1"),
        ("dice", ValueAnswer(TWO[:1], ONE), "Did you mean dice:v1"),
        ("dice:v1", ItemAnswer(TWO[:1], ONE, ONE), "cannot measure ItemAnswer"),
        ("rmse:v1", ValueAnswer(TWO[:1], ONE), "cannot measure ValueAnswer"),
        ("rmse:v1", ItemAnswer(TWO, np.ones(2), np.ones(3)), "cannot measure truth of shape"),
        ("cindex:v1", ItemAnswer(TWO, np.ones(2), np.ones(2)), "cannot measure truth of shape"),
        ("topk:v1", ItemAnswer(TWO, np.ones(2), np.ones(2)), "cannot measure truth of shape"),
        ("rmse:v1", ItemAnswer(TWO, np.ones(2), np.array([1.0, np.nan])), "needs finite numbers"),
        ("auc_delong:v1", ItemAnswer(TWO, np.array([0.0, 2.0]), np.ones(2)), "truth of 0 or 1"),
        ("auc_delong:v1", ItemAnswer(TWO, np.ones(2), np.ones(2)), "there are 2 and 0"),
        ("dice:v1", ValueAnswer(np.array([0, 3]), np.ones(2)), "a unit from 0 to 2"),
        ("dice:v1", ValueAnswer(np.array([-1, 0]), np.ones(2)), "a unit from 0 to 2"),
        ("dice:v1", ValueAnswer(TWO, np.ones(3)), "a unit from 0 to 2"),
        ("dice:v1", ValueAnswer(TWO[:0], ONE[:0]), "one at least"),
    ],
)
def test_what_cannot_be_measured_is_refused(metric: str, answer: Answer, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        evaluate(metric, answer, units=3, resamples=10, seed=0)


def test_only_calibration_ranks_nothing() -> None:
    assert [one.metric for one in DEFINITIONS.values() if not one.may_rank] == ["calibration:v1"]
    assert {one.metric for one in DEFINITIONS.values() if not one.higher_is_better} == {
        "hd95:v1", "rmse:v1", "brier:v1", "ece:v1",
    }  # fmt: skip
