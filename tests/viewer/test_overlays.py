"""What lies on a picture: labels, contours, measurements and candidates in their colours and at their places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.geometry import Geometry
from workbench.viewer.inks import BOX_COLOUR, CANDIDATE_COLOUR, MEASURE_COLOUR, TRUTH_COLOUR
from workbench.viewer.marks import BoxMark
from workbench.viewer.palette import colour
from workbench.viewer.picture import LIMIT_BYTES, Scene, draw_picture, draw_planes
from workbench.viewer.shown_volume import as_shown

GRID = Geometry((20, 30, 40), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
MIDDLE = (20.0, 15.0, 20.0)
# Where the axial plane lies, at 10 px a voxel.
AXIAL = {"axial": (0, 0, 400, 300)}
CORONAL = {"coronal": (0, 0, 400, 400)}


class Labels:
    """Labels on the scan's grid."""

    geometry = GRID

    def __init__(self, array: Any, segments: Any = (), **style: Any) -> None:
        self.array, self.segments = array, segments
        self.__dict__.update(style)

    def __getitem__(self, key: Any) -> Any:
        """Give label values."""
        return self.array[key]


def drawn(panes: Any = AXIAL, *, air: int = -1000, **scene: Any) -> Any:
    shown = as_shown(np.full(GRID.shape, air, np.int16), geometry=GRID, modality="CT")
    return draw_planes(shown, Scene(MIDDLE, 0, 2000, crosshair=False, **scene), panes, 400)


def count(picture: Any, wanted: Any) -> int:
    return int(np.all(np.asarray(picture.image) == wanted, axis=-1).sum())


def square(value: int = 2) -> Any:
    array = np.zeros(GRID.shape, np.uint16)
    array[8:13, 10:20, 15:25] = value
    return array


def test_label_is_filled_and_its_edge_drawn_in_full() -> None:
    seen = np.asarray(drawn(labels=(Labels(square(), [{"value": 2, "label": "liver"}]),)).image)
    # 35 % of sky blue (86, 180, 233) over black: 30, 63, 82; the edge of voxel x 15 lies at 150 px.
    assert seen[150, 200].tolist() == [30, 63, 82]
    assert seen[150, 150].tolist() == [86, 180, 233]
    assert seen[150, 145].tolist() == [0, 0, 0]


def test_outline_leaves_the_inside_free_and_opacity_is_kept() -> None:
    outline = drawn(labels=(Labels(square(), outline=True),))
    half = drawn(labels=(Labels(square(), opacity=0.5),))
    assert np.asarray(outline.image)[150, 200].tolist() == [0, 0, 0]
    assert np.asarray(half.image)[150, 200].tolist() == [43, 90, 116]


@pytest.mark.parametrize("value", [1, 255, 256, 65535])
def test_every_label_value_has_its_colour_and_name(value: int) -> None:
    picture = drawn(labels=(Labels(square(value)),))
    assert [tuple(entry) for entry in picture.legend] == [(colour(value), f"label {value}")]
    assert count(picture, colour(value)) > 100


def test_hidden_labels_are_neither_drawn_nor_listed() -> None:
    hidden = {"value": 2, "label": "liver", "visible": False}
    for layer in (Labels(square(), [hidden]), Labels(square(), visible=False), Labels(square(), rest_visible=False)):
        picture = drawn(labels=(layer,))
        assert (picture.legend, int(np.asarray(picture.image)[150, 200].max())) == ([], 0)


def test_legend_names_only_what_is_on_the_slices() -> None:
    array = square()
    array[0] = 5
    named = [{"value": 2, "label": "liver"}, {"value": 5, "label": "floor"}]
    assert [entry.words for entry in drawn(labels=(Labels(array, named),)).legend] == ["liver"]
    both = drawn({**AXIAL, "coronal": (0, 300, 400, 200)}, labels=(Labels(array, named),))
    assert {entry.words for entry in both.legend} == {"liver", "floor"}


def contour(plane: str = "axial", z: float = 20.0, **more: Any) -> Any:
    points = [(10.0, 5.0, z), (30.0, 5.0, z), (30.0, 25.0, z), (10.0, 25.0, z)]
    return {"label": "GTV-1", "plane": plane, "points_mm": points, **more}


def test_contour_is_drawn_in_its_slice_and_named() -> None:
    picture = drawn(contours=(contour(),))
    # Its left side lies at x 10: 105 px, between y 5 and 25.
    assert np.asarray(picture.image)[150, 105].tolist() == list(colour(1))
    assert [entry.words for entry in picture.legend] == ["GTV-1"]
    assert drawn(contours=(contour(z=24.0),)).legend == []
    assert drawn(contours=(contour(z=24.0),), slab_mm=8.0).legend != []


def test_contour_shows_in_other_planes_where_it_passes_through() -> None:
    seen = np.asarray(drawn(CORONAL, contours=(contour(),)).image)
    found = np.argwhere(np.all(seen[:380] == colour(1), axis=-1))
    # Two ticks, at x 10 and 30 (105 and 305 px), one slice of 2 mm (20 px) high around z index 10.
    assert sorted(set(np.round(found[:, 1] / 10).astype(int).tolist())) in ([10, 11, 30, 31], [10, 30], [11, 31])
    assert 18 <= np.ptp(found[:, 0]) <= 22


def test_contour_takes_the_colour_of_the_segment_of_its_name() -> None:
    layer = Labels(square(), [{"value": 2, "label": "GTV-1"}])
    assert drawn(labels=(layer,), contours=(contour(),)).legend == [(colour(2), "GTV-1")]
    assert count(drawn(contours=(contour(colour="#123456"),)), (0x12, 0x34, 0x56)) > 100


def test_measurements_are_drawn_in_their_plane_only() -> None:
    line = {"kind": "distance", "plane": "axial", "points_mm": [(10, 15, 20), (30, 15, 20)], "value": 20, "unit": "mm"}
    ring = {
        "kind": "ellipse", "plane": "axial", "points_mm": [(10, 5, 20), (30, 25, 20)], "value": 1, "unit": "HU",
        "statistics": {"mean": -812.25, "sd": 55.0},
    }  # fmt: skip
    assert np.asarray(drawn(measurements=(line,)).image)[155, 200].tolist() == list(MEASURE_COLOUR)
    assert np.asarray(drawn(measurements=(ring,)).image)[55, 205].tolist() == list(MEASURE_COLOUR)
    assert count(drawn(CORONAL, measurements=(line, ring)), MEASURE_COLOUR) == 0


def test_truth_and_candidates_have_colours_of_their_own() -> None:
    box = BoxMark(MIDDLE, (6.0, 6.0, 6.0))
    near = {"position_mm": (10.0, 15.0, 20.0), "score": 0.91, "diameter_mm": 8.0}
    far = {"position_mm": (10.0, 15.0, 30.0), "score": 0.5, "diameter_mm": 8.0}
    picture = drawn(truth=(box,), candidates=(near,))
    assert count(picture, TRUTH_COLOUR) > 100
    assert count(picture, BOX_COLOUR) == 0
    assert count(picture, CANDIDATE_COLOUR) > 100
    assert count(drawn(candidates=(far,)), CANDIDATE_COLOUR) == 0


def test_still_with_many_labels_and_noise_stays_small() -> None:
    rng = np.random.default_rng(5)
    grid = Geometry((60, 256, 256), (2.5, 0.7, 0.7), (0.0, 0.0, 0.0))
    shown = as_shown(rng.normal(-300, 400, grid.shape).astype(np.int16), geometry=grid, modality="CT")
    layer = Labels(np.zeros(grid.shape, np.uint16))
    layer.geometry = grid
    layer.array[:, 100:, 100:] = np.arange(156)[None, None, :] // 4 + 1
    png = draw_picture(shown, Scene((90.0, 90.0, 75.0), -300, 1500, labels=(layer,)))
    assert len(png) <= LIMIT_BYTES
