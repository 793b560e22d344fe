"""Fast windows: bit for bit the values of the plain one, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import buffers
from workbench.imaging.volume import WINDOWS, Window, window
from workbench.imaging.windowing import as_window, window_hu

EVERY_HU = np.arange(-32768, 32768, dtype=np.int16).reshape(4, 128, 128)


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_every_hu_gets_the_grey_of_the_plain_window(name: str) -> None:
    grey = window_hu(EVERY_HU, name)
    assert grey.dtype == np.float32
    assert np.array_equal(grey, window(EVERY_HU, name))


def test_a_window_of_odd_numbers_and_floats_is_the_plain_one() -> None:
    hu = np.random.default_rng(0).normal(0, 700, (3, 50, 77)).astype(np.float32)
    assert np.array_equal(window_hu(hu, 33.3, 333.3), window(hu, 33.3, 333.3))
    assert np.array_equal(window_hu(hu.astype(float), 33.3, 333.3), window(hu, 33.3, 333.3))


def test_ends_are_black_and_white() -> None:
    hu = np.array([[[-2000, -160, 40, 240, 3000]]], np.int16)
    assert window_hu(hu, 40, 400).tolist() == [[[0, 0, 0.5, 1, 1]]]


def test_threads_and_a_used_target_give_the_same_bits() -> None:
    hu = np.random.default_rng(0).integers(-1000, 1000, (5, 160, 170)).astype(np.int16)
    target = np.full(hu.shape, 9, np.float32)
    assert window_hu(hu, "lung", out=target, threads=2) is target
    assert np.array_equal(target, window_hu(hu, "lung"))


def test_any_number_of_axes_is_windowed() -> None:
    hu = np.random.default_rng(0).integers(-1000, 1000, (2, 3, 4, 5)).astype(np.int16)
    assert np.array_equal(window_hu(hu, "bone"), window(hu, "bone"))
    assert window_hu(np.zeros((0, 4, 4, 4), np.int16), "bone").shape == (0, 4, 4, 4)


def test_a_preset_is_its_level_and_width() -> None:
    assert as_window("lung") == as_window(-600, 1500) == Window(-600, 1500)


@pytest.mark.parametrize(
    ("level", "width"), [("chest", None), ("lung", 5), (0, None), (0, 0), (0, -5), (np.nan, 400), (0, np.inf)]
)
def test_an_unusable_window_is_refused(level: Any, width: Any) -> None:
    with pytest.raises(InvalidInput, match="indow"):
        window_hu(EVERY_HU, level, width)


@pytest.mark.parametrize("hu", [np.zeros(4, np.int64), np.array([[[0.0, np.nan]]]), np.zeros((2, 2), bool), [1, 2]])
def test_what_is_no_hu_is_refused(hu: Any) -> None:
    with pytest.raises(InvalidInput):
        window_hu(hu, "lung")


def test_a_target_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="float32 of shape"):
        window_hu(EVERY_HU, "lung", out=np.empty(EVERY_HU.shape, np.float64))


def test_greys_too_large_for_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "free_memory_bytes", lambda: 1000)
    with pytest.raises(InvalidInput, match="memory are free"):
        window_hu(EVERY_HU, "lung")
