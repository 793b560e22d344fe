"""Stills beside the browser: two volumes and montages look the same in both, pixel by pixel but for soft edges."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.viewer.grids import PIXELS
from workbench.geometry import Geometry
from workbench.viewer.compare import compared, read_compare
from workbench.viewer.montage import slices_of, stride_of
from workbench.viewer.panes import Pane
from workbench.viewer.planes import lay_planes
from workbench.viewer.scene import Scene
from workbench.viewer.shown_volume import ArrayVolume
from workbench.viewer.side_by_side import SecondPane
from workbench.viewer.widget import Opened
from workbench.viewer.windows import presets_for

# Turned by 20 degrees about the patient's long axis, on coarser voxels, and smaller than the phantom.
TURNED = Geometry(
    (16, 18, 22), (4.0, 3.0, 2.5), (-22.0, -22.0, 118.0), (0.9397, -0.3420, 0.0, 0.3420, 0.9397, 0.0, 0.0, 0.0, 1.0)
)
PLACE = (5.0, 4.0, 150.5)
WINDOW, WINDOW_OTHER = (-480.0, 1040.0), (5000.0, 10000.0)
# Letters, names and scale bars are at the edges.
EDGE = 0.18


def other(modality: str) -> ArrayVolume:
    """Give slopes along its columns and rows with a bright block in it."""
    z, y, x = np.indices(TURNED.shape)
    array = (x * 300 + y * 150 + 40 * z).astype(np.int16)
    array[5:11, 6:12, 8:14] = 9000
    return ArrayVolume(array, TURNED, modality=modality, unit="Bq/ml", title=f"{modality} S0001")


@pytest.fixture
def view_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give a view without overlays, of which only the compared volume differs."""
    given = {"modality": "MR", **getattr(request, "param", {})}
    second = Opened(other(given.pop("modality")), "", True)
    shown = {"window": WINDOW, "window_other": WINDOW_OTHER, "overlays_visible": False, "position_mm": PLACE}
    return {"other": second, **shown, **given}


def opened(**options: Any) -> Any:
    return pytest.mark.parametrize("view_options", [options], indirect=True, ids=["view"])


def canvases(page: Any, selector: str = ".ctv-cell:not([hidden]) .ctv-plane") -> list[NDArray[np.int_]]:
    """Give the pixels of all canvases, shape (height, width, 3) each, in the order of the page."""
    page.wait_for_selector(".ctv[data-complete]")
    page.evaluate("window.settled()")
    found = []
    for canvas in page.locator(selector).all():
        height, width, text = canvas.evaluate(PIXELS)
        flat = np.frombuffer(base64.b64decode(text), np.uint8)
        found.append(flat.reshape(height, width, 4)[..., :3].astype(int))
    return found


def scene_of(server: Any) -> Scene:
    view = server.view
    volume = view._opened["v1"].volume
    second = compared(volume, read_compare(view.compare, volume), WINDOW_OTHER, presets_for(volume), "")
    return Scene(PLACE, *WINDOW, overlays=False, compared=second)


def assert_alike(ours: Any, theirs: NDArray[np.int_], tolerance: float = 3) -> None:
    """Most of the inner part has the same colour; the browser smooths edges in its own way."""
    drawn = np.asarray(ours).astype(int)
    assert drawn.shape == theirs.shape
    high, wide = (round(side * EDGE) for side in drawn.shape[:2])
    away = np.abs(drawn - theirs)[high:-high, wide:-wide].max(axis=-1)
    assert np.quantile(away, 0.9) <= tolerance
    assert away.mean() <= 2 * tolerance
    # Something is seen there.
    assert np.ptp(theirs[high:-high, wide:-wide]) > 60


def pane_for(server: Any, name: str, size: Any) -> Pane:
    geometry = server.view.volume.geometry
    return Pane({one.name: one for one in lay_planes(geometry)}[name], geometry, (size.shape[1], size.shape[0]))


@pytest.mark.parametrize(
    "view_options",
    [{"compare": {"mode": "blend", "share": 0.35}}, {"compare": {"mode": "checkerboard", "square_mm": 9}},
     {"compare": {"mode": "blend", "share": 0.8}, "modality": "PT"},
     {"compare": {"mode": "checkerboard", "square_mm": 12.5}, "modality": "PT", "slab_mm": 10.0}],
    indirect=True, ids=["blend", "squares", "hot", "hot squares of a slab"],
)  # fmt: skip
def test_a_second_volume_lies_over_the_first_as_in_the_browser(page: Any, server: Any) -> None:
    scene = replace(scene_of(server), slab_mm=server.view.slab_mm)
    for name, live in zip(("axial", "coronal", "sagittal"), canvases(page), strict=True):
        pane = pane_for(server, name, live)
        # Colours change faster than greys where two of them meet.
        assert_alike(pane.draw(server.view.volume, scene)[0], live, tolerance=6)


@opened(arrangement="side-by-side", compare={"plane": "all"})
def test_two_volumes_stand_side_by_side_as_in_the_browser(page: Any, server: Any) -> None:
    scene, live = scene_of(server), canvases(page)
    second = scene.compared
    assert second is not None
    own = Scene(PLACE, *WINDOW_OTHER, overlays=False)
    for number, name in enumerate(("axial", "coronal", "sagittal")):
        first, beside = live[2 * number : 2 * number + 2]
        pane = pane_for(server, name, first)
        assert_alike(pane.draw(server.view.volume, scene)[0], first)
        assert_alike(SecondPane(pane, TURNED).draw(second.volume, own)[0], beside)


@opened(arrangement="montage", compare={"mode": "blend", "share": 0.5})
def test_a_montage_has_the_slices_of_the_browser(page: Any, server: Any) -> None:
    live = canvases(page)
    shown = page.locator(".ctv-cell:not([hidden]) .ctv-plane").evaluate_all("all => all.map(c => +c.dataset.shown)")
    geometry = server.view.volume.geometry
    assert shown == slices_of(geometry, "axial", 20, 12, stride_of(geometry, "axial"))
    number = shown.index(20)
    pane = pane_for(server, "axial", live[number])
    assert_alike(pane.draw(server.view.volume, scene_of(server), index=20)[0], live[number])
