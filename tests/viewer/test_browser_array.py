"""Arrays of the kernel in a real browser: whatever is given, a right picture or a clear sentence, never a blank."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.geometry import Geometry
from workbench.viewer.shown_volume import as_shown
from workbench.viewer.widget import Opened

GRID = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5))
RAMP = np.broadcast_to(np.arange(80, dtype=np.float32) / 79, (40, 64, 80))
HOLES = np.where(np.arange(80) < 40, np.nan, RAMP)
# Name: the array and its grid.
ODD = {
    "probability": (RAMP, GRID),
    "half-empty": (HOLES, GRID),
    "constant": (np.full((40, 64, 80), 7.5), GRID),
    "bool": (RAMP > 0.5, GRID),
    "wide": ((RAMP * 1e12).astype(np.float64), GRID),
    "one-slice": (RAMP[:1], Geometry((1, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 150.0))),
    "far-apart": (RAMP, Geometry((40, 64, 80), (9000.0, 0.8, 0.7), (-30.0, -20.0, 100.5))),
    "big-endian": (RAMP.astype(">f8"), GRID),
}
LIT = (
    "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 0 && v > 90).length"
)


@pytest.fixture(params=sorted(ODD))
def odd(request: Any) -> Any:
    return ODD[request.param]


@pytest.fixture
def view_options(odd: Any) -> dict[str, Any]:
    array, grid = odd
    shown = as_shown(array, geometry=grid, unit="score")
    middle = grid.to_patient_mm(np.asarray(grid.shape) // 2)
    level, width = shown.window
    opened = Opened(shown, "", from_kernel=True)
    return {"opened": opened, "position_mm": middle, "window": (level, width), "boxes": []}


def test_odd_arrays_give_a_picture_and_their_own_values(page: Any, odd: Any) -> None:
    array, grid = odd
    axial = page.locator(".ctv-plane[data-plane=axial]")
    assert axial.evaluate(LIT) > 1000
    words = page.locator(".ctv-place").inner_text()
    expected = float(np.asarray(array)[tuple(n // 2 for n in grid.shape)])
    said = float(words.split(": ")[1].split(" score")[0].replace("−", "-"))
    # Floats travel in 65,535 steps between the lowest and the highest value, and are said in four digits.
    assert said == pytest.approx(expected, rel=2e-3, abs=2e-5 * float(np.nanmax(np.abs(np.asarray(array, float)))))


def test_the_wheel_and_the_window_work_as_on_a_scan(page: Any, server: Any, odd: Any) -> None:
    page.locator(".ctv-plane[data-plane=sagittal]").focus()
    page.keyboard.press("Home")
    page.wait_for_selector(".ctv-plane[data-plane=sagittal][data-shown='0']")
    page.keyboard.press("2")
    page.evaluate("window.settled()")
    assert server.view.window == server.view.presets[1]["name"]
    assert {message["kind"] for message in server.messages} <= {"slice", "cancel"}
    assert server.requests == []
