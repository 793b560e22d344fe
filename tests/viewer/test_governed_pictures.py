"""Pictures of governed scans: read through the gateway, with their labels, and refused where reading is."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.errors import AccessDenied
from workbench.geometry import Geometry
from workbench.settings import load_settings
from workbench.viewer.shown_volume import as_shown

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


def test_a_compared_scan_leaves_no_picture_once_its_own_grant_has_ended(home: Lines, enter: Any) -> None:
    fill(home.person("custodian"), "second-ct")
    grant = home.grant("researcher", "second-ct")["grant"]
    enter("researcher")
    first, second = wb.dataset("open-ct").volume("S0001"), wb.dataset("second-ct").volume("S0001")
    views = [wb.view(first, compare=second) for _ in range(3)]
    views[1].compare = {"mode": "blend"}
    views[1].arrangement, views[2].arrangement = "planes", "planes"
    assert all("image/png" in view._repr_mimebundle_()[0] for view in views)
    assert wb.snapshot(first, compare=second, size=200).size[0] == 200
    home.person("custodian").post(f"/v1/grants/{grant}/revoke", {"reason": "withdrawn"})
    shown = [view._repr_mimebundle_()[0] for view in views]
    for view in views:
        view.close()
    # The third one shows the first scan alone, which is open.
    assert ["image/png" in data for data in shown] == [False, False, True]
    assert all("revoked" in data["text/plain"] for data in shown[:2])
    for how in (None, "blend", "checkerboard"):
        with pytest.raises(AccessDenied):
            wb.snapshot(first, compare=second, compare_as=how, size=200)


def test_a_compared_scan_that_does_not_reach_the_position_is_still_asked_for(home: Lines, enter: Any) -> None:
    fill(home.person("custodian"), "beyond-ct")
    grant = home.grant("researcher", "beyond-ct")["grant"]
    enter("researcher")
    second = wb.dataset("beyond-ct").volume("S0001")
    away = Geometry((4, 30, 40), (2.0, 1.0, 1.0), (0.0, 0.0, 90_000.0))
    first = as_shown(np.full(away.shape, -1000, np.int16), geometry=away, modality="CT")
    assert wb.snapshot(first, compare=second, size=200).size[0] == 200
    home.person("custodian").post(f"/v1/grants/{grant}/revoke", {"reason": "withdrawn"})
    for how in (None, "blend"):
        with pytest.raises(AccessDenied):
            wb.snapshot(first, compare=second, compare_as=how, size=200)


def test_reads_of_a_compared_scan_are_on_record(home: Lines, enter: Any) -> None:
    fill(home.person("custodian"), "recorded-ct")
    home.grant("researcher", "recorded-ct")
    enter("researcher")
    first, second = wb.dataset("open-ct").volume("S0001"), wb.dataset("recorded-ct").volume("S0001")
    wb.snapshot(first, compare=second, arrangement="montage", compare_as="blend", size=300)
    deadline = time.monotonic() + 60
    while not (found := reads_of(home, "recorded-ct")) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found


def reads_of(home: Lines, dataset: str) -> list[Any]:
    """Give what the audit log holds of reading a dataset's scans."""
    events = home.person("custodian").get("/v1/audit?limit=500&action=dataset.read&outcome=allowed")["events"]
    return [one for one in events if dataset in str(one)]


def test_pictures_are_refused_where_reading_is(enter: Any) -> None:
    scan = wb.dataset("clinic-ct").volume("S0001")
    assert wb.snapshot(scan, size=200).size[0] == 200
    enter("teacher")
    for draw in (wb.snapshot, wb.cine, wb.contact_sheet, partial(wb.snapshot, arrangement="montage")):
        with pytest.raises(AccessDenied):
            draw(scan)
