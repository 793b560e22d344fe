"""Two volumes beside each other on a still: one place of the patient, one scale, each its own window and letters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.viewer.stills import AIR, GRID, MARK, SAGITTAL, constant, marked, middle_of, pixels
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.arrangements import GAP, arrange_pairs
from workbench.viewer.panes import Pane
from workbench.viewer.picture import Scene
from workbench.viewer.planes import lay_planes
from workbench.viewer.side_by_side import SecondPane, draw_pairs, same_plane
from workbench.viewer.snapshot import snapshot

SIZE = 802
EACH = (SIZE - GAP) // 2
# The letters at the edges are left out.
INNER = slice(40, -40)


def shot(second: Any = None, **given: Any) -> Any:
    wanted: dict[str, Any] = {"window": (0, 2000), "window_other": (0, 2000), "size": SIZE, "crosshair": False}
    second = marked(SAGITTAL, title="second") if second is None else second
    return snapshot(marked(GRID), compare=second, position_mm=MARK, **{**wanted, **given})


def halves(picture: Any, high: int = 300) -> list[Any]:
    seen = pixels(picture)
    return [seen[:high, :EACH], seen[:high, EACH + GAP :]]


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_marked_place_lies_at_the_same_place_of_both(plane: str) -> None:
    first, second = halves(shot(plane=plane))
    ours, theirs = (middle_of((half[INNER, INNER] > 200).all(axis=-1)) for half in (first, second))
    # The middles of 6 voxels of 1 mm and 3 of 2 mm lie within half a voxel, at 10 px a mm.
    assert theirs == pytest.approx(ours, abs=11)


def test_both_have_one_scale_whatever_their_size() -> None:
    large = Geometry((60, 200, 220), (4.0, 4.0, 4.0), (-440.0, -400.0, 0.0))
    pane = Pane(lay_planes(GRID)[0], GRID, (400, 300))
    other = SecondPane(pane, large)
    assert other.scale == pane.scale == 10
    # 4 mm are 40 px, and the middle of the first slice (−0.5, −0.5) mm is where voxel (109.875, 99.875) lies.
    assert other.steps == (40, 40)
    assert other.middle == pytest.approx((109.875, 99.875))


def test_the_plane_of_another_series_is_the_one_that_cuts_the_patient_alike() -> None:
    planes = {plane.name: same_plane(GRID, plane, SAGITTAL) for plane in lay_planes(GRID)}
    assert {name: (one.name, one.title) for name, one in planes.items()} == {
        "axial": ("coronal", "Axial"), "coronal": ("sagittal", "Coronal"), "sagittal": ("axial", "Sagittal"),
    }  # fmt: skip
    # The patient's right is on the left of both, the front on top.
    assert (planes["axial"].left, planes["axial"].top) == ("R", "A")


def test_each_has_its_own_window() -> None:
    first, second = halves(shot(constant(0), window=(-1000, 100), window_other=(0, 1000)))
    assert (int(first[100, 100, 0]), int(second[100, 100, 0])) == (128, 128)
    assert marked(GRID).array[0, 0, 0] == AIR


def test_a_second_volume_without_a_slice_there_is_black_and_says_so() -> None:
    away = Geometry((4, 30, 40), (2.0, 1.0, 1.0), (-20.0, -15.0, 300.0))
    _, second = halves(shot(constant(1000, away)))
    inner = second[60:140, 60:340]
    assert int(inner.max()) == 0
    # Its sentence, letters and scale bar stand there.
    assert int(second[200:].max()) > 200


def test_a_crosshair_beside_the_second_volume_is_told_on_its_slice() -> None:
    # Its slices reach the position, its rows and columns do not.
    away = Geometry(GRID.shape, GRID.spacing_mm, (-60.0, -15.0, 100.0))
    _, second = halves(shot(constant(0, away)))
    # From x −60.5 to −20.5 mm: beyond the left edge of the plane, which begins at −20.5.
    assert int(second[60:140, 60:340].max()) == 0
    assert int(second[230:260].max()) > 200


def test_a_giant_second_volume_costs_no_giant_picture() -> None:
    giant = Geometry((3, 64, 64), (50.0, 400.0, 400.0), (-12800.0, -12800.0, 70.0))
    first, second = halves(shot(constant(0, giant)))
    assert abs(int(second[100, 100, 0]) - 128) <= 1
    assert first.shape == second.shape


def test_all_three_planes_stand_above_each_other() -> None:
    places = arrange_pairs(GRID, ("axial", "coronal", "sagittal"), 604)
    assert [list(first) for first, _ in places] == [["axial"], ["coronal"], ["sagittal"]]
    tops = {(first["axial"][1], second["axial"][1]) for first, second in places[:1]}
    assert tops == {(0, places[0][0]["axial"][3] + GAP)}
    seen = pixels(shot(compare_as={"plane": "all"}))
    assert seen.shape[1] == SIZE


def test_the_words_name_both_and_their_windows() -> None:
    said = repr(shot(window_other=(10, 300)))
    assert "axial of first at x 9.0, y 4.0, z 120.0 mm, window level 0 width 2000 HU" in said
    assert said.endswith("beside it second, window level 10 width 300 HU")
    assert "beside it first (second)" in repr(shot(marked(SAGITTAL, title="first")))


def test_side_by_side_needs_a_second_volume() -> None:
    with pytest.raises(InvalidInput, match="no second volume"):
        draw_pairs(marked(GRID), Scene(MARK, 0, 1), arrange_pairs(GRID, ("axial",), 400), 400)


def test_boxes_stand_on_both() -> None:
    box = {"centre_mm": MARK, "size_mm": 8, "label": ""}
    for half in halves(shot(boxes=[box])):
        assert np.all(half == (79, 200, 255), axis=-1).sum() > 200


def test_labels_contours_and_distances_stand_on_both_where_they_are_in_the_patient() -> None:
    x, y, z = MARK
    corners = [(x - 3, y - 3, z), (x + 3, y - 3, z), (x + 3, y + 3, z), (x - 3, y + 3, z)]
    contour = {"label": "c", "plane": "axial", "points_mm": corners}
    distance = {"kind": "distance", "plane": "axial", "points_mm": corners[:2]}
    region = np.zeros(GRID.shape, np.uint8)
    region[10, 10:25, 2:8] = 1
    first, second = halves(shot(contours=[contour], measurements=[distance], labels=region))
    measure, label = (255, 221, 87), (230, 159, 0)
    for half in (first, second):
        assert np.all(half == measure, axis=-1).sum() > 30
        assert np.all(half == label, axis=-1).sum() > 100
    ours, theirs = (middle_of(np.all(half[:, :200] == label, axis=-1)) for half in (first, second))
    assert theirs == pytest.approx(ours, abs=11)
