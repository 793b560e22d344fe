"""Contours in patient millimetres, the voxels they enclose, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.contours import ContourMark, contour_labels, contours_to_mask, mask_to_contours, read_contours

OBLIQUE = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
GRID = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5))
SLANTED = Geometry((8, 20, 30), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5), OBLIQUE)


def rectangle(low: tuple[float, ...], high: tuple[float, ...], grid: Geometry = GRID) -> list[list[float]]:
    """Give the corners, in mm, of a rectangle in the slice that two index places (z, y, x) share."""
    fixed = next(n for n in range(3) if low[n] == high[n])
    one, two = (n for n in range(3) if n != fixed)
    corners = [list(low) for _ in range(4)]
    for number, (first, second) in enumerate([(0, 0), (0, 1), (1, 1), (1, 0)]):
        corners[number][one] = (low, high)[first][one]
        corners[number][two] = (low, high)[second][two]
    return grid.to_patient_mm(np.array(corners)).tolist()


AXIAL = {"label": "tumour", "plane": "axial", "points_mm": rectangle((20, 9.5, 19.5), (20, 19.5, 39.5))}


def test_contour_objects_and_mappings_read_the_same() -> None:
    assert read_contours([SimpleNamespace(**AXIAL)], GRID) == read_contours([AXIAL], GRID)
    assert read_contours([mark.as_dict() for mark in read_contours([AXIAL], GRID)], GRID) == read_contours(
        [AXIAL], GRID
    )


def test_a_contour_encloses_the_centres_within_it() -> None:
    mask = contours_to_mask(read_contours([AXIAL], GRID), GRID)
    assert mask.sum() == 10 * 20
    assert mask[20, 10:20, 20:40].all()


def test_a_contour_knows_its_area() -> None:
    (mark,) = read_contours([AXIAL], GRID)
    # 10 rows of 0.8 mm by 20 columns of 0.7 mm.
    assert mark.area_mm2(GRID) == pytest.approx(8 * 14)


@pytest.mark.parametrize(
    ("plane", "low", "high"),
    [("axial", (3, 1.5, 4.5), (3, 6.5, 9.5)), ("coronal", (1.5, 3, 4.5), (6.5, 3, 9.5)),
     ("sagittal", (1.5, 4.5, 3), (6.5, 9.5, 3))],
)  # fmt: skip
def test_a_contour_without_a_plane_finds_the_one_it_lies_in(plane: str, low: Any, high: Any) -> None:
    (mark,) = read_contours([{"points_mm": rectangle(low, high, SLANTED)}], SLANTED)
    assert (mark.plane, mark.in_slice(SLANTED)[0], mark.label) == (plane, 3, "")
    assert contours_to_mask([mark], SLANTED).sum() == 25


def test_a_contour_within_another_is_a_hole_and_one_beside_is_joined() -> None:
    inner = {**AXIAL, "points_mm": rectangle((20, 11.5, 21.5), (20, 13.5, 23.5))}
    beside = {**AXIAL, "points_mm": rectangle((20, 29.5, 21.5), (20, 31.5, 23.5))}
    assert contours_to_mask(read_contours([AXIAL, inner, beside], GRID), GRID).sum() == 200 - 4 + 4


def test_a_contour_given_twice_does_not_cancel_out() -> None:
    assert contours_to_mask(read_contours([AXIAL, AXIAL], GRID), GRID).sum() == 200


def test_contours_of_different_planes_are_joined() -> None:
    coronal = {"label": "tumour", "points_mm": rectangle((15.5, 12, 19.5), (25.5, 12, 39.5))}
    # Row 12 of slice 20 belongs to both.
    assert contours_to_mask(read_contours([AXIAL, coronal], GRID), GRID).sum() == 200 + 200 - 20


def test_a_label_takes_only_its_own_contours() -> None:
    other = {**AXIAL, "label": "", "points_mm": rectangle((21, 0.5, 0.5), (21, 2.5, 2.5))}
    marks = read_contours([AXIAL, other], GRID)
    assert contour_labels(marks) == ["tumour", "region"]
    assert contours_to_mask(marks, GRID, "region").sum() == 4


def test_a_contour_beyond_the_edge_is_cut_off() -> None:
    mark = {"points_mm": rectangle((20, -5.5, -5.5), (20, 2.5, 2.5)), "plane": "axial"}
    assert contours_to_mask(read_contours([mark], GRID), GRID).sum() == 9


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_outlines_of_a_mask_on_a_slanted_grid_give_the_same_mask(plane: str) -> None:
    mask = np.random.default_rng(5).random(SLANTED.shape) < 0.4
    found = mask_to_contours(mask, SLANTED, label="noise", plane=plane)
    assert {mark.plane for mark in found} == {plane}
    read = read_contours([mark.as_dict() for mark in found], SLANTED)
    assert np.array_equal(contours_to_mask(read, SLANTED, "noise"), mask)


def test_a_mask_of_another_grid_has_no_contours_here() -> None:
    with pytest.raises(InvalidInput, match="its grid"):
        mask_to_contours(np.ones((2, 3, 4)), GRID)
    with pytest.raises(InvalidInput, match="no plane 'oblique'"):
        mask_to_contours(np.ones(GRID.shape), GRID, plane="oblique")


@pytest.mark.parametrize(
    ("contours", "words"),
    [
        ("tumour", "list of contours"),
        (AXIAL, "list of contours"),
        (17, "list of contours"),
        ([17], "three finite numbers"),
        ([{**AXIAL, "points_mm": [(1, 2), (3, 4), (5, 6)]}], "three finite numbers"),
        ([{**AXIAL, "points_mm": [(0, 0, np.nan)] * 3}], "three finite numbers"),
        ([{**AXIAL, "points_mm": "M 0 0"}], "three finite numbers"),
        ([{**AXIAL, "points_mm": AXIAL["points_mm"][:2]}], "2 points"),  # type: ignore[index]
        ([{**AXIAL, "plane": "oblique"}], "the planes are axial"),
        ([{**AXIAL, "plane": 3}], "the planes are axial"),
        ([{**AXIAL, "plane": "coronal"}], r"leaves its coronal slice by 8\.00 mm"),
        ([{**AXIAL, "points_mm": [(0, 0, 150), (1, 1, 150), (2, 2, 150)]}], "on one line"),
        ([{**AXIAL, "points_mm": [(900, 0, 150), (910, 0, 150), (900, 9, 150)]}], "outside this volume"),
        ([AXIAL] * 5001, "at most 5000"),
    ],
)
def test_bad_contours_are_refused_with_a_sentence(contours: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_contours(contours, GRID)


def test_a_contour_between_two_slices_belongs_to_the_nearer() -> None:
    (mark,) = read_contours([{**AXIAL, "points_mm": rectangle((20.3, 9.5, 19.5), (20.3, 19.5, 39.5))}], GRID)
    assert mark.in_slice(GRID)[0] == 20


def test_no_contours_is_none_at_all() -> None:
    assert read_contours(None, GRID) == ()
    assert not contours_to_mask([], GRID).any()


def structure(folder: Path, name: str, grid: Geometry) -> tuple[ContourMark, ...]:
    """Give the contours of one region of the real structure set."""
    import pydicom

    source = pydicom.dcmread(folder / "1.dcm")
    (number,) = (roi.ROINumber for roi in source.StructureSetROISequence if roi.ROIName == name)
    (item,) = (item for item in source.ROIContourSequence if item.ReferencedROINumber == number)
    return read_contours([{"points_mm": np.reshape(one.ContourData, (-1, 3))} for one in item.ContourSequence], grid)


@pytest.mark.parametrize(("name", "published_ml"), [("GTV-1", 35.06), ("GTV-2", 38.05), ("GTV-3", 8.55)])
def test_tumours_of_the_lung_case_have_their_published_volumes(
    shared_data: Callable[[str], Path], name: str, published_ml: float
) -> None:
    grid = Geometry((107, 512, 512), (3.0, 0.977, 0.977), (-250.112, -250.112, -305.9))
    contours = structure(shared_data("ct-lung1-003") / "data/dcms/LUNG1-003_20180209_CT", name, grid)
    mask = contours_to_mask(contours, grid)
    assert mask.sum() * 3 * 0.977**2 / 1000 == pytest.approx(published_ml, rel=0.02)
    assert np.array_equal(contours_to_mask(mask_to_contours(mask, grid), grid), mask)
