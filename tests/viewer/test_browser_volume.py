"""The volume in a real browser: drawn from a coarse level, turned, taken away; a sentence where WebGL is missing."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.viewer.conftest import CHROMIUM_FLAGS
from workbench.geometry import Geometry
from workbench.viewer.shown_volume import ArrayVolume
from workbench.viewer.widget import Opened

SOFTWARE = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
DRAWN_MS = 90_000
# A block of bone at the patient's left, in soft air; more than 160 voxels along x, so that a coarse level is taken.
GRID = Geometry((40, 48, 200), (2.0, 2.0, 1.0), (-100.0, -48.0, 0.0))


@pytest.fixture
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give a Chromium whose WebGL is made of software, or one without any."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        yield None
        return
    flags = getattr(request, "param", SOFTWARE)
    with sync_playwright() as session:
        browser = session.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, *flags])
        yield browser
        browser.close()


@pytest.fixture
def view_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Show bone at x from 20 to 80 mm, that is at the patient's left; or a governed scan."""
    if getattr(request, "param", "") == "governed":
        return {}
    array = np.full(GRID.shape, -1000, np.int16)
    array[10:30, 12:36, 120:180] = 700
    volume = ArrayVolume(array, GRID, modality="CT", unit="HU", title="bone")
    return {"opened": Opened(volume, "", True), "position_mm": (0.0, 0.0, 40.0), "boxes": []}


def choose_volume(page: Any) -> None:
    page.evaluate("window.model.set('arrangement', 'volume')")


@pytest.fixture
def drawn(page: Any) -> Any:
    """Choose the volume and wait until it is drawn."""
    choose_volume(page)
    page.wait_for_selector(".ctv-volume[data-ready]", timeout=DRAWN_MS)
    return page


def picture(page: Any) -> np.ndarray:
    """Give the brightness of the volume's canvas."""
    png = page.locator(".ctv-volume-canvas").screenshot(timeout=DRAWN_MS)
    return np.asarray(Image.open(io.BytesIO(png)).convert("L")).astype(int)


def test_the_volume_is_drawn_from_a_coarse_level(drawn: Any, server: Any) -> None:
    levels = {asked.get("level") for asked in server.messages if asked.get("kind") == "slice"}

    assert 1 in levels
    expect(drawn.locator(".ctv-volume-words")).to_contain_text("20 × 24 × 100 voxels, each for 2 along every axis")
    assert (picture(drawn) > 40).mean() > 0.005


def test_arrow_keys_turn_it(drawn: Any) -> None:
    before = picture(drawn)
    drawn.locator(".ctv-volume-canvas").focus()
    for _ in range(4):
        drawn.keyboard.press("ArrowRight")

    assert np.abs(picture(drawn) - before).max() > 40


def test_another_arrangement_takes_it_away_whole(drawn: Any) -> None:
    drawn.evaluate("window.model.set('arrangement', 'planes')")

    expect(drawn.locator(".ctv-volume-canvas")).to_have_count(0)
    expect(drawn.locator("canvas[data-plane=axial]")).to_be_visible()
    assert drawn.locator(".ctv-volume").count() == 0


@pytest.mark.parametrize("view_options", ["governed"], indirect=True)
def test_when_access_ends_the_volume_goes(drawn: Any, server: Any) -> None:
    assert drawn.locator(".ctv-volume-canvas").count() == 1
    server.refusal = (403, "Your grant has ended.")

    drawn.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(drawn.locator(".ctv-volume-canvas")).to_have_count(0)
    expect(drawn.locator(".ctv")).to_contain_text("Your grant has ended.")


@pytest.mark.parametrize("browser", [["--disable-3d-apis"]], indirect=True, ids=["no-webgl"])
def test_without_webgl_a_sentence_says_so(page: Any) -> None:
    choose_volume(page)

    expect(page.locator(".ctv-volume [role=alert]")).to_contain_text("no WebGL 2")
    assert "the planes show the same scan" in page.locator(".ctv-volume").inner_text()
