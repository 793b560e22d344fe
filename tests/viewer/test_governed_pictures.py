"""Pictures of governed scans: read through the gateway, with their labels, and refused where reading is."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.errors import AccessDenied
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import Lines, fill, lines_of
from label_homes import fill_labelled


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    settings = load_settings(tmp_path_factory.mktemp("pictured") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill_labelled(lines.operator(), "labelled-ct")
        fill(lines.operator(), "open-ct", "open", seeds=(1, 2))
        fill(lines.person("custodian"), "clinic-ct")
        lines.grant("researcher", "clinic-ct")
        yield lines


@pytest.fixture
def enter(home: Lines, monkeypatch: pytest.MonkeyPatch) -> Any:
    def as_person(account: str) -> None:
        monkeypatch.setenv(SOCKET_VARIABLE, str(home.settings.socket))
        monkeypatch.setenv(TOKEN_VARIABLE, home.kernel(account).token)

    as_person("researcher")
    return as_person


@pytest.mark.usefixtures("enter")
def test_snapshot_shows_a_scan_with_its_labels() -> None:
    ct = wb.dataset("labelled-ct")
    labels = ct.label_volume("S0001")
    z, y, x = (int(n) for n in np.argwhere(labels.mask("GTV-1")).mean(axis=0))
    place = ct.volume("S0001").geometry.to_patient_mm(np.array([z, y, x]))
    picture = wb.snapshot(ct.volume("S0001"), labels=labels, position_mm=tuple(place.tolist()), plane="axial", size=400)
    seen = np.asarray(Image.open(io.BytesIO(bytes(picture))).convert("RGB"))
    # GTV-1 has the value 2: sky blue edges.
    assert np.all(seen == (86, 180, 233), axis=-1).sum() > 20
    assert "labelled-ct S0001" in picture.description


@pytest.mark.usefixtures("enter")
def test_contact_sheet_takes_a_dataset_or_its_name() -> None:
    sheet = wb.contact_sheet(wb.dataset("open-ct"), columns=2, size=400)
    assert sheet == wb.contact_sheet("open-ct", columns=2, size=400)
    assert "open-ct" in sheet.description
    assert "2 scans, axial, window level −600 width 1500 HU" in sheet.description


@pytest.mark.usefixtures("enter")
def test_scroll_of_a_scan_plays_its_slices() -> None:
    ct = wb.dataset("labelled-ct")
    scan = ct.volume("S0001")
    assert wb.cine(scan, labels=ct.label_volume("S0001"), size=200, step=7).frames == len(range(0, scan.shape[0], 7))


def test_a_view_leaves_no_picture_once_its_grant_has_ended(home: Lines, enter: Any) -> None:
    fill(home.person("custodian"), "brief-ct")
    grant = home.grant("researcher", "brief-ct")["grant"]
    enter("researcher")
    view = wb.view(wb.dataset("brief-ct").volume("S0001"))
    assert "image/png" in view._repr_mimebundle_()[0]
    home.person("custodian").post(f"/v1/grants/{grant}/revoke", {"reason": "withdrawn"})
    data = view._repr_mimebundle_()[0]
    view.close()
    assert "image/png" not in data
    assert "brief-ct" in data["text/plain"]
    assert "revoked" in data["text/plain"]


def test_pictures_are_refused_where_reading_is(enter: Any) -> None:
    scan = wb.dataset("clinic-ct").volume("S0001")
    assert wb.snapshot(scan, size=200).size[0] == 200
    enter("teacher")
    for draw in (wb.snapshot, wb.cine, wb.contact_sheet):
        with pytest.raises(AccessDenied):
            draw(scan)
