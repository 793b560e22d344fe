"""Everything that `workbench ingest` takes, from the command line to a researcher's notebook, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desks import Desk
from numpy.typing import NDArray

NO_IDENTITY = "carries no identity to check"


def links(folder: Path, *files: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for file in files:
        (folder / file.name).symlink_to(file)
    return folder


def read_with_sitk(path: Path) -> NDArray[np.int16]:
    sitk = pytest.importorskip("SimpleITK")
    voxels: NDArray[np.int16] = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.int16)
    return voxels


def of_series(*numbers: int) -> Callable[[Any, int], None]:
    """Give a change that makes the instances those of another series, by study, series and patient."""

    def change(one: Any, index: int) -> None:
        uid = "1.2.826.0.1.3680043.8.498.55." + ".".join(map(str, numbers))
        one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = f"{uid}.1", uid, f"{uid}.2"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{uid}.3.{index + 1}"
        one.PatientID, one.PatientName = f"MRN-{numbers[0]:07d}", f"Okonkwo{numbers[0]}^Adaeze"

    return change


def test_a_nifti_scan_and_its_labels_reach_a_notebook(desk: Desk, shared_data: Any, tmp_path: Path) -> None:
    source = shared_data("ct-totalseg")
    folder = links(tmp_path / "in", source / "example_ct_sm.nii.gz", source / "example_seg.nii.gz")
    made = desk.ingest(folder, "totalseg")
    (one,) = made["series"]
    voxels = read_with_sitk(folder / "example_ct_sm.nii.gz")
    assert (one["modality"], one["shape"], made["labels"][0]["kind"]) == ("CT", [30, 101, 122], "mask")
    assert one["sha256"] == hashlib.sha256(voxels.astype("<i2").tobytes()).hexdigest()
    assert any(NO_IDENTITY in warning for warning in one["warnings"])
    assert desk.run("sign-off", "totalseg", "--report", tmp_path / "r.html").code == 0
    assert NO_IDENTITY in (tmp_path / "r.html").read_text() and "example_ct" not in (tmp_path / "r.html").read_text()
    desk.publish("totalseg")
    with desk.granted("totalseg") as data:
        assert np.array_equal(data.volume("S0001")[:], voxels)
        assert np.array_equal(
            data.label_volume("S0001", "mask-1")[:], read_with_sitk(folder / "example_seg.nii.gz")
        )  # fmt: skip


def test_one_file_alone_comes_in(desk: Desk, shared_data: Any) -> None:
    made = desk.ingest(shared_data("ct-totalseg") / "example_ct.nii.gz", "one-file")
    assert [one["shape"] for one in made["series"]] == [[112, 101, 122]]
    assert made["refusals"] == made["ignored"] == []


def test_metaimage_with_its_subjects_and_mask(desk: Desk, shared_data: Any, tmp_path: Path) -> None:
    data = shared_data("ct-elastix-lung")
    names = ("Baselines/3DCT_lung.mha", "Data/3DCT_lung_baseline_small.mha", "Data/3DCT_lung_baseline_mask.mha")
    folder = links(tmp_path / "in", *(data / name for name in names))
    (tmp_path / "who.csv").write_text(
        "file,subject,modality\n3DCT_lung.mha,A7,CT\n3DCT_lung_baseline_small.mha,A7,CT\n"
    )
    made = desk.ingest(folder, "elastix", "--subjects", tmp_path / "who.csv")
    assert {one["subject"] for one in made["series"]} == {"P0001"}
    assert not any("taken for CT" in warning for one in made["series"] for warning in one["warnings"])
    assert len(made["labels"]) == 1
    whole = read_with_sitk(data / names[0])
    digests = {tuple(one["shape"]): one["sha256"] for one in made["series"]}
    assert digests[whole.shape] == hashlib.sha256(whole.tobytes()).hexdigest()


def test_a_header_of_metaimage_brings_its_voxels(desk: Desk, shared_data: Any, tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.ReadImage(str(shared_data("ct-elastix-lung") / "Data" / "3DCT_lung_baseline_small.mha"))
    sitk.WriteImage(image, str(tmp_path / "scan.mhd"))
    made = desk.ingest(tmp_path / "scan.mhd", "header-and-raw")
    assert made["series"][0]["shape"] == list(sitk.GetArrayFromImage(image).shape)


def test_pet_ct_and_mr_of_one_patient_with_their_contours(desk: Desk, shared_data: Any) -> None:
    made = desk.ingest(shared_data("petctmr-sts") / "dicom", "sarcoma")
    facts = {one["modality"]: one for one in made["series"]}
    assert {one: facts[one]["shape"] for one in facts} == {
        "CT": [48, 143, 161], "MR": [35, 90, 115], "PT": [48, 27, 30],
    }  # fmt: skip
    assert (facts["CT"]["unit"], facts["PT"]["unit"]) == ("HU", "g/ml")
    assert {one["subject"] for one in made["series"]} == {"P0001"}
    for one in made["series"]:
        assert set(one) >= {"spacing_mm", "origin_mm", "direction", "sha256", "hu", "scale"}
        assert (len(one["direction"]), len(one["origin_mm"]), len(one["sha256"])) == (9, 3, 64)
    volumes = {one["segments"][0]["label"]: one["segments"][0]["volume_ml"] for one in made["labels"]}
    assert volumes == pytest.approx({"GTV_Mass_CT": 53.3, "GTV_Mass_MR_T1": 53.3, "GTV_Mass_PET": 54.3}, abs=0.05)


def test_enhanced_ct_and_segmentations(desk: Desk, shared_data: Any) -> None:
    made = desk.ingest(shared_data("dicom-seg-multiframe") / "segmentations", "multiframe")
    assert sorted((one["files"], one["shape"]) for one in made["series"]) == [
        (1, [3, 38, 23]), (3, [3, 38, 23]), (3, [3, 512, 512]),
    ]  # fmt: skip
    assert {one["kind"] for one in made["labels"]} == {"SEG"}
    alike = {one["sha256"] for one in made["series"] if one["shape"] == [3, 38, 23]}
    assert len(alike) == 1  # one file with three frames, and three files with one


def test_the_digest_is_of_the_voxels_as_int16(desk: Desk, draw_series: Any) -> None:
    drawn = draw_series()
    (one,) = desk.ingest(drawn.folder, "drawn")["series"]
    assert one["sha256"] == hashlib.sha256(drawn.hu.astype("<i2").tobytes(order="C")).hexdigest()
    assert (one["spacing_mm"], one["origin_mm"]) == ([2.5, 0.75, 0.625], [-160.5, -171.25, -310.25])
    assert one["direction"] == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]


BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "bad-orientation": (-1, {"ImageOrientationPatient": [1, 0, 0, 0.5, 1, 0]}),
    "missing-attribute": (2, {"PixelSpacing": None}),
    "bad-rescale": (1, {"RescaleSlope": "0"}),
    "missing-slice": (3, {}),
}


def spoil(one: Any, change: dict[str, Any]) -> None:
    for keyword, value in change.items():
        if value is None:
            delattr(one, keyword)
        else:
            setattr(one, keyword, value)


@pytest.mark.parametrize("code", BAD)
def test_a_bad_series_is_refused_or_left_out(desk: Desk, draw_series: Any, code: str) -> None:
    at, change = BAD[code]
    drawn = draw_series(change=lambda one, n: spoil(one, change) if at in (n, -1) else None)
    if not change:
        drawn.files[at].unlink()
    exit_code, said = desk.refused(drawn.folder, "spoilt")
    assert (exit_code, said["code"], said["refusals"][0]["code"]) == (7, code, code)
    draw_series("in/good", count=4, change=of_series(900))
    made = desk.ingest(drawn.folder, code, "--leave-out-refused")
    assert ([one["shape"][0] for one in made["series"]], [one["code"] for one in made["refusals"]]) == ([4], [code])
    assert "spoilt" not in desk.run("datasets", "--as", "custodian").out


def test_what_cannot_be_a_source_is_one_sentence(desk: Desk, draw_series: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("nothing")
    folder = draw_series(count=3).folder
    cases = [
        ((tmp_path / "empty", "--dataset", "fine"), 7, "empty"),
        ((tmp_path / "none", "--dataset", "fine"), 2, "no folder"),
        ((tmp_path / "notes.txt", "--dataset", "fine"), 7, "None of the 1"),
        ((folder, "--dataset", "No_Name"), 2, "cannot name a dataset"), ((folder,), 2, "--dataset NAME"),
        ((folder, "--dataset", "fine", "--profile", "best"), 2, "no profile"),
        ((folder, "--dataset", "fine", "--project", "A B"), 2, "cannot name a project"),
        ((folder, "--dataset", "fine", "--as", "nobody"), 5, "workbench people"),
        ((folder, "--dataset", "fine", "--as", "researcher"), 4, "custodian"),
        ((folder, "--dataset", "fine", "--subjects", tmp_path / "none.csv"), 2, "--subjects"),
        ((folder, "--dataset", "fine", "--columns", tmp_path / "none.yaml"), 2, "--columns"),
    ]  # fmt: skip
    for words, code, says in cases:
        answer = desk.run("ingest", *words)
        assert (answer.code, answer.out) == (code, "") and says in answer.err and answer.err.endswith(".\n"), answer


def test_a_second_version_waits_its_turn(desk: Desk, draw_series: Any) -> None:
    desk.ingest(draw_series(count=3).folder, "queued")
    other = draw_series("other", count=3, change=of_series(901))
    code, said = desk.refused(other.folder, "queued")
    assert (code, "workbench sign-off queued" in said["message"]) == (6, True)
    desk.publish("queued")
    assert desk.ingest(other.folder, "queued")["series"][0]["scan"] == "S0002"


def test_who_withdrew_stays_away(desk: Desk, draw_series: Any) -> None:
    folder = draw_series(count=3, change=of_series(902)).folder
    draw_series("in", count=4, change=of_series(903))
    desk.ingest(folder, "left")
    desk.publish("left")
    assert desk.run("withdraw", "left", "P0001", "--reason", "asked to").code == 0
    code, said = desk.refused(folder, "left")
    assert (code, said["code"]) == (7, "withdrawn-subject")
    assert "MRN" not in said["message"] and "Okonkwo" not in said["message"]


def test_a_damaged_image_file_is_named(desk: Desk, draw_series: Any) -> None:
    folder = draw_series(count=3).folder
    (folder / "scan.mha").write_bytes(b"ObjectType = Image\nNDims = 3\n")
    code, said = desk.refused(folder, "unreadable")
    assert (code, said["code"]) == (7, "unreadable")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read")
def test_what_may_not_be_read_is_said(desk: Desk, draw_series: Any) -> None:
    folder = draw_series(count=3).folder
    folder.chmod(0)
    for parent in folder.parents[:-2]:
        parent.chmod(0o755)
    os.seteuid(65534)
    try:
        answer = desk.run("ingest", folder, "--dataset", "closed")
    finally:
        os.seteuid(0)
    assert answer.code == 2 and "may not read" in answer.err, answer


KILLED = "import sys; from workbench.cli import main; sys.exit(main(sys.argv[1:]))"


def start(home: Path, *words: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "WORKBENCH_HOME": str(home)}
    command = [sys.executable, "-c", KILLED, *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_kills_at_any_moment_repeat_and_lose_nothing(desk: Desk, draw_series: Any, tmp_path: Path) -> None:
    folder = draw_series("in/0", count=3, rows=96, columns=96, change=of_series(910, 0)).folder.parent
    for number in range(1, 5):
        draw_series(f"in/{number}", count=3, rows=96, columns=96, change=of_series(910 + number % 2, number))
    random = np.random.default_rng(3)
    for pause_s in random.uniform(0.6, 1.8, 4):
        process = start(desk.settings.home, "ingest", folder, "--dataset", "interrupted")
        time.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    answer = desk.run("ingest", folder, "--dataset", "interrupted", "--json")
    assert answer.code == 0 or "waits" in answer.body["message"]  # the last but one had come to its end
    waiting = [one for one in json.loads(desk.run("sign-off", "--json").out) if one["dataset"] == "interrupted"]
    assert [(one["scans"], one["subjects"]) for one in waiting] == [(5, 2)]
    assert waiting[0]["version"] == uninterrupted(desk, folder, tmp_path / "other")


def uninterrupted(desk: Desk, folder: Path, home: Path) -> str:
    """Give the version that another home with the same key of pseudonyms makes in one go."""
    (home / "keys").mkdir(parents=True, mode=0o700)
    shutil.copy2(desk.settings.keys / "ingest.key", home / "keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(home))
        return str(desk.ingest(folder, "interrupted")["version"])
