"""The widget on the Python side: traits both ways, the notebook's bundle, refusals in sentences."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from workbench.errors import AccessDenied, InvalidInput
from workbench.viewer.view import view
from workbench.viewer.widget import CTView, Opened

LARGEST_LOADER = 6 * 1024


@pytest.fixture
def shown(volume: Any) -> CTView:
    return CTView(Opened(volume, "V1"), position_mm=(5.0, 4.0, 150.5), window="lung", boxes=[])


def test_bundle_has_widget_picture_and_words(shown: CTView) -> None:
    data, _ = shown._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= set(data)
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert "phantom S0001 at x 5.0, y 4.0, z 150.5 mm" in data["text/plain"]


def test_traits_can_be_set_and_are_checked(shown: CTView) -> None:
    shown.window = (40, 400)
    shown.position_mm = [0.0, 0.0, 120.0]
    shown.boxes = [{"centre_mm": (0, 0, 120), "size_mm": 8}]
    assert (shown.window, shown.position_mm) == ((40.0, 400.0), (0.0, 0.0, 120.0))
    assert shown.boxes[0]["size_mm"] == [8.0, 8.0, 8.0]


@pytest.mark.parametrize(
    ("name", "value"), [("window", "lungs"), ("position_mm", (0, 0, 900)), ("boxes", [{"centre_mm": (0, 0, 1)}])]
)
def test_bad_traits_are_refused_and_the_old_ones_stay(shown: CTView, name: str, value: object) -> None:
    before = getattr(shown, name)
    with pytest.raises(InvalidInput):
        setattr(shown, name, value)
    assert getattr(shown, name) == before


def test_picture_follows_the_traits_and_is_the_same_again(shown: CTView) -> None:
    first = shown.picture()
    assert shown.picture() == first
    shown.window = "bone"
    assert shown.picture() != first


def test_picture_is_read_anew_each_time_since_a_right_may_have_ended(shown: CTView, volume: Any) -> None:
    shown.picture()
    assert shown.picture()
    assert len(volume.reads) == 6


def test_picture_has_the_candidates_from_the_threshold_on_and_the_truth_once_shown(shown: CTView) -> None:
    empty = shown.picture()
    shown.truth = [{"centre_mm": (5.0, 4.0, 150.5), "size_mm": 10}]
    assert shown.picture() == empty
    shown.truth_visible = True
    with_truth = shown.picture()
    shown.candidates = [{"position_mm": (5.0, 4.0, 150.5), "score": 0.4}]
    shown.threshold = 0.5
    assert shown.picture() == with_truth != empty
    shown.threshold = 0.4
    assert shown.picture() != with_truth


def test_ended_access_leaves_a_sentence_and_no_picture(shown: CTView, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise AccessDenied("No grant for phantom: yours ended on 3 May.")

    monkeypatch.setattr("workbench.viewer.widget.draw_picture", refuse)
    data, _ = shown._repr_mimebundle_()
    assert "image/png" not in data
    assert "ended on 3 May" in data["text/plain"]


def test_state_is_small_enough_to_travel_with_every_cell(shown: CTView) -> None:
    state = shown.get_state()
    assert len(state["_esm"]) <= LARGEST_LOADER
    assert len(repr({name: value for name, value in state.items() if name != "_esm"})) < 4000


@pytest.mark.parametrize("scan", ["S0001", None])
def test_what_is_no_scan_is_refused_with_what_to_give_instead(scan: Any) -> None:
    with pytest.raises(InvalidInput, match=r"dataset\(\"chest-ct\"\)\.volume"):
        view(scan)


def test_an_array_without_a_grid_is_refused_with_the_ways_to_give_one() -> None:
    with pytest.raises(InvalidInput, match=r"like=scan .* spacing_mm="):
        view(np.zeros((3, 3, 3), dtype=np.int16))


def test_an_array_is_shown_from_the_kernel_without_any_gateway() -> None:
    shown = view(np.arange(60, dtype=np.float32).reshape(3, 4, 5), spacing_mm=(2.5, 1, 1), unit="score")
    assert (shown.volumes[0]["kind"], shown.volumes[0]["unit"], shown.volumes[0]["view_id"]) == ("kernel", "score", "")
    assert shown.position_mm == (2.0, 2.0, 2.5)


@pytest.mark.parametrize(("name", "value"), [("engine", "vtk"), ("arrangement", "circle"), ("slab_mm", -1)])
def test_unknown_ways_of_showing_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=str(value)):
        view(np.zeros((3, 4, 5), dtype=np.int16), spacing_mm=1, **{name: value})
