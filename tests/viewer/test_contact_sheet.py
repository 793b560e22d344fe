"""Contact sheets: one tile for each scan, or the slices of one, each saying where it lies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.contact_sheet import contact_sheet
from workbench.viewer.shown_volume import as_shown

GRID = Geometry((10, 20, 20), (4.0, 1.0, 1.0), (0.0, 0.0, 50.0))


def scan(hu: int, title: str = "scan", modality: str = "CT") -> Any:
    return as_shown(np.full(GRID.shape, hu, np.int16), geometry=GRID, modality=modality, title=title)


def pixels(picture: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(bytes(picture))).convert("RGB"))


def test_each_scan_has_its_tile_in_the_given_order() -> None:
    # Level 0, width 2000: −1000 HU is black, 0 grey, 1000 white. Three tiles of 198 px with gaps of 2.
    seen = pixels(contact_sheet([scan(-1000), scan(0), scan(1000)], columns=3, window=(0, 2000), size=598))
    assert [seen[120, x].tolist() for x in (99, 299, 499)] == [[0] * 3, [128] * 3, [255] * 3]


def test_one_scan_gives_its_slices_evenly_spaced() -> None:
    array = np.zeros(GRID.shape, np.int16)
    array[:] = (np.arange(10) * 100)[:, None, None]
    shown = as_shown(array, geometry=GRID, modality="CT", title="S0001")
    picture = contact_sheet(shown, most=5, columns=5, window=(500, 1000), size=1008)
    # Slices 1, 3, 5, 7 and 9 of 10: 100, 300, … 900 HU through a window from 0 to 1000.
    middles = [pixels(picture)[120, 100 + 202 * number, 0] for number in range(5)]
    assert middles == pytest.approx([25.5, 76.5, 127.5, 178.5, 229.5], abs=1)
    assert "S0001, 5 of 10 slices, axial, window level 500 width 1000 HU" in picture.description


def test_caption_says_how_many_scans_there_are() -> None:
    picture = contact_sheet([scan(0)] * 7, most=3, title="chest-ct")
    assert "chest-ct, 3 of 7 scans" in picture.description
    assert contact_sheet(iter([scan(0)])).description.startswith("Contact sheet: 1 scans")


def test_mixed_modalities_keep_their_own_windows() -> None:
    picture = contact_sheet([scan(-600), scan(3, modality="PT")], columns=2, size=402)
    assert "window" not in picture.description
    # Two lines under each tile instead of one.
    assert picture.size[1] > contact_sheet([scan(-600)] * 2, columns=2, size=402).size[1]


def test_same_sheet_has_the_same_bytes() -> None:
    assert contact_sheet([scan(0), scan(5)]) == contact_sheet([scan(0), scan(5)])


@pytest.mark.parametrize(
    ("scans", "given", "said"),
    [
        ([], {}, "no scan"), (7, {}, "of type int"), ([scan(0)], {"columns": 0}, "1 to 12"),
        ([scan(0)], {"at": 2}, "0 "), ([scan(0)], {"most": 1000}, "1 to 200"),
        ([scan(0)], {"plane": "oblique"}, "planes are"),
        ([scan(0)], {"window": "soft"}, "presets"), ([np.zeros((3, 3))], {}, "one slice"),
        ([scan(0)], {"path": "a.gif"}, "png"),
    ],
    ids=["empty", "number", "columns", "at", "most", "plane", "window", "two axes", "path"],
)  # fmt: skip
def test_what_is_no_sheet_is_refused_in_a_sentence(scans: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        contact_sheet(scans, **given)
