"""The widget on the Python side: traits both ways, the notebook's bundle, refusals in sentences."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from workbench.errors import AccessDenied, InvalidInput
from workbench.viewer.view import CTView, view

LARGEST_BUNDLE = 60 * 1024


@pytest.fixture
def shown(volume: Any) -> CTView:
    return CTView(volume, "V1", "phantom S0001", position_mm=(5.0, 4.0, 150.5), window="lung", boxes=[])


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


def test_picture_follows_the_traits_and_is_drawn_once(shown: CTView, volume: Any) -> None:
    first = shown.picture()
    assert shown.picture() is first
    shown.window = "bone"
    assert shown.picture() != first
    assert len(volume.reads) == 6


def test_ended_access_leaves_a_sentence_and_no_picture(shown: CTView, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise AccessDenied("No grant for phantom: yours ended on 3 May.")

    monkeypatch.setattr("workbench.viewer.view.draw_picture", refuse)
    data, _ = shown._repr_mimebundle_()
    assert "image/png" not in data
    assert "ended on 3 May" in data["text/plain"]


def test_state_is_small_enough_to_travel_with_every_cell(shown: CTView) -> None:
    state = shown.get_state()
    code = len(state["_esm"]) + len(state["_css"])
    assert code <= LARGEST_BUNDLE
    assert len(repr({name: value for name, value in state.items() if name not in ("_esm", "_css")})) < 4000


@pytest.mark.parametrize("scan", [np.zeros((3, 3, 3), dtype=np.int16), "S0001", None])
def test_arrays_are_refused_with_what_to_give_instead(scan: Any) -> None:
    with pytest.raises(InvalidInput, match=r"dataset\(\"chest-ct\"\)\.volume"):
        view(scan)
