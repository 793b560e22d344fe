"""Candidates, operating points and judgements as a person gives them, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidInput
from workbench.viewer.view import view
from workbench.viewer.widget import CTView, Opened

PLACES = [(0.0, 0.0, 110.0), (1.0, 0.0, 120.0), (2.0, 0.0, 130.0), (3.0, 0.0, 140.0)]


def candidates(*scores: float) -> list[dict[str, Any]]:
    return [{"position_mm": place, "score": score} for place, score in zip(PLACES, scores, strict=False)]


@pytest.fixture
def shown(volume: Any) -> CTView:
    return CTView(Opened(volume, "V1"), position_mm=(5.0, 4.0, 150.5), candidates=candidates(0.2, 0.9, 0.5))


def scores(shown: CTView) -> list[float]:
    return [one["score"] for one in shown.candidates]


def test_best_score_comes_first_and_equal_ones_keep_their_order(shown: CTView) -> None:
    shown.candidates = candidates(0.5, 0.9, 0.5, 0.5)
    assert scores(shown) == [0.9, 0.5, 0.5, 0.5]
    assert [one["position_mm"][0] for one in shown.candidates] == [1.0, 0.0, 2.0, 3.0]


def test_tables_mappings_and_objects_read_the_same(shown: CTView) -> None:
    row = {"x_mm": 1.0, "y_mm": 2.0, "z_mm": 120.0, "probability": 0.7, "diameter_mm": 6.5, "label": "solid"}
    expected = [{"position_mm": [1.0, 2.0, 120.0], "score": 0.7, "diameter_mm": 6.5, "label": "solid"}]
    for given in (pd.DataFrame([row]), [row], [SimpleNamespace(**row)], iter([row])):
        shown.candidates = given
        assert shown.candidates == expected


def test_columns_that_tell_the_truth_stay_in_the_kernel(shown: CTView) -> None:
    row = {"scan": "S1", "x_mm": 1.0, "y_mm": 2.0, "z_mm": 120.0, "probability": 0.7, "kind": "hit"}
    shown.candidates = pd.DataFrame([row])
    assert "hit" not in repr(shown.get_state()["candidates"])


def test_a_table_may_leave_diameters_and_labels_out(shown: CTView) -> None:
    table = pd.DataFrame({"x_mm": [1.0, 2], "y_mm": 0.0, "z_mm": 120.0, "score": [1, 2], "diameter_mm": [np.nan, 4]})
    shown.candidates = table.assign(label=[None, np.nan])
    assert [one["diameter_mm"] for one in shown.candidates] == [4.0, 0.0]
    assert [one["label"] for one in shown.candidates] == ["", ""]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (candidates(float("nan")), "no finite score"),
        (candidates(float("inf")), "no finite score"),
        ([{"position_mm": (0, 0, 110), "score": "high"}], "no finite score"),
        ([{"position_mm": (0, 0, 110), "score": True}], "no finite score"),
        ([{"position_mm": (0, 0, float("nan")), "score": 1}], "Candidate 0: .*three finite numbers"),
        ([{"position_mm": (0, 0, 900), "score": 1}], "Candidate 0: .*outside this volume"),
        ([{"score": 1}], "no position_mm and no x_mm"),
        ([17], "no position_mm"),
        ([{"position_mm": (0, 0, 110), "score": 1, "diameter_mm": -1}], "diameter_mm of candidate 0 is -1"),
        ([{"position_mm": (0, 0, 110), "score": 1, "diameter_mm": "wide"}], "diameter_mm of candidate 0"),
        (candidates(1.0) * 5001, "5,001 candidates are more"),
        ("S0001", "`candidates` is a str"),
        ({"position_mm": (0, 0, 110), "score": 1}, "`candidates` is a dict"),
        (pd.DataFrame({"scan": ["a", "b"], "score": 1}), r"of 2 scans.*table.scan == 'a'"),
    ],
)
def test_bad_candidates_are_refused_with_a_sentence(shown: CTView, given: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        shown.candidates = given
    assert scores(shown) == [0.9, 0.5, 0.2]


def test_five_thousand_candidates_are_taken(shown: CTView) -> None:
    shown.candidates = candidates(1.0) * 5000
    assert len(shown.candidates) == 5000


def test_judgements_follow_their_places_when_scores_change(shown: CTView) -> None:
    shown.judgements = [{"candidate": 0, "verdict": "agree", "seconds": 3.5}, {"candidate": 2, "verdict": "reject"}]
    shown.candidates = candidates(0.95, 0.1, 0.5)
    # The place (1, 0, 120) fell from the first row to the last, (0, 0, 110) rose from the last to the first.
    table = shown.judgement_table()
    assert table[["candidate", "x_mm", "score", "verdict", "seconds"]].to_numpy().tolist() == [
        [2, 1.0, 0.1, "agree", 3.5], [0, 0.0, 0.95, "reject", 0.0],
    ]  # fmt: skip


def test_judgements_survive_every_threshold(shown: CTView) -> None:
    shown.judgements = [{"candidate": 2, "verdict": "agree"}]
    shown.threshold = 0.99
    assert len(shown.judgement_table()) == 1
    assert len(shown.candidates) == 3


def test_an_older_row_number_from_the_browser_does_not_win_over_the_place(shown: CTView) -> None:
    shown.judgements = [{"candidate": 1, "position_mm": [0.0, 0.0, 110.0], "verdict": "agree", "seconds": 1}]
    assert shown.judgements[0]["candidate"] == 2


def test_the_last_judgement_of_a_place_counts(shown: CTView) -> None:
    shown.judgements = [{"candidate": 0, "verdict": "agree"}, {"candidate": 0, "verdict": "reject"}]
    assert shown.judgement_table().verdict.tolist() == ["reject"]


def test_judged_places_cannot_be_lost_by_other_candidates(shown: CTView) -> None:
    shown.judgements = [{"candidate": 0, "verdict": "agree"}]
    with pytest.raises(InvalidInput, match=r"one there has been judged.*set view.judgements = \[\]"):
        shown.candidates = candidates(0.4)
    assert scores(shown) == [0.9, 0.5, 0.2]
    shown.judgements = []
    shown.candidates = candidates(0.4)
    assert scores(shown) == [0.4]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"candidate": 3, "verdict": "agree"}, "has 3; count them from 0"),
        ({"candidate": -1, "verdict": "agree"}, "count them from 0"),
        ({"candidate": True, "verdict": "agree"}, "count them from 0"),
        ({"verdict": "agree"}, "about candidate None"),
        ({"candidate": 0, "verdict": "maybe"}, "agree or reject"),
        ({"candidate": 0, "verdict": "agree", "seconds": -1}, "seconds of at least 0"),
        ({"candidate": 0, "verdict": "agree", "seconds": float("nan")}, "seconds of at least 0"),
        ({"position_mm": [[0], [0], [0]], "verdict": "agree"}, "no candidate at"),
    ],
)
def test_bad_judgements_are_refused_with_a_sentence(shown: CTView, row: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        shown.judgements = [row]


def test_an_empty_table_of_judgements_has_its_columns(shown: CTView) -> None:
    assert shown.judgement_table().columns.tolist() == [
        "candidate", "x_mm", "y_mm", "z_mm", "score", "diameter_mm", "label", "verdict", "seconds",
    ]  # fmt: skip


def test_operating_points_go_from_few_to_many_false_positives(shown: CTView) -> None:
    shown.operating_points = {4: 0.1, 0.5: 0.8, 1: 0.5}
    assert [point["fp_per_scan"] for point in shown.operating_points] == [0.5, 1.0, 4.0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([{"fp_per_scan": 1}], "Operating point 0"),
        ([{"fp_per_scan": -1, "threshold": 0.5}], "Operating point 0"),
        ([{"fp_per_scan": 1, "threshold": float("nan")}], "Operating point 0"),
        ({1: 0.5, 2: 0.6}, "At 2 false positives per scan the threshold is 0.6, higher than 0.5 at 1"),
        ("1 per scan", "`operating_points` is a str"),
        ({n: 1.0 for n in range(101)}, "101 operating points"),
    ],
)
def test_bad_operating_points_are_refused_with_a_sentence(shown: CTView, given: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        shown.operating_points = given


def test_every_candidate_is_shown_at_first_also_logits() -> None:
    array = np.zeros((20, 20, 20), dtype=np.int16)
    given = [{"position_mm": (1, 1, 1), "score": -7.5}, {"position_mm": (2, 2, 2), "score": -1}]
    assert view(array, spacing_mm=1.0, candidates=given).threshold == -7.5
    assert view(array, spacing_mm=1.0, candidates=given, threshold=-2).threshold == -2.0
    assert view(array, spacing_mm=1.0).threshold == 0.0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_threshold_that_is_no_score_is_refused(shown: CTView, value: float) -> None:
    with pytest.raises(InvalidInput, match="a finite number"):
        shown.threshold = value
