"""Whatever array is shown, the picture in the notebook is right: never blank, never wrapped, never a warning."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workbench.viewer.shown_volume import as_shown
from workbench.viewer.widget import CTView, Opened
from workbench.viewer.windows import presets_for

Z, Y, X = np.mgrid[0:20, 0:24, 0:28]
BALL: NDArray[Any] = ((Z - 10) ** 2 + (Y - 12) ** 2 + (X - 14) ** 2 < 36).astype(np.float64)
# Of the axial plane of the still picture: the middle of the ball, and the air beside it.
BALL_AT, AIR_AT = (170, 170), (40, 192)


def picture_of(array: Any, spacing_mm: Any = 1) -> NDArray[np.uint8]:
    shown = as_shown(array, spacing_mm=spacing_mm)
    middle = shown.geometry.to_patient_mm(np.asarray(shown.geometry.shape) // 2)
    window = presets_for(shown)[0]["name"]
    view = CTView(Opened(shown, from_kernel=True), position_mm=tuple(middle), window=window, overlays_visible=False)
    png = view.picture()
    view.close()
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


@pytest.mark.parametrize(
    "array",
    [
        BALL > 0,
        BALL.astype(np.float16),
        BALL.astype(">f4"),
        BALL.astype(np.uint64) * 2**63,
        (BALL * 2**62).astype(np.int64),
        BALL * 1e38,
        BALL * 1e-300,
        1e12 + BALL,
        np.where(Z < 3, np.nan, BALL),
        np.where(Z < 3, -np.inf, BALL),
        np.where(Z < 3, np.finfo(np.float32).min, BALL),
        BALL[::-1, ::-1, ::-1],
        np.asfortranarray(BALL),
        BALL[10:11],
    ],
    ids=[
        "bool",
        "half",
        "big-endian",
        "uint64",
        "int64",
        "large",
        "tiny",
        "offset",
        "nan",
        "infinite",
        "sentinel",
        "reversed",
        "fortran",
        "one-slice",
    ],
)
def test_a_ball_of_any_numbers_is_brighter_than_what_is_around_it(array: Any) -> None:
    picture = picture_of(array)
    assert int(picture[BALL_AT]) - int(picture[AIR_AT]) > 100


@pytest.mark.parametrize("spacing_mm", [1e4, 1e-4, (1e4, 1, 1), (1e-4, 1, 1)])
def test_a_ball_of_any_spacing_is_seen(spacing_mm: Any) -> None:
    assert picture_of(BALL, spacing_mm).max() == 255


@pytest.mark.parametrize("value", [0, 7, -1000.5, 1e17, -2e38, 5e-324, True])
def test_a_constant_array_is_mid_grey(value: Any) -> None:
    assert 100 < picture_of(np.full(BALL.shape, value))[BALL_AT] < 156


def test_one_voxel_fills_its_planes() -> None:
    assert 100 < picture_of(np.ones((1, 1, 1)))[BALL_AT] < 156


def test_what_has_no_value_is_black() -> None:
    assert picture_of(np.where(BALL > 0, np.nan, 1.0))[BALL_AT] == 0
