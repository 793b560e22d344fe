"""Montages on stills: the slices that the browser shows, in its order, each once and none blank."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.viewer.stills import GRID, MARK, constant, marked, pixels
from tests.viewer.test_overlaid import in_node
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.montage import FRAME_COLOUR, GRIDS, MOST_BYTES, USUAL_GRID, grid_of, slices_of, stride_of
from workbench.viewer.snapshot import snapshot

# As in test_browser_montage, whose numbers these are.
PHANTOM = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5))


def shot(scan: Any = None, **given: Any) -> Any:
    wanted: dict[str, Any] = {"arrangement": "montage", "window": (0, 2000), "size": 806, "crosshair": False}
    return snapshot(marked(GRID) if scan is None else scan, **{**wanted, "position_mm": MARK, **given})


def test_the_sheet_is_the_one_with_which_the_browser_opens() -> None:
    assert slices_of(PHANTOM, "axial", 20, 12, stride_of(PHANTOM, "axial")) == [38 - 2 * i for i in range(12)]
    # The next page has the slices that are left.
    assert slices_of(PHANTOM, "axial", 14, 12, 2) == [14 - 2 * i for i in range(8)]
    assert slices_of(PHANTOM, "axial", 20, 4, 1) == [23, 22, 21, 20]
    # 5 mm are 6 slices of 0.8 mm.
    wanted = [63 - place for place in (27, 33, 39, 45)]
    assert slices_of(PHANTOM, "coronal", 30, 4, stride_of(PHANTOM, "coronal")) == wanted


def test_a_scan_that_was_stored_head_first_is_shown_head_first() -> None:
    down = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 198.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0))
    assert slices_of(down, "axial", 19, 4, 2)[:2] == [17, 19]


@pytest.mark.parametrize("at", range(9))
def test_every_page_holds_its_slice_and_each_slice_lies_on_one(at: int) -> None:
    thin = Geometry((9, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    assert at in slices_of(thin, "axial", at, 2, 3)
    assert all(0 <= one < 9 for one in slices_of(thin, "axial", at, 12, 3))


def test_a_step_is_never_longer_than_the_scan() -> None:
    assert stride_of(Geometry((1, 4, 4), (9.0, 1.0, 1.0), (0.0, 0.0, 0.0)), "axial") == 1
    assert stride_of(GRID, "axial", 500) == 19


@pytest.mark.parametrize(("shape", "spacing", "volumes"), [
    ((300, 512, 512), (1.25, 0.7, 0.7), 1), ((300, 2048, 2048), (0.4, 0.7, 0.7), 1), ((300, 2048, 2048), (10, 1, 1), 2),
    ((60, 5000, 5000), (2.0, 1.0, 1.0), 1),
])  # fmt: skip
def test_browser_has_the_same_grids_and_steps(shape: Any, spacing: Any, volumes: int) -> None:
    grid = Geometry(shape, spacing, (0.0, 0.0, 0.0))
    one = {"facts": {"shape": shape}, "grid": {"shape": shape, "spacing": spacing}}
    made = f"{{...{json.dumps(one)}, plane: () => ({{normal: 0, row: 1, column: 2}})}}"
    ask = f"(v => [it.fittingGrids(Array({volumes}).fill(v), 'axial'), it.strideOf(v, it.FIRST_CHOICE)])({made})"
    names, stride = in_node("montage_grids.ts", ask)
    fitting = [tuple(int(n) for n in name.split(" × ")) for name in names]
    assert fitting == [one for n, one in enumerate(GRIDS)
                       if n == 0 or one[0] * one[1] * shape[1] * shape[2] * 2 * volumes <= MOST_BYTES]  # fmt: skip
    assert grid_of(grid, "axial", volumes) == (USUAL_GRID if USUAL_GRID in fitting else fitting[-1])
    assert stride_of(grid, "axial") == stride


def test_each_cell_shows_its_slice() -> None:
    # Slice z is 100 z − 1000: its grey in the window from −1000 to 1000 is z × 12.75.
    scan = constant(0)
    scan.array[:] = (np.arange(20, dtype=np.int16) * 100 - 1000)[:, None, None]
    seen = pixels(shot(scan, columns=4, rows=3, step=1))
    # Slice 10 is place 9 of 20, on the page of places 0 to 11: 19, 18, … 8. Cells of 200 × 150 px.
    grey = [int(seen[75 + row * 152, 100 + column * 202, 0]) for row in range(3) for column in range(4)]
    assert grey == pytest.approx([(19 - n) * 12.75 for n in range(12)], abs=1)


def test_the_slice_of_the_position_has_a_frame_and_rows_without_slices_are_left_out() -> None:
    seen = pixels(shot(columns=3, rows=4, step=4, size=800))
    framed = np.all(seen == FRAME_COLOUR, axis=-1)
    # Slice 10 is place 9, every 4: 1, 5, 9, 13, 17: two rows, and the frame around the third cell of 265 px.
    assert np.flatnonzero(framed.any(axis=0))[[0, -1]].tolist() == [534, 798]
    assert int(np.flatnonzero(framed.any(axis=1))[-1]) < 205
    assert seen.shape[0] < 3 * 200


def test_a_second_volume_lies_over_every_slice() -> None:
    first, second = constant(1000), constant(-1000)
    seen = pixels(shot(first, compare=second, compare_as={"mode": "blend", "share": 1.0}, window_other=(0, 2000)))
    assert int(seen[75, 100, 0]) == 0
    assert int(seen[75 + 152, 100, 0]) == 0


def test_cells_beyond_the_second_volume_show_the_first() -> None:
    low = Geometry((3, 30, 40), (2.0, 1.0, 1.0), (-20.0, -15.0, 100.0))
    seen = pixels(shot(constant(1000), compare=constant(-1000, low), compare_as={"mode": "blend", "share": 1.0}))
    # Slice 18 at 136 mm; the second volume ends at 105 mm.
    assert int(seen[40, 150, 0]) == 255


def test_the_same_call_gives_the_same_bytes_and_says_which_slices() -> None:
    picture = shot(step=2, columns=2, rows=2)
    assert picture == shot(step=2, columns=2, rows=2)
    assert "montage of axial of first at x 9.0" in repr(picture)


@pytest.mark.parametrize(("given", "said"), [
    ({"columns": 0}, "columns is 0; it must be a whole number from 1 to 12"), ({"rows": 21}, "from 1 to 20"),
    ({"step": 1.5}, "step is 1.5; it must be a whole number from 1"), ({"columns": True}, "columns is True"),
    ({"planes": ("axial", "coronal")}, "slices of one plane"), ({"arrangement": "planes", "step": 2}, "montage"),
    ({"arrangement": "volume"}, "by the browser alone"), ({"arrangement": ["axial"]}, "no still"),
    ({"arrangement": "axial", "plane": "coronal"}, "leave one of them out"),
    ({"arrangement": "side-by-side"}, "no second scan"), ({"compare_as": "blend"}, "give it as compare=other"),
    ({"window_other": "lung"}, "window_other is about a second scan"),
    ({"compare": np.zeros(GRID.shape, np.int16)}, "montage shows one scan"),
    ({"compare": np.zeros(GRID.shape, np.int16), "compare_as": "mix"}, "off, blend, checkerboard"),
    ({"compare": np.zeros((2, 2, 2)), "compare_as": "blend"}, "spacing"),
    ({"compare": np.zeros(GRID.shape, np.int16), "compare_as": {"mode": "blend", "share": 2}}, "from 0 to 1"),
])  # fmt: skip
def test_what_does_not_go_together_is_refused_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        shot(**given)
