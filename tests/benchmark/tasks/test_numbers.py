"""What a test can carry is told before anybody has submitted: the interval that is to be expected."""

from __future__ import annotations

import math

import pytest

from workbench.benchmark.tasks.numbers import Counts, expected_half_width, too_few


def test_half_an_area_s_interval_is_hanley_and_mcneil_s() -> None:
    # A = .75: Q1 = .75/1.25 = .6, Q2 = 2·.5625/1.75 = .642857; 50 and 50:
    # (.1875 + 49·(.6 - .5625) + 49·(.642857 - .5625)) / 2500 = .00238500, root .0488364, times 1.95996 = .095718
    assert expected_half_width("auc_delong:v1", Counts(100, 100, positives=50)) == pytest.approx(0.095718, abs=1e-6)


def test_shares_have_the_binomial_s() -> None:
    # 1.95996 · √(.25 / 100)
    assert expected_half_width("froc_cpm:v1", Counts(50, 50, findings=100)) == pytest.approx(0.097998, abs=1e-6)
    assert expected_half_width("qwk:v1", Counts(100, 100)) == pytest.approx(0.097998, abs=1e-6)


def test_a_scale_in_millimetres_has_no_width_to_foretell() -> None:
    assert expected_half_width("hd95:v1", Counts(9, 9)) is None
    assert too_few("hd95:v1", Counts(9, 9)) is None


def test_few_units_are_refused_for_every_metric() -> None:
    assert "7 units to draw again; an interval needs 8" in str(too_few("dice:v1", Counts(7, 70)))
    assert "1 unit to draw" in str(too_few("rmse:v1", Counts(1, 700)))


def test_few_positives_are_refused_with_the_interval_to_be_expected() -> None:
    said = str(too_few("auc_delong:v1", Counts(100, 100, positives=4)))
    assert said.startswith("4 positive and 96 negative items; the interval to be expected is ± 0.28")
    assert too_few("auc_delong:v1", Counts(100, 100, positives=20)) is None


@pytest.mark.parametrize("positives", [0, 100])
def test_one_kind_only_cannot_be_measured(positives: int) -> None:
    assert math.isinf(expected_half_width("auc_delong:v1", Counts(100, 100, positives=positives)) or 0)
    assert "cannot be measured" in str(too_few("auc_delong:v1", Counts(100, 100, positives=positives)))


def test_nothing_to_find_cannot_be_measured() -> None:
    assert "0 findings; froc_cpm:v1 cannot be measured" in str(too_few("froc_cpm:v1", Counts(20, 20, findings=0)))
    assert "3 events" in str(too_few("cindex:v1", Counts(20, 20, positives=3)))
