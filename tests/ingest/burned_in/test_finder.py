"""Text is found on any ground, in any flat ink; sides' marks and anatomy are left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from workbench.errors import MissingDependency
from workbench.ingest.burned_in import Box, find_text
from workbench.ingest.burned_in.boxes import covered_share
from workbench.ingest.burned_in.finder import shape_boxes
from workbench.ingest.burned_in.measure import measure, measure_presidio


@pytest.mark.parametrize("size", [11, 18, 40])
@pytest.mark.parametrize("ink", [255, 0])
def test_a_name_on_tissue_is_covered(write: Any, tissue: Any, size: int, ink: int) -> None:
    picture, box = write(tissue(shape=(256, 512)), "Okonkwo 1961-04-12", (40, 30), size=size, ink=ink)
    assert covered_share(Box(*box), find_text(picture)) >= 0.9


def test_text_cut_by_the_frames_edge_is_covered(write: Any, tissue: Any) -> None:
    picture, _ = write(tissue(), "MRN 5550199", (0, 10))
    assert covered_share(Box(0, 10, 9, 100), find_text(picture[4:])) >= 0.9


def test_an_overlay_far_above_the_range_of_the_tissue_is_covered(named: Any) -> None:
    picture, box = named
    stored = np.where(picture == 255, 32767, picture.astype(np.int16) * 8 - 1024).astype(np.int16)
    assert covered_share(box, find_text(stored)) >= 0.9


def test_coloured_text_as_bright_as_its_ground_is_covered(write: Any, tissue: Any) -> None:
    drawn, box = write(np.zeros((192, 256), np.uint8), "Meyer Stephanie", (60, 40))
    grey = tissue()[..., None].repeat(3, axis=2)
    # (215, 77, 110) has a brightness of 122 among 60 to 160.
    coloured = np.where(drawn[..., None] > 127, np.array((215, 77, 110), np.uint8), grey)
    assert covered_share(Box(*box), find_text(coloured)) >= 0.9


def test_the_mark_of_a_side_stays(write: Any, tissue: Any) -> None:
    picture, _ = write(tissue(), "L", (90, 230), size=20)
    assert find_text(picture) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_without_text_stays_whole(tissue: Any, seed: int) -> None:
    assert find_text(tissue(seed, (256, 256))) == []
    assert find_text(np.full((64, 64), 7, np.uint16)) == []


def test_a_very_large_frame_gives_boxes_of_its_own_pixels(write: Any) -> None:
    picture, box = write(np.full((2400, 2400), 90, np.uint8), "DAVIDSON DOUGLAS", (1800, 300), size=60)
    found = find_text(picture)
    assert covered_share(Box(*box), found) >= 0.9
    assert all(one.row0 > 1700 for one in found)


def test_letters_of_one_flat_colour_are_found_without_reading(monkeypatch: Any, write: Any) -> None:
    monkeypatch.setenv("PATH", "")
    picture, box = write(np.full((192, 256), 90, np.uint8), "KAUFMAN SCOTT", (60, 40), size=24)
    assert covered_share(Box(*box), shape_boxes(picture)) >= 0.9


def test_without_tesseract_nothing_is_claimed(monkeypatch: Any, named: Any) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependency, match="apt-get install tesseract-ocr"):
        find_text(named[0])


def test_every_word_of_the_real_samples_is_covered(shared_data: Callable[[str], Path]) -> None:
    result = measure_presidio(shared_data("phi-presidio"))
    assert (result.frames, result.truth, result.covered) == (2, 5, 5)
    assert result.found - result.right <= 1


def test_real_slices_of_ct_hold_no_text(shared_data: Callable[[str], Path]) -> None:
    files = sorted(shared_data("ct-lungdx-a0002").rglob("*.dcm"))[::15]
    result = measure((dcmread(path).pixel_array, ()) for path in files)
    assert (result.found, result.recall, result.precision) == (0, 1.0, 1.0)
