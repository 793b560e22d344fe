"""A second volume over the first on a still: each pixel worked out by hand, the same arithmetic as the browser's."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from tests.viewer.stills import EXTENSIONS, GRID, MARK, SAGITTAL, constant, marked, middle_of, pixels
from workbench.geometry import Geometry
from workbench.viewer.colour_maps import hot
from workbench.viewer.compare import Compared, read_compare
from workbench.viewer.greys import greys, tinted
from workbench.viewer.overlaid import absence
from workbench.viewer.snapshot import snapshot

# An axial plane of 40 × 30 mm on 400 px: 10 px a mm.
SIZE = 400
EMPTY = Geometry((4, 4, 4), (5.0, 5.0, 5.0), (500.0, 0.0, 100.0))


def shot(first: Any, second: Any, how: Any, **given: Any) -> Any:
    wanted: dict[str, Any] = {"plane": "axial", "size": SIZE, "crosshair": False, "window": (0, 2000)}
    return snapshot(first, compare=second, compare_as=how, **{**wanted, "window_other": (0, 2000), **given})


def test_a_blend_mixes_both_by_the_share() -> None:
    # 1000 is white (255), −500 of −1000 to 1000 a quarter (64): 0.75 × 255 + 0.25 × 64 = 207.
    seen = pixels(shot(constant(1000), constant(-500), {"mode": "blend", "share": 0.25}))
    assert seen[150, 200].tolist() == [207] * 3


def test_hot_colours_are_see_through_where_uptake_is_low() -> None:
    # Grey 32 of 64 is half see-through: half of 255 and half of the map's colour of 32.
    stored = round(32 / 255 * 1000)
    second = constant(stored, modality="PT")
    seen = pixels(shot(constant(1000), second, {"mode": "blend", "share": 1.0}, window_other=(500, 1000)))
    # Below the name and the bar of colours.
    assert seen[200, 150] == pytest.approx(np.rint(255 * 0.5 + hot()[32] * 0.5), abs=2)


def test_squares_alternate_from_the_corner_of_the_slice() -> None:
    seen = pixels(shot(constant(1000), constant(-1000), {"mode": "checkerboard", "square_mm": 10.0}))
    # The slice fills the plane: squares of 100 px from its upper left corner, the first volume's (white) first.
    grey = [[int(seen[row, column, 0]) for column in (50, 150, 250, 350)] for row in (60, 170, 250)]
    assert grey == [[255, 0, 255, 0], [0, 255, 0, 255], [255, 0, 255, 0]]
    # The edge between two squares is sharp.
    assert (seen[250, 199, 0], seen[250, 200, 0]) == (0, 255)


def test_squares_of_a_mirrored_slice_begin_at_its_own_corner() -> None:
    mirrored = Geometry(GRID.shape, GRID.spacing_mm, (19.0, -15.0, 100.0), (-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    first, second = constant(1000, mirrored), constant(-1000, mirrored)
    seen = pixels(shot(first, second, {"mode": "checkerboard", "square_mm": 15.0}, position_mm=MARK))
    # Voxel (0, 0) lies at the upper right, 400 px; the square to its left is the second volume's (−1 is odd).
    assert [int(seen[60, column, 0]) for column in (325, 175, 50)] == [0, 255, 0]


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_one_place_of_the_patient_is_one_place_of_the_picture(plane: str) -> None:
    first, second = marked(GRID), marked(SAGITTAL, title="second")
    alone = pixels(snapshot(first, window=(0, 2000), plane=plane, size=SIZE, crosshair=False, position_mm=MARK))
    over = pixels(shot(first, second, {"mode": "blend", "share": 1.0}, plane=plane, position_mm=MARK))
    centre = slice(60, 280), slice(60, 340)
    ours, theirs = (middle_of((seen[centre] > 128).all(axis=-1)) for seen in (alone, over))
    # A voxel of the second volume is 20 px.
    assert theirs == pytest.approx(ours, abs=2)


def test_where_the_second_volume_is_not_the_first_is_whole_and_the_picture_says_so() -> None:
    first = constant(0)
    alone = pixels(snapshot(first, window=(0, 2000), plane="axial", size=SIZE, crosshair=False))
    over = pixels(shot(first, constant(1000, EMPTY), {"mode": "blend", "share": 0.9}))
    assert over[100:180, 100:300].tolist() == alone[100:180, 100:300].tolist()
    assert not np.array_equal(over[200:300], alone[200:300])


def test_what_is_absent_is_said_in_a_sentence() -> None:
    second = Compared(constant(0, EMPTY), "PT S0001", 0.0, 1.0, False, read_compare("blend", constant(0)))
    here = EMPTY.origin_mm
    said = [absence(second, at, is_shown=there, is_cell=False) for at, there in ((MARK, True), (here, False))]
    assert said == ["The crosshair lies outside of PT S0001", "PT S0001 has no value on this slice"]
    assert absence(second, here, is_shown=True, is_cell=False) == ""
    assert [absence(second, MARK, is_shown=there, is_cell=True) for there in (True, False)] == ["", "not in PT S0001"]


def test_a_slab_is_of_both_volumes() -> None:
    # A bright slice of the second volume two slices (4 mm) away: within a slab of 8 mm, not of 6.
    second = constant(-1000)
    second.array[12] = 1000
    place = tuple(GRID.to_patient_mm(np.array([10.0, 15.0, 20.0])).tolist())
    how = {"mode": "blend", "share": 1.0}
    grey = [
        int(pixels(shot(constant(0), second, how, position_mm=place, slab_mm=mm, slab_mode="mip"))[150, 200, 0])
        for mm in (8, 6)
    ]
    assert grey == [255, 0]


def test_same_call_gives_the_same_bytes() -> None:
    made = [bytes(shot(marked(GRID), marked(SAGITTAL, "PT", block=900), "blend", plane=None)) for _ in range(2)]
    assert made[0] == made[1]


def in_node(name: str, ask: str) -> Any:
    """Ask the browser's own module, run by node."""
    esbuild = EXTENSIONS / "node_modules" / ".bin" / "esbuild"
    if shutil.which("node") is None or not esbuild.exists():
        pytest.skip("node and esbuild are not installed; `npm ci` in the folder extensions")
    built = subprocess.run(
        [str(esbuild), str(EXTENSIONS / "ct-viewer" / "src" / name), "--bundle", "--format=iife",
         "--global-name=it", "--log-level=error"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    said = subprocess.run(
        ["node", "-e", f"{built}console.log(JSON.stringify({ask}));"], capture_output=True, text=True, check=True
    )
    return json.loads(said.stdout)


def test_browser_has_the_same_hot_colours() -> None:
    said = in_node("colour_maps.ts", "Array.from({length: 256}, (_, grey) => it.hot(grey))")
    assert [[one & 255, one >> 8 & 255, one >> 16] for one in said] == hot().tolist()


@pytest.mark.parametrize(("colour", "mode"), [("grey", "blend"), ("hot", "blend"), ("hot", "checkerboard")])
def test_browser_tints_every_number_alike(colour: str, mode: str) -> None:
    wish = {"level": 400, "width": 900, "slope": 1, "intercept": 0, "inverted": False,
            "tint": {"colours": colour, "isBlend": mode == "blend"}}  # fmt: skip
    said = np.array(in_node("windowing.ts", f"Array.from(new it.GreyTable().at({json.dumps(wish)}))"), dtype=np.uint32)
    theirs = np.stack([said >> shift & 255 for shift in (0, 8, 16, 24)], axis=-1).astype(int)
    stored = np.arange(-32768, 32768).astype(np.int16)[None]
    volume = constant(0)
    second = Compared(volume, "", 400, 900, False, read_compare(mode, volume))
    ours = tinted(greys(stored, volume, second), stored != -32768, is_hot=colour == "hot", is_blend=mode == "blend")[0]
    # A grey may be rounded the other way: a step of the map or of its opacity, where it is steep.
    assert np.abs(ours.astype(int) - theirs).max() <= 8
    assert np.abs(ours.astype(int) - theirs).mean() < 0.01
