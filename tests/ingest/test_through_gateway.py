"""Real series through a real gateway: what comes out is what went in, and a broken ingest leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from workbench.connection import sign_in
from workbench.errors import Conflict, IngestRefused, NotFound
from workbench.ingest.pipeline import ingest_folder

# shape, spacing z y x mm, origin x y z mm, min, max, mean HU: as published with the data.
FACTS = {
    "ct-lung1-003": ([107, 512, 512], [3, 0.977, 0.977], [-250.112, -250.112, -305.9], -1024, 3071, -676.265),
    "ct-lungdx-a0002": ([30, 512, 512], [8, 0.646484, 0.646484], [-173.177, -294.177, 80.0], -1024, 1548, -535.668),
}

# ml, as published with the data (pyradiomics).
TUMOURS = {"ct-lung1-003": {"GTV-1": 35.06, "GTV-2": 38.05, "GTV-3": 8.55}, "ct-lungdx-a0002": {}}
BESIDE = {"RT Plan Storage is not ingested", "RT Dose Storage is not ingested, for it makes no volume"}
IGNORED = {"ct-lung1-003": {"not a DICOM file"} | BESIDE, "ct-lungdx-a0002": {"not a DICOM file"}}


@pytest.mark.parametrize("name", FACTS)
def test_a_real_series_keeps_its_facts(gateway: Any, shared_data: Any, signed_off: Any, name: str) -> None:
    line = sign_in(gateway, "custodian")
    report = ingest_folder(line, shared_data(name), "clinic-ct")
    shape, spacing, origin, low, high, mean = FACTS[name]
    one = report.series[0]
    assert one["shape"] == shape
    assert one["spacing_mm"] == pytest.approx(spacing, abs=5e-7)
    assert one["origin_mm"] == pytest.approx(origin, abs=5e-4)
    assert (one["hu"]["min"], one["hu"]["max"], round(one["hu"]["mean"], 3)) == (low, high, mean)
    signed_off("clinic-ct")
    assert line.get("/v1/datasets/clinic-ct")["version"] == report.version
    assert {item["reason"] for item in report.ignored} == IGNORED[name]
    volumes = {part["label"]: part["volume_ml"] for each in report.labels for part in each["segments"]}
    assert {label: volumes[label] for label in TUMOURS[name]} == pytest.approx(TUMOURS[name], rel=0.02)
    line.close()


def test_ingesting_twice_is_nothing_new(gateway: Any, draw_series: Any, signed_off: Any) -> None:
    line, drawn = sign_in(gateway, "custodian"), draw_series()
    first = ingest_folder(line, drawn.folder, "clinic-ct")
    signed_off("clinic-ct")
    with pytest.raises(Conflict, match="nothing new"):
        ingest_folder(line, drawn.folder, "clinic-ct")
    assert line.get("/v1/datasets/clinic-ct")["version"] == first.version
    line.close()


def test_a_second_series_of_a_patient_joins_the_same_subject(gateway: Any, draw_series: Any, signed_off: Any) -> None:
    line = sign_in(gateway, "custodian")
    first = ingest_folder(line, draw_series().folder, "clinic-ct")
    signed_off("clinic-ct")
    other = draw_series("other", change=lambda one, at: setattr(one, "SeriesInstanceUID", "1.2.3"))
    second = ingest_folder(line, other.folder, "clinic-ct")
    assert (second.series[0]["scan"], second.series[0]["subject"]) == ("S0002", "P0001")
    signed_off("clinic-ct")
    assert second.version != first.version
    assert [line.get("/v1/datasets/clinic-ct")[key] for key in ("scans", "subjects")] == [2, 1]
    line.close()


def test_a_refused_folder_makes_no_dataset(gateway: Any, draw_series: Any) -> None:
    line, drawn = sign_in(gateway, "custodian"), draw_series()
    drawn.files[2].unlink()
    with pytest.raises(IngestRefused):
        ingest_folder(line, drawn.folder, "clinic-ct")
    with pytest.raises(NotFound):
        line.get("/v1/datasets/clinic-ct")
    line.close()


SLOW = """
import sys, time
from pathlib import Path
from workbench.connection import sign_in
from workbench.ingest import delivery, pipeline
from workbench.settings import load_settings
send = delivery.send_object
def slowly(*args, **options):
    send(*args, **options)
    print("sent", flush=True)
    time.sleep(60)
delivery.send_object = slowly
pipeline.ingest_folder(sign_in(load_settings(), "custodian"), Path(sys.argv[1]), "clinic-ct")
"""


def test_a_kill_in_the_middle_leaves_nothing(gateway: Any, draw_series: Any) -> None:
    drawn = draw_series()
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(drawn.folder)], stdout=subprocess.PIPE, env=dict(os.environ), text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "sent\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    line = sign_in(gateway, "custodian")
    with pytest.raises(NotFound):
        line.get("/v1/datasets/clinic-ct")
    assert ingest_folder(line, drawn.folder, "clinic-ct").series[0]["scan"] == "S0001"
    line.close()


def test_labels_that_come_later_get_a_free_name(gateway: Any, shared_data: Any, signed_off: Any, tmp_path: Any) -> None:
    source = shared_data("dicom-seg-multiframe") / "segmentations"
    (folder := tmp_path / "in").mkdir()
    for name in ("IMG0001.dcm", "IMG0002.dcm", "IMG0003.dcm"):
        (folder / name).symlink_to(source / "23x38x3" / "image" / name)
    line = sign_in(gateway, "custodian")
    ingest_folder(line, folder, "labelled")
    signed_off("labelled")
    (folder / "label.dcm").symlink_to(source / "23x38x3" / "seg" / "label.seg")
    report = ingest_folder(line, folder, "labelled")
    assert [(one["scan"], one["name"]) for one in report.labels] == [("S0001", "seg-1")] and not report.series
    signed_off("labelled")
    with pytest.raises(Conflict, match="nothing new"):
        ingest_folder(line, folder, "labelled")
    line.close()
