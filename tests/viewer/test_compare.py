"""How a second volume is compared: what is left out, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.viewer.stills import GRID, MARK, SAGITTAL, marked
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.compare import read_compare
from workbench.viewer.picture import LIMIT_BYTES
from workbench.viewer.shown_volume import ArrayVolume
from workbench.viewer.widget import CTView, Opened


def volume(modality: str = "CT", unit: str = "HU") -> ArrayVolume:
    grid = Geometry((2, 3, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return ArrayVolume(np.zeros((2, 3, 4), np.int16), grid, modality=modality, unit=unit, title=f"a {modality}")


def view(other: ArrayVolume | None = None) -> CTView:
    return CTView(Opened(volume(), "", True), Opened(other, "", True) if other else None, position_mm=(1, 1, 1))


def test_nothing_said_means_off_with_half_and_half() -> None:
    plain = {"mode": "off", "share": 0.5, "square_mm": 30.0, "colour": "grey", "plane": "axial"}
    assert read_compare(None) == plain
    assert read_compare({}) == plain


def test_a_mode_alone_is_enough() -> None:
    assert read_compare("blend", volume())["mode"] == "blend"


@pytest.mark.parametrize(("modality", "colour"), [("PT", "hot"), ("NM", "hot"), ("CT", "grey"), ("MR", "grey")])
def test_uptake_is_hot_and_anatomy_grey(modality: str, colour: str) -> None:
    assert read_compare(None, volume(modality, "SUV"))["colour"] == colour


def test_a_colour_that_was_asked_for_wins() -> None:
    assert read_compare({"colour": "grey"}, volume("PT", "SUV"))["colour"] == "grey"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"mode": "subtract"}, "'subtract'; choose one of off, blend, checkerboard"),
        ({"mode": None}, "the mode None"),
        ({"share": 1.01}, "share 1.01; it must be a number from 0 to 1"),
        ({"share": float("nan")}, "share nan"),
        ({"share": True}, "share True"),
        ({"share": "much"}, "share 'much'"),
        ({"square_mm": 0}, "square_mm 0; it must be a number from 2 to 500"),
        ({"square_mm": [30]}, "square_mm \\[30\\]"),
        ({"colour": "jet"}, "'jet'; choose one of grey, hot"),
        ({"plane": "oblique"}, "'oblique'; choose one of axial, coronal, sagittal, all"),
        ({"opacity": 1}, "has no opacity; it has colour, mode, plane, share, square_mm"),
        (3, "`compare` is 3; give a mode"),
        (["blend"], "give a mode"),
    ],
)
def test_what_makes_no_sense_is_refused_by_a_sentence(value: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_compare(value, volume())


@pytest.mark.parametrize("mode", ["blend", "checkerboard"])
def test_one_volume_alone_cannot_be_compared(mode: str) -> None:
    with pytest.raises(InvalidInput, match=f"no second volume for a {mode}; open the view with wb.view"):
        read_compare(mode)


def test_the_trait_knows_the_second_volume() -> None:
    shown = view(volume("PT", "SUV"))
    shown.compare = {"mode": "blend", "share": 0.25}
    assert shown.compare == {"mode": "blend", "share": 0.25, "square_mm": 30.0, "colour": "hot", "plane": "axial"}


def test_the_trait_keeps_what_it_had_when_it_refuses() -> None:
    shown = view()
    with pytest.raises(InvalidInput, match="no second volume"):
        shown.compare = "blend"
    assert shown.compare["mode"] == "off"


def still(**given: Any) -> bytes:
    """Give the still of a view of two phantoms on different grids."""
    first, second = marked(GRID), marked(SAGITTAL, title="second", modality=given.pop("modality", "CT"))
    shown = CTView(Opened(first, "", True), Opened(second, "", True), **{"position_mm": MARK, **given})
    try:
        return shown.picture()
    finally:
        shown.close()


STATES: list[dict[str, Any]] = [
    {}, {"arrangement": "side-by-side"}, {"arrangement": "side-by-side", "compare": {"plane": "all"}},
    {"arrangement": "side-by-side", "compare": {"plane": "coronal"}}, {"compare": "blend"},
    {"compare": {"mode": "blend", "share": 0.2}}, {"compare": "checkerboard"},
    {"compare": {"mode": "checkerboard", "square_mm": 9}}, {"arrangement": "montage"},
    {"arrangement": "montage", "compare": "blend"}, {"compare": {"mode": "blend", "colour": "hot"}},
    {"arrangement": "side-by-side", "window_other": (900, 40)}, {"compare": "blend", "window_other": (900, 40)},
]  # fmt: skip


def test_every_state_leaves_its_own_still_the_same_each_time() -> None:
    made = [still(**state) for state in STATES]
    assert len(set(made)) == len(STATES)
    assert made == [still(**state) for state in STATES]
    assert max(map(len, made)) <= LIMIT_BYTES


def test_the_second_window_changes_nothing_while_it_is_not_on_screen() -> None:
    assert still(window_other=(900, 40)) == still()


def test_side_by_side_without_a_second_volume_is_the_three_planes() -> None:
    shown = view()
    planes = shown.picture()
    shown.arrangement = "side-by-side"
    assert shown.picture() == planes
    shown.close()


def test_noise_in_hot_colours_stays_small() -> None:
    rng = np.random.default_rng(1)
    grid = Geometry((60, 256, 256), (2.5, 1.4, 1.4), (0.0, 0.0, 0.0))
    arrays = {"CT": rng.normal(-700, 60, grid.shape), "PT": rng.integers(0, 999, grid.shape)}
    noise = [ArrayVolume(one.astype(np.int16), grid, modality=kind, title=kind) for kind, one in arrays.items()]
    shown = CTView(*(Opened(one, "", True) for one in noise), position_mm=(100, 100, 50), compare="blend")
    for arrangement in ("planes", "montage", "side-by-side"):
        shown.arrangement = arrangement
        assert len(shown.picture()) <= 60_000
    shown.close()


def test_the_words_of_a_view_name_both_scans() -> None:
    shown = view(volume("PT"))
    assert "CTView of a CT at" in repr(shown)
    shown.compare = "blend"
    assert "CTView of a CT and a PT at" in repr(shown)
    shown.close()
