"""What counts can prove, by hand and against scipy's exact binomial interval."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from workbench.benchmark.metrics.limits import ppv, proven_specificity, share_interval
from workbench.errors import InvalidInput


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (0, 50), (50, 50), (3, 50), (49, 50), (700, 3000)])
def test_the_interval_is_clopper_and_pearsons(count: int, of: int) -> None:
    wanted = binomtest(count, of).proportion_ci(method="exact")
    assert share_interval(count, of) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


@pytest.mark.parametrize(("negatives", "specificity"), [(200, 0.982), (1000, 0.996), (3000, 0.9988)])
def test_no_false_alarm_among_few_negatives_proves_little(negatives: int, specificity: float) -> None:
    assert proven_specificity(negatives) == pytest.approx(specificity, abs=5e-4)


def test_each_false_alarm_proves_less() -> None:
    assert proven_specificity(200) > proven_specificity(200, 1) > proven_specificity(200, 2)


def test_a_positive_answer_is_seldom_right_where_the_disease_is_rare() -> None:
    # Of 1000, 10 are ill: 9 found; of 990 well, 99 alarmed: 9 of 108.
    assert ppv(0.9, 0.9, 0.01) == pytest.approx(9 / 108)
    assert ppv(0.9, 1.0, 0.01) == 1.0
    assert ppv(0.0, 1.0, 0.5) == 0.0


@pytest.mark.parametrize(("count", "of"), [(1, 0), (-1, 5), (6, 5)])
def test_a_share_of_nothing_is_refused(count: int, of: int) -> None:
    with pytest.raises(InvalidInput, match="count from 0 to what there is"):
        share_interval(count, of)
