"""A real thorax CT with its tumours, brought in by the real ingest and read through the gateway, in the widget."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.ingest.pipeline import ingest_folder
from workbench.settings import Settings
from workbench.viewer.contours import mask_to_contours
from workbench.viewer.shown_volume import GovernedVolume
from workbench.viewer.widget import Opened

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import lines_of

from .grids import AXES, extent, picture
from .test_browser import plane

TUMOUR = "GTV-1"
ONLY_TUMOUR = """name => window.from_python({
  contours: [],
  labels: window.model.get('labels').map(layer => ({
    ...layer, segments: layer.segments.map(one => ({ ...one, visible: one.label === name }))
  }))
})"""


@pytest.fixture
def scan(home: Settings, shared_data: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    folder = shared_data("ct-lung1-003")
    with running_gateway(home), lines_of(home) as lines:
        ingest_folder(lines.person("custodian"), folder, "lung-ct")
        lines.sign_off("lung-ct")
        lines.grant("researcher", "lung-ct")
        monkeypatch.setenv(SOCKET_VARIABLE, str(home.socket))
        monkeypatch.setenv(TOKEN_VARIABLE, lines.kernel("researcher").token)
        yield wb.dataset("lung-ct")


@pytest.fixture
def volume(scan: Any) -> Any:
    return GovernedVolume(scan.volume("S0001"))


@pytest.fixture
def tumour(scan: Any) -> Any:
    return scan.label_volume("S0001").mask(TUMOUR)


@pytest.fixture
def view_options(scan: Any, volume: Any, tumour: Any) -> dict[str, Any]:
    middle = np.argwhere(tumour).mean(axis=0)
    contours = [mark.as_dict() for mark in mask_to_contours(tumour, volume.geometry, label=TUMOUR)]
    return {
        "opened": Opened(volume, "", True), "boxes": [], "contours": contours, "title": "lung-ct S0001",
        "labels": scan.label_volume("S0001"), "window": "mediastinum",
        "position_mm": tuple(volume.geometry.to_patient_mm(np.rint(middle)).tolist()),
    }  # fmt: skip


def test_the_tumour_of_a_real_scan_lies_where_its_mask_says(page: Any, volume: Any, tumour: Any) -> None:
    # Without the contours, whose name has their colour too, and without the other structures.
    page.evaluate(ONLY_TUMOUR, TUMOUR)
    page.evaluate("window.settled()")
    page.wait_for_selector(".ctv[data-complete]")
    middle = np.rint(np.argwhere(tumour).mean(axis=0)).astype(int)
    for shown, (normal, row, column) in AXES.items():
        assert plane(page, shown).get_attribute("data-shown") == str(middle[normal])
        pixels, seen = picture(page, shown), np.argwhere(tumour.take(middle[normal], axis=normal))
        sizes = [tumour.shape[axis] * volume.geometry.spacing_mm[axis] for axis in (row, column)]
        scale = min(size / mm for size, mm in zip(pixels.shape, sizes, strict=False))
        # An axial scan: columns to the patient's left, rows to the back, slices up.
        ends = (
            np.stack([seen.min(axis=0), seen.max(axis=0) + 1]) - np.array([tumour.shape[row], tumour.shape[column]]) / 2
        )
        away = ends * [volume.geometry.spacing_mm[axis] for axis in (row, column)] * scale
        down = np.sort(away[:, 0] * (-1 if row == 0 else 1)) + pixels.shape[0] / 2
        across = away[:, 1] + pixels.shape[1] / 2
        # The tumour is sky blue; the crosshair's green is more green than blue.
        red, green, blue = np.moveaxis(pixels, -1, 0)
        is_tumour = (blue - red > 40) & (blue - green > 12)
        assert extent(is_tumour) == pytest.approx([*across, *down], abs=2), shown


def test_contours_of_a_real_tumour_are_listed_and_its_name_is_read_out(page: Any, server: Any, tumour: Any) -> None:
    index = np.rint(server.view.volume.geometry.to_index(np.array(server.view.position_mm))).astype(int)
    assert tumour[tuple(index)]
    assert len(server.view.contours) == int(tumour.any(axis=(1, 2)).sum())
    # The published volume, ml, of voxels of 0.977 × 0.977 × 3 mm.
    assert tumour.sum() * 0.977**2 * 3 / 1000 == pytest.approx(35.06, rel=0.02)
    assert plane(page, "axial").get_attribute("data-contours") == "1"
    assert [plane(page, shown).get_attribute("data-labels") for shown in AXES] == ["l0", "l0", "l0"]
