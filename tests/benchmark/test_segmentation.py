"""Masks out of probabilities, the baseline, and what masks are worth, on volumes small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.benchmark.segmentation import mask_of, measure_masks, score_scans
from workbench.benchmark.segmentation_score import SegmentationScore, Shown, outlines_picture
from workbench.benchmark.tasks.definition import task_definition
from workbench.errors import InvalidInput
from workbench.imaging import air_inside

SPACING = (2.0, 3.0, 3.0)
TASK = task_definition("lung-segmentation")


def block(shape: tuple[int, int, int], z: slice, y: slice, x: slice) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[z, y, x] = True
    return mask


def test_a_mask_begins_at_one_half() -> None:
    said = np.zeros((2, 128, 128), dtype=np.float32)
    said[0, 60:68, 60:68] = 0.5
    said[1, 60:68, 60:68] = 0.49
    # With pixels of 3 mm the sections are the scan's own grid.
    assert mask_of(said, SPACING, (2, 128, 128)).sum(axis=(1, 2)).tolist() == [64, 0]


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan])
def test_what_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="not probabilities"):
        mask_of(np.full((1, 128, 128), value, dtype=np.float32), SPACING, (1, 128, 128))
    with pytest.raises(InvalidInput, match="not probabilities"):
        mask_of(np.zeros((1, 128, 128), dtype=np.int32), SPACING, (1, 128, 128))


def test_the_baseline_takes_enclosed_air_and_leaves_the_room_and_small_bubbles() -> None:
    hu = np.full((40, 100, 100), -1000, dtype=np.int16)
    hu[:, 10:90, 10:90] = 40
    hu[5:35, 20:60, 20:60] = -850  # 30 × 40 × 40 voxels of 18 mm³: 864 ml
    hu[5:8, 70:74, 70:74] = -850  # 0.9 ml
    assert air_inside(hu, SPACING).sum() == 30 * 40 * 40


def test_every_scan_has_its_own_numbers_and_a_missing_mask_is_an_empty_one() -> None:
    truth = {
        "A": block((4, 4, 4), slice(0, 2), slice(0, 4), slice(0, 4)),
        "B": block((4, 4, 4), slice(0, 1), slice(0, 1), slice(0, 1)),
    }
    said = {"A": block((4, 4, 4), slice(0, 1), slice(0, 4), slice(0, 4)), "B": None}
    values = measure_masks(TASK, truth, said, {"A": SPACING, "B": SPACING})
    # A: 2 × 16 / (32 + 16); its farther surface is one slice, 2 mm, away. B: the corners are 6, 9 and 9 mm apart.
    assert values["dice:v1"] == {"A": pytest.approx(2 / 3), "B": 0.0}
    assert values["hd95:v1"] == {"A": pytest.approx(2.0), "B": pytest.approx((36 + 81 + 81) ** 0.5)}


def test_the_mean_over_scans_has_an_interval() -> None:
    found = score_scans("dice:v1", {"B": 0.9, "A": 0.7}, resamples=200, seed=1).measured
    assert found.value == pytest.approx(0.8) and found.interval == (pytest.approx(0.7), pytest.approx(0.9))


def test_equal_scores_give_equal_pictures() -> None:
    hu = np.random.default_rng(0).integers(-1000, 100, (12, 32, 32)).astype(np.int16)
    truth, said = (block((12, 32, 32), slice(2, 9), slice(4, 20), slice(4, edge)) for edge in (20, 22))
    shown = [Shown("S1", hu, truth, said, SPACING, "S1")]
    assert outlines_picture(shown).png == outlines_picture(shown).png
    measured = tuple(
        score_scans(metric, {"S1": 0.5, "S2": 0.7}, resamples=100, seed=0).measured for metric in TASK.metrics
    )
    scans = pd.DataFrame({"scan": ["S1", "S2"], "dice": [0.5, 0.7], "hd95": [0.5, 0.7]})
    score = SegmentationScore(TASK.id, "validation", measured, scans, {})
    assert score.plot({"other": score}).png == score.plot({"other": score}).png
    assert score.table()["result"].tolist() == ["Dice", "HD95"] and "0.600" in repr(score)
