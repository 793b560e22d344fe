"""A folder becomes one version, or nothing; what is refused says why and keeps the patient out of it."""

from __future__ import annotations

import copy
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import RTStructureSetStorage, TwelveLeadECGWaveformStorage

from workbench.errors import Conflict, GatewayUnavailable, IngestRefused, InvalidInput
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.gathering import read_series
from workbench.ingest.pipeline import ingest_folder
from workbench.ingest.progress import Bar, quiet

KEY = b"k" * 32


def test_a_series_becomes_objects_and_facts(draw_series: Any, line: Any) -> None:
    drawn = draw_series()
    report = ingest_folder(line, drawn.folder, "clinic-ct", split="train", key=KEY)
    facts = line.committed["scans"][0]
    assert (facts["scan"], facts["subject"], facts["split"], facts["levels"]) == ("S0001", "P0001", "train", 1)
    assert facts["sha256"] == hashlib.sha256(drawn.hu.astype("<i2").tobytes()).hexdigest()
    assert facts["dicom"]["ConvolutionKernel"] == "B40f" and facts["dicom"]["KVP"] == 120.0
    assert facts["hu"]["mean"] == pytest.approx(drawn.hu.mean())
    assert report.series[0]["files"] == 6 and report.as_dict()["refusals"] == []
    assert "/v1/ingests/I1/objects/scans/S0001/image.zarr/0/c/0/0/0?subject=P0001" in line.objects


def test_no_pseudonym_or_date_of_birth_is_among_the_described_attributes(draw_series: Any, line: Any) -> None:
    ingest_folder(line, draw_series().folder, "clinic-ct", key=KEY)
    described = line.committed["scans"][0]["dicom"]
    assert not {"PatientID", "PatientName", "SeriesInstanceUID", "PatientBirthDate"} & set(described)


def test_the_same_folder_under_other_names_gives_the_same_bytes(draw_series: Any, line: Any) -> None:
    drawn, sent = draw_series(), []
    for prefix, fresh in (("", line), ("x", copy.deepcopy(line))):
        for file in drawn.folder.iterdir():
            file.rename(file.with_name(f"{prefix}{hashlib.sha256(file.name.encode()).hexdigest()}"))
        ingest_folder(fresh, drawn.folder, "clinic-ct", key=KEY)
        sent.append((fresh.objects, fresh.committed))
    assert sent[0] == sent[1]


def test_new_scans_continue_the_numbering(draw_series: Any, line: Any) -> None:
    drawn = draw_series()
    _, checked = read_series(drawn.folder, KEY, load_profile(), quiet)
    line.known = {"subjects": {checked[0].subject_pseudonym: "P0001"}, "scans": {"2.25.1": "S0001"}}
    report = ingest_folder(line, drawn.folder, "clinic-ct", key=KEY)
    assert (report.series[0]["scan"], report.series[0]["subject"]) == ("S0002", "P0001")


def test_a_known_series_is_nothing_new(draw_series: Any, line: Any) -> None:
    drawn = draw_series()
    _, checked = read_series(drawn.folder, KEY, load_profile(), quiet)
    line.known["scans"] = {checked[0].uid: "S0001"}
    with pytest.raises(Conflict, match="nothing new"):
        ingest_folder(line, drawn.folder, "clinic-ct", key=KEY)
    assert line.is_dropped and not line.objects


def test_other_files_are_left_out_by_name(draw_series: Any, line: Any) -> None:
    drawn = draw_series()
    (drawn.folder / "notes.txt").write_text("Okonkwo")
    (drawn.folder / "sub").mkdir()
    plan = dcmread(drawn.files[0])
    plan.SOPClassUID = plan.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    plan.save_as(drawn.folder / "sub" / "rs", enforce_file_format=True)
    report = ingest_folder(line, drawn.folder, "clinic-ct", key=KEY)
    assert {item["file"]: item["reason"] for item in report.ignored} == {
        "notes.txt": "not a DICOM file",
        "sub/rs": "it holds no region.",
    }
    assert b"notes.txt" not in line.everything()


def other_class(one: FileDataset, at: int) -> None:
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage


def test_an_unknown_class_is_refused_by_name(draw_series: Any, line: Any) -> None:
    with pytest.raises(IngestRefused, match="12-lead ECG") as refusal:
        ingest_folder(line, draw_series(change=other_class).folder, "clinic-ct", key=KEY)
    assert refusal.value.code == "unsupported-sop-class" and not line.asked


def test_an_unknown_transfer_syntax_is_refused_by_name(draw_series: Any, line: Any) -> None:
    drawn = draw_series()
    content = drawn.files[0].read_bytes()
    drawn.files[0].write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    with pytest.raises(IngestRefused) as refusal:
        ingest_folder(line, drawn.folder, "clinic-ct", key=KEY)
    assert refusal.value.code == "unsupported-transfer-syntax" and not line.asked


def test_a_file_of_garbage_after_its_prefix_is_refused(draw_series: Any, line: Any) -> None:
    drawn = draw_series()
    (drawn.folder / "bad").write_bytes(drawn.files[0].read_bytes()[:132] + b"\x02\0\0\0UL\x04\0" + b"\xff" * 9)
    with pytest.raises(IngestRefused, match="bad: "):
        ingest_folder(line, drawn.folder, "clinic-ct", key=KEY)


def test_undecodable_pixels_drop_what_was_sent(draw_series: Any, line: Any) -> None:
    draw_series(count=4)
    second = draw_series("more", change=lambda one, at: setattr(one, "SeriesInstanceUID", "1.2.3"))
    for file in second.files:
        file.rename(second.folder.parent / "in" / f"b-{file.name}")
    spoiled = second.folder.parent / "in" / f"b-{second.files[2].name}"
    spoiled.write_bytes(spoiled.read_bytes()[:-64])
    with pytest.raises(IngestRefused, match="undecodable"):
        ingest_folder(line, second.folder.parent / "in", "clinic-ct", key=KEY)
    assert line.is_dropped and line.committed is None


def test_a_gateway_that_goes_away_leaves_no_commit(draw_series: Any, line: Any) -> None:
    line.fails_after = 1
    with pytest.raises(GatewayUnavailable):
        ingest_folder(line, draw_series().folder, "clinic-ct", key=KEY)
    # What arrived stays, so that the same command goes on with it.
    assert not line.is_dropped and line.committed is None


@pytest.mark.parametrize("name", ["X", "a", "-a", "a/b", "a" * 64, "../a", "chest ct", "ü1", "", "a\n"])
def test_a_bad_dataset_name_is_refused(draw_series: Any, line: Any, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name a dataset"):
        ingest_folder(line, draw_series().folder, name, key=KEY)


def test_a_missing_folder_is_refused(tmp_path: Path, line: Any) -> None:
    with pytest.raises(InvalidInput, match="no folder"):
        ingest_folder(line, tmp_path / "nowhere", "clinic-ct", key=KEY)


def test_an_empty_folder_is_refused(tmp_path: Path, line: Any) -> None:
    with pytest.raises(IngestRefused) as refusal:
        ingest_folder(line, tmp_path, "clinic-ct", key=KEY)
    assert refusal.value.code == "empty-folder"


def test_a_folder_without_ct_is_refused(tmp_path: Path, line: Any) -> None:
    (tmp_path / "readme").write_text("nothing here")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IngestRefused) as refusal:
        ingest_folder(line, tmp_path, "clinic-ct", key=KEY)
    assert refusal.value.code == "no-ct"


def test_odd_real_files_end_in_a_sentence(shared_data: Any, line: Any) -> None:
    with pytest.raises(IngestRefused) as refusal:
        ingest_folder(line, shared_data("dicom-odd"), "clinic-ct", key=KEY)
    named = {file for reason in refusal.value.refusals for file in reason["files"]}
    assert {"eCT_Supplemental.dcm", "bad_sequence.dcm", "emri_small_big_endian.dcm"} <= named
    assert not line.asked


def test_nodules_are_numbered_with_their_scan(draw_series: Any, line: Any) -> None:
    nodule = {"x_mm": -150.0, "y_mm": -160.0, "z_mm": -305.0, "diameter_mm": 6.5, "texture": "solid"}
    drawn = draw_series()
    uid = str(dcmread(drawn.files[0]).SeriesInstanceUID)
    ingest_folder(line, drawn.folder, "clinic-ct", annotations={uid: [nodule], "1.9": [nodule]}, key=KEY)
    table = (
        pa.ipc.open_file(line.objects["/v1/ingests/I1/objects/tables/nodules/P0001.arrow?subject=P0001"])
        .read_all()
        .to_pylist()
    )
    assert table == [{"scan": "S0001", "nodule": "N0001", **nodule, "place": None, "malignant": None}]


def test_the_bar_tells_how_far_it_is() -> None:
    stream = io.StringIO()
    bar = Bar(stream)
    bar(107, 107, "reading")
    bar.clear()
    assert "107/107" in stream.getvalue() and stream.getvalue().endswith("\033[K")
