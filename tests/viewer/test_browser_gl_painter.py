"""WebGL 2 draws the very bytes of the table on canvas 2D, for every stored number; lost, it steps aside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from tests.viewer.conftest import CHROMIUM_FLAGS
from workbench.geometry import Geometry
from workbench.viewer.shown_volume import ArrayVolume
from workbench.viewer.widget import Opened

# Every int16 number once in the axial slice; 255 columns would hide a row that is not a multiple of four bytes.
GRID = Geometry((3, 260, 255), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
SPY = """() => {
window.sources = []; window.draws = 0; window.lose = null;
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (image, ...rest) {
  if (this.canvas.classList.contains('ctv-plane')) window.sources.push([this.canvas.dataset.plane, image]);
  return draw.call(this, image, ...rest);
};
const arrays = WebGL2RenderingContext.prototype.drawArrays;
WebGL2RenderingContext.prototype.drawArrays = function (...rest) {
  window.draws += 1;
  window.lose = () => this.getExtension('WEBGL_lose_context').loseContext();
  return arrays.apply(this, rest);
};
window.greys = () => {
  const [, canvas] = window.sources.findLast(([plane]) => plane === 'axial');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return [...data];
};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a Chromium whose WebGL is made of software."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        yield None
        return
    flags = [*CHROMIUM_FLAGS, "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as session:
        browser = session.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def view_options() -> dict[str, Any]:
    """Show every number that int16 holds."""
    array = np.resize(np.arange(-32768, 32768, dtype=np.int16), GRID.shape[1:])
    volume = ArrayVolume(np.stack([array, array[::-1], array]), GRID, modality="CT", unit="HU", title="all numbers")
    return {"opened": Opened(volume, "", True), "position_mm": (100.0, 100.0, 0.0), "boxes": []}


@pytest.fixture
def spied(page: Any) -> Any:
    """Look over the painter's shoulder."""
    page.evaluate(SPY)
    return page


def paint(page: Any, painter: str, window: tuple[float, float], *, inverted: bool = False) -> list[int]:
    """Paint anew with a painter; give the bytes of the axial picture, in the slice's own pixels."""
    page.evaluate(f"document.documentElement.dataset.ctvPainter = '{painter}'")
    page.evaluate("window.from_python({window: [0, 7], inverted: false})")
    page.wait_for_timeout(50)
    page.evaluate("window.sources.length = 0")
    page.evaluate("([window, inverted]) => from_python({window, inverted})", [list(window), inverted])
    page.wait_for_function("window.sources.some(([plane]) => plane === 'axial')")
    return list(page.evaluate("window.greys()"))


@pytest.mark.parametrize(
    ("window", "inverted"),
    [((-600, 1500), False), ((40, 400), True), ((0, 65535), False), ((100, 1), False), ((32767, 3), True)],
    ids=["lung", "mediastinum inverted", "widest", "narrowest", "edge"],
)
def test_both_painters_give_the_same_bytes(spied: Any, window: tuple[float, float], inverted: bool) -> None:
    by_table = paint(spied, "canvas", window, inverted=inverted)
    assert spied.evaluate("window.draws") == 0
    by_card = paint(spied, "webgl", window, inverted=inverted)
    assert spied.evaluate("window.draws") > 0
    assert len(by_card) == 260 * 255 * 4
    assert by_card == by_table


def test_the_card_paints_numbers_worked_out_by_hand(spied: Any) -> None:
    greys = paint(spied, "webgl", (-600, 1500))[::4]
    # Number n stands at place n + 32768; -32768 means no value: black. (40 + 1350) / 1500 of 255 is 236.3.
    assert greys[0] == 0
    assert greys[-1350 + 32768] == 0
    assert greys[40 + 32768] == 236
    assert greys[150 + 32768] == 255


def test_software_webgl_is_not_used_by_itself(spied: Any) -> None:
    paint(spied, "", (-600, 1500))
    assert spied.evaluate("window.draws") == 0


def test_a_lost_context_leaves_the_painting_to_the_table(spied: Any) -> None:
    before = paint(spied, "webgl", (-600, 1500))
    spied.evaluate("window.lose()")
    spied.wait_for_timeout(100)
    drawn = spied.evaluate("window.draws")
    assert paint(spied, "webgl", (-600, 1500)) == before
    assert spied.evaluate("window.draws") == drawn


def test_all_planes_share_one_context(spied: Any) -> None:
    spied.evaluate("""() => {
      window.contexts = 0;
      const get = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        window.contexts += kind === 'webgl2' ? 1 : 0;
        return get.call(this, kind, ...rest);
      };
    }""")
    for level in (0, 100, 200):
        paint(spied, "webgl", (level, 400))
    # Three planes were painted each time.
    assert spied.evaluate("window.draws") >= 9
    assert spied.evaluate("window.contexts") == 1
