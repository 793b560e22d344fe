"""What people write for boxes, positions and windows, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.marks import centre_of, read_boxes, read_position, read_window

GRID = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5))


def test_box_objects_and_mappings_read_the_same() -> None:
    centre, side = (0.0, 0.0, 150.0), 10
    as_object = SimpleNamespace(centre_mm=centre, size_mm=(10, 10, 10), label="N0001")
    as_mapping = {"centre_mm": centre, "size_mm": side, "label": "N0001"}
    assert read_boxes([as_object], GRID) == read_boxes([as_mapping], GRID)


def test_box_reaches_half_its_size_each_way() -> None:
    (box,) = read_boxes([{"centre_mm": (5.0, 4.0, 150.5), "size_mm": (7, 8, 10)}], GRID)
    low, high = box.index_limits(GRID)
    # Centre at voxel (20, 30, 50); halves are 5 / 2.5, 4 / 0.8 and 3.5 / 0.7 voxels.
    assert low == pytest.approx([18, 25, 45])
    assert high == pytest.approx([22, 35, 55])


def test_no_boxes_is_none_at_all() -> None:
    assert read_boxes(None, GRID) == ()


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([{"centre_mm": (0, 0, 900), "size_mm": 10}], "outside this volume"),
        ([{"centre_mm": (0, 0), "size_mm": 10}], "three finite numbers"),
        ([{"centre_mm": (0, 0, float("nan")), "size_mm": 10}], "three finite numbers"),
        ([{"centre_mm": (0, 0, 150), "size_mm": 0}], "above 0"),
        ([{"size_mm": 10}], "no centre_mm"),
        ([17], "no centre_mm"),
        ("N0001", "list of boxes"),
        ({"centre_mm": (0, 0, 150), "size_mm": 10}, "list of boxes"),
        ([{"centre_mm": (0, 0, 150), "size_mm": 10}] * 501, "at most 500"),
    ],
)
def test_bad_boxes_are_refused_with_a_sentence(boxes: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_boxes(boxes, GRID)


def test_position_of_an_outer_voxels_edge_is_inside() -> None:
    assert read_position((-30.3, -20.3, 100.0), GRID) == (-30.3, -20.3, 100.0)


@pytest.mark.parametrize("position", [(-31.0, 0, 150), (0, 0, 250), "middle", (1, 2), None, (0, 0, float("inf"))])
def test_positions_outside_or_malformed_are_refused(position: object) -> None:
    with pytest.raises(InvalidInput, match="mm"):
        read_position(position, GRID)


def test_refused_position_says_where_the_volume_is() -> None:
    with pytest.raises(InvalidInput, match=r"x -30\.4 to 25\.6, y -20\.4 to 30\.8, z 99\.2 to 199\.2 mm"):
        read_position((0, 0, 500), GRID)


def test_middle_is_the_middle_voxel() -> None:
    assert centre_of(GRID) == pytest.approx((-30 + 40 * 0.7, -20 + 32 * 0.8, 100.5 + 20 * 2.5))


def test_window_is_a_preset_or_a_pair() -> None:
    assert read_window("lung") == (-600, 1500)
    assert read_window((40, 400)) == (40, 400)


@pytest.mark.parametrize("window", ["lungs", (40,), (40, 0), (40, -5), None, ("a", "b"), (float("nan"), 1)])
def test_unknown_windows_are_refused_and_the_presets_named(window: object) -> None:
    with pytest.raises(InvalidInput, match="mediastinum"):
        read_window(window)
