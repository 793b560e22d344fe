"""Every rule of froc_cpm:v1 on cases small enough to work out by hand, and against a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from workbench.benchmark.metrics.froc import FALSE_POSITIVES_PER_SCAN, froc_cpm, operating_points
from workbench.benchmark.metrics.marks import Findings, Marks, match
from workbench.benchmark.metrics.resampling import shared_weights
from workbench.errors import InvalidInput

FAR = (500.0, 500.0, 500.0)


def marks_of(*rows: tuple[int, float, float, float, float]) -> Marks:
    table = np.array(rows, dtype=float).reshape(-1, 5)
    return Marks(table[:, 0].astype(np.int64), table[:, 1:4], table[:, 4])


def nodules_of(*rows: tuple[int, float, float, float, float], excluded: int = 0) -> Findings:
    table = np.array(rows, dtype=float).reshape(-1, 5)
    is_nodule = np.arange(len(table)) < len(table) - excluded
    return Findings(table[:, 0].astype(np.int64), table[:, 1:4], table[:, 4], is_nodule)


ONE = (0, 0.0, 0.0, 0.0, 10.0)  # one nodule of 10 mm in scan 0


def test_perfect_marks_reach_one() -> None:
    found = froc_cpm(marks_of((0, 0, 0, 0, 0.9)), nodules_of(ONE), 1, bootstrap=50)
    assert found.value == 1.0
    assert found.interval == (1.0, 1.0)


def test_no_marks_find_nothing() -> None:
    found = froc_cpm(marks_of(), nodules_of(ONE), 4, bootstrap=50)
    assert found.value == 0.0
    assert found.details["sensitivity"] == [0.0] * 7


def test_a_mark_on_the_border_is_no_hit() -> None:
    assert froc_cpm(marks_of((0, 3, 4, 0, 0.9)), nodules_of(ONE), 1).value == 0.0
    assert froc_cpm(marks_of((0, 3, 3.999, 0, 0.9)), nodules_of(ONE), 1).value == 1.0


@pytest.mark.parametrize("diameter", [-1.0, 0.0])
def test_an_excluded_finding_without_a_diameter_has_a_radius_of_5_mm(diameter: float) -> None:
    findings = nodules_of(ONE, (0, 100, 0, 0, diameter), excluded=1)
    inside = match(marks_of((0, 100, 4.9, 0, 0.9)), findings, 1)
    border = match(marks_of((0, 100, 5.0, 0, 0.9)), findings, 1)
    assert (inside.excluded, len(inside.score)) == (1, 0)
    assert (border.excluded, len(border.score)) == (0, 1)


def test_a_nodule_takes_its_highest_score_and_further_hits_do_not_count() -> None:
    entries = match(marks_of((0, 0, 0, 0, 0.2), (0, 1, 0, 0, 0.8), (0, 0, 1, 0, 0.5)), nodules_of(ONE), 1)
    assert entries.score.tolist() == [0.8]
    assert entries.repeated == 2


def test_a_mark_on_a_nodule_and_an_excluded_finding_is_a_hit() -> None:
    findings = nodules_of(ONE, (0, 0, 0, 0, 20.0), excluded=1)
    assert match(marks_of((0, 1, 0, 0, 0.9)), findings, 1).is_nodule.tolist() == [True]


def test_a_mark_inside_two_nodules_finds_both() -> None:
    assert froc_cpm(marks_of((0, 0, 0, 0, 0.9)), nodules_of(ONE, (0, 1, 0, 0, 10.0)), 1).value == 1.0


def test_a_mark_in_another_scan_is_no_hit() -> None:
    assert froc_cpm(marks_of((1, 0, 0, 0, 0.9)), nodules_of(ONE), 2).details["nodules_found"] == 0


def test_of_101_marks_those_above_the_lowest_count() -> None:
    rows = [(0, *FAR, 0.5 + number / 1000) for number in range(101)]
    assert len(match(marks_of(*rows), nodules_of(ONE), 1).score) == 100


def test_of_101_equal_marks_none_counts() -> None:
    rows = [(0, *FAR, 0.5)] * 101
    entries = match(marks_of(*rows), nodules_of(ONE), 1)
    assert (len(entries.score), entries.over_limit) == (0, 101)


def test_100_equal_marks_all_count() -> None:
    assert len(match(marks_of(*[(0, *FAR, 0.5)] * 100), nodules_of(ONE), 1).score) == 100


def test_between_two_points_the_curve_runs_straight() -> None:
    # One scan, two nodules; a false mark ties with the second hit. Points: (0, 1/2), then straight to (1, 1).
    marks = marks_of((0, 0, 0, 0, 0.9), (0, 50, 0, 0, 0.5), (0, *FAR, 0.5))
    found = froc_cpm(marks, nodules_of(ONE, (0, 50, 0, 0, 10.0)), 1)
    assert found.details["sensitivity"] == [0.5625, 0.625, 0.75, 1.0, 1.0, 1.0, 1.0]
    assert found.value == pytest.approx(5.9375 / 7, abs=1e-15)


def test_at_a_step_the_upper_end_counts() -> None:
    # Eight scans: 1/8 per scan is exactly one false mark, and the hit comes right after it.
    marks = marks_of((1, *FAR, 0.9), (0, 0, 0, 0, 0.8))
    assert froc_cpm(marks, nodules_of(ONE), 8).details["sensitivity"] == [1.0] * 7


@pytest.mark.parametrize("false_marks", [110, 111, 112])
def test_one_eighth_of_888_scans_is_111_marks(false_marks: int) -> None:
    rows = [(1 + number, *FAR, 0.9) for number in range(false_marks)] + [(0, 0, 0, 0, 0.8)]
    first = froc_cpm(marks_of(*rows), nodules_of(ONE), 888).details["sensitivity"][0]
    assert first == (1.0 if false_marks <= 111 else 0.0)


def test_scans_without_nodules_have_no_sensitivity() -> None:
    with pytest.raises(InvalidInput, match="None of the scans holds a nodule"):
        froc_cpm(marks_of((0, 0, 0, 0, 0.9)), nodules_of((0, 0, 0, 0, 5), excluded=1), 1)


# A slow second implementation of the rules, with loops and the ROC curve of scikit-learn.
POINTS = [0.125, 0.25, 0.5, 1, 2, 4, 8]


def entries_of_scan(nodules, excluded, marks):
    """Give (truth, score, is_missed) rows of one scan; findings are (x, y, z, d), marks (x, y, z, score)."""
    if len(marks) > 100:
        limit = sorted((mark[3] for mark in marks), reverse=True)[100]
        marks = [mark for mark in marks if mark[3] > limit]

    def covers(finding, mark):
        diameter = finding[3] if finding[3] > 0 else 10.0
        return sum((finding[axis] - mark[axis]) ** 2 for axis in range(3)) < (diameter / 2.0) ** 2

    left = set(range(len(marks)))
    rows = []
    for nodule in nodules:
        hits = [number for number, mark in enumerate(marks) if covers(nodule, mark)]
        left -= set(hits)
        rows.append((1, max(marks[number][3] for number in hits), False) if hits else (1, None, True))
    for finding in excluded:
        left -= {number for number in left if covers(finding, marks[number])}
    return rows + [(0, marks[number][3], False) for number in left]


def sensitivities(rows, scans):
    """Give the seven sensitivities by scikit-learn's curve and linear interpolation."""
    shown = [(truth, score) for truth, score, missed in rows if not missed]
    truth = np.array([row[0] for row in shown])
    total = sum(row[0] for row in rows)
    false_rate, true_rate, _ = roc_curve(truth, np.array([row[1] for row in shown]))
    false = false_rate * (len(truth) - truth.sum()) / scans
    return np.interp(POINTS, false, true_rate * truth.sum() / total)


def random_case(seed: int, scans: int) -> tuple[list[list[tuple[float, ...]]], ...]:
    draw = np.random.default_rng(seed)
    nodules, excluded, marks = [], [], []
    for _ in range(scans):
        here = [(*draw.uniform(-90, 90, 3), draw.uniform(4, 30)) for _ in range(draw.integers(0, 4))]
        other = [(*draw.uniform(-90, 90, 3), draw.choice([-1.0, 12.0])) for _ in range(3)]
        near = [(*(np.array(f[:3]) + draw.normal(0, 2, 3)), round(draw.random(), 2)) for f in here + other]
        free = [(*draw.uniform(-90, 90, 3), round(draw.random(), 2)) for _ in range(draw.integers(0, 130))]
        nodules.append(here), excluded.append(other), marks.append(near + free)
    return nodules, excluded, marks


def flat(*groups: list[list[tuple[float, ...]]]) -> list[tuple[float, ...]]:
    return [(scan, *row) for group in groups for scan, rows in enumerate(group) for row in rows]


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_a_second_implementation(seed: int) -> None:
    scans = 24
    nodules, excluded, marks = random_case(seed, scans)
    findings = nodules_of(*flat(nodules), *flat(excluded), excluded=len(flat(excluded)))
    found = froc_cpm(marks_of(*flat(marks)), findings, scans)
    rows = [row for scan in range(scans) for row in entries_of_scan(nodules[scan], excluded[scan], marks[scan])]
    assert found.details["sensitivity_as_script"] == pytest.approx(sensitivities(rows, scans).tolist(), abs=1e-12)
    # The exact reading may lie one step higher, where the second implementation's division rounds.
    assert all(a >= b - 1e-12 for a, b in zip(found.details["sensitivity"], sensitivities(rows, scans), strict=True))


def test_the_interval_is_that_of_resampled_scans() -> None:
    scans = 24
    nodules, excluded, marks = random_case(3, scans)
    findings = nodules_of(*flat(nodules), *flat(excluded), excluded=len(flat(excluded)))
    found = froc_cpm(marks_of(*flat(marks)), findings, scans, bootstrap=40, seed=11)
    per_scan = [entries_of_scan(nodules[scan], excluded[scan], marks[scan]) for scan in range(scans)]
    np.random.seed(11)
    drawn = [np.random.randint(scans, size=scans) for _ in range(40)]
    values = [sensitivities([row for scan in chosen for row in per_scan[scan]], scans).mean() for chosen in drawn]
    assert found.interval == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.02)


def test_resamples_are_those_of_the_frozen_generator() -> None:
    np.random.seed(5)
    wanted = np.bincount(np.random.randint(7, size=7), minlength=7)
    assert shared_weights(7, 3, 5)[0].tolist() == wanted.tolist()
    assert FALSE_POSITIVES_PER_SCAN == (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@pytest.mark.parametrize(("bootstrap", "seed"), [(-1, 0), (10, -1), (10, 2**32)])
def test_impossible_resampling_is_refused(bootstrap: int, seed: int) -> None:
    with pytest.raises(InvalidInput, match="Bootstrap must be 0 or more"):
        froc_cpm(marks_of(), nodules_of(ONE), 1, bootstrap=bootstrap, seed=seed)


def test_operating_points_are_the_lowest_scores_that_keep_to_a_rate() -> None:
    # Two scans; false marks at 0.8, 0.6, 0.5 and 0.1. At most 1/8 and 1/4 a scan is none of them (down to the hit at
    # 0.9), 1/2 is one (down to the hit at 0.7), 1 is two (0.6), 2 is four: everything.
    score = np.array([0.6, 0.9, 0.1, 0.8, 0.5, 0.7])
    false = np.array([True, False, True, True, True, False])
    found = {point["fp_per_scan"]: point["threshold"] for point in operating_points(score, false, 2)}
    assert found == {0.125: 0.9, 0.25: 0.9, 0.5: 0.7, 1.0: 0.6, 2.0: 0.1, 4.0: 0.1, 8.0: 0.1}


def test_marks_of_equal_score_share_an_operating_point() -> None:
    # Showing 0.5 shows a hit and two false marks in one scan, so 1 a scan must stop above it.
    found = operating_points(np.array([0.9, 0.5, 0.5, 0.5]), np.array([False, False, True, True]), 1)
    assert [point["threshold"] for point in found] == [0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5]


def test_a_rate_below_the_first_false_mark_has_no_operating_point() -> None:
    # The surest mark is false: one in two scans, which is 1/2 a scan.
    found = operating_points(np.array([0.9, 0.4]), np.array([True, False]), 2)
    assert found[0] == {"fp_per_scan": 0.5, "threshold": 0.4}
    assert operating_points(np.zeros(0), np.zeros(0, dtype=bool), 2) == []


def test_operating_points_need_a_scan() -> None:
    with pytest.raises(InvalidInput, match="at least one scan"):
        operating_points(np.zeros(1), np.ones(1, dtype=bool), 0)


def test_operating_points_count_false_marks_as_the_curve_does() -> None:
    draw = np.random.default_rng(3)
    marks = Marks(draw.integers(0, 4, 90), draw.uniform(0, 60, (90, 3)), draw.integers(0, 20, 90) / 20)
    findings = nodules_of((0, 10, 10, 10, 30.0), (1, 20, 20, 20, 30.0), (2, 40, 40, 40, 20.0))
    entries = match(marks, findings, 4)
    for point in operating_points(entries.score, ~entries.is_nodule, 4):
        assert (~entries.is_nodule & (entries.score >= point["threshold"])).sum() <= point["fp_per_scan"] * 4
        lower = entries.score[entries.score < point["threshold"]]
        shown = entries.score >= lower.max(initial=-np.inf)
        assert lower.size == 0 or (~entries.is_nodule & shown).sum() > point["fp_per_scan"] * 4
