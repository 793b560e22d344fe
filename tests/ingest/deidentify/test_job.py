"""A folder ends as a whole de-identified copy, whatever happens on the way."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import EncapsulatedPDFStorage, MediaStorageDirectoryStorage

from workbench.errors import Conflict, InvalidInput, WorkbenchError
from workbench.ingest.deidentify import placing, worker
from workbench.ingest.deidentify.crosswalk import Crosswalk
from workbench.ingest.deidentify.job import deidentify_folder
from workbench.ingest.deidentify.job_report import JobReport
from workbench.ingest.deidentify.journal import FOLDER
from workbench.settings import Settings, load_settings

SOURCES = (b"Okonkwo", b"Adaeze", b"MRN-5550199", b"19610412", b"IM0", b"1.2.826.0.1.3680043.8.498.7")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "home")


@pytest.fixture
def job(settings: Settings, tmp_path: Path) -> Callable[..., JobReport]:
    def run(source: Path, out: str = "out", **options: Any) -> JobReport:
        report = deidentify_folder(source, tmp_path / out, settings=settings, **{"processes": 1, **options})
        assert report.is_complete
        return report

    return run


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def outputs(folder: Path) -> dict[str, int]:
    """Give the inodes of finished files, also while a job is at work."""
    found = [(parent, name) for parent, _, names in os.walk(folder) for name in names if name.endswith(".dcm")]
    return {os.path.join(parent, name): os.stat(os.path.join(parent, name)).st_ino for parent, name in found}


def codes(report: JobReport) -> dict[str, str]:
    return {one.files[0]: one.code for one in report.refusals}


def test_every_instance_comes_out_under_names_that_tell_nothing(draw_series: Any, job: Any, tmp_path: Path) -> None:
    drawn = draw_series()
    report = job(drawn.folder)
    outputs = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert report.written == report.files == len(outputs) == 6 and not report.refusals
    seen = b"".join(os.fsencode(path.relative_to(tmp_path)) + path.read_bytes() for path in outputs)
    assert not [value for value in SOURCES if value in seen]
    times = {path.stat().st_mtime_ns for path in drawn.files}
    assert times.isdisjoint(path.stat().st_mtime_ns for path in outputs)


def test_path_names_the_pseudonyms_inside(draw_series: Any, job: Any, tmp_path: Path) -> None:
    report = job(draw_series(count=1).folder)
    [one] = report.per_file
    result = dcmread(tmp_path / "out" / one.file)
    assert one.file == f"{result.PatientID}/{result.SeriesInstanceUID}/{result.SOPInstanceUID}.dcm"
    assert dict(one.actions)["pixels"] == 1 and report.actions == dict(one.actions)


def test_one_file_may_be_the_source(draw_series: Any, job: Any) -> None:
    report = job(draw_series().files[0])
    assert report.files == report.written == 1


def test_number_of_processes_changes_nothing(draw_series: Any, job: Any, tmp_path: Path) -> None:
    folder = draw_series(count=40).folder
    draw_series("in/nested", count=5, implicit=True)
    (folder / "notes.txt").write_text("Okonkwo")
    reports = [job(folder, f"out{number}", processes=number) for number in (1, 2, 3)]
    trees = [tree(tmp_path / f"out{number}") for number in (1, 2, 3)]
    assert trees[0] == trees[1] == trees[2] and len(trees[0]) == 40
    assert reports[0].per_file == reports[1].per_file and reports[0].refusals == reports[2].refusals


def test_crosswalk_leads_back_to_the_source(draw_series: Any, job: Any, settings: Settings) -> None:
    report = job(draw_series(count=2).folder)
    patient, series, instance = report.per_file[0].file.removesuffix(".dcm").split("/")
    walk = Crosswalk(settings, "default")
    found = [(one.kind, one.source) for name in (patient, series) for one in walk.find(name)]
    assert found == [("patient", "MRN-5550199"), ("series", "1.2.826.0.1.3680043.8.498.7")]
    assert walk.find(instance)[0].kind == "instance"


def spoil(folder: Path) -> None:
    """Put into a folder what a delivery should not hold."""
    whole = next(path for path in sorted(folder.iterdir()) if path.is_file()).read_bytes()
    (folder / "a cut").write_bytes(whole[: len(whole) // 2])
    (folder / "empty").write_bytes(b"")
    (folder / "head").write_bytes(whole[:140])
    (folder / "notes.txt").write_text("Okonkwo")
    os.mkfifo(folder / "pipe")
    (folder / "gone").symlink_to(folder / "nothing")
    (folder / "out of it").symlink_to("/etc/passwd")
    (folder / "deeper").mkdir()
    (folder / "link").symlink_to(folder / "deeper")
    (folder / "round").symlink_to(folder / "round")


def test_every_odd_name_is_refused_by_name(draw_series: Any, job: Any) -> None:
    folder = draw_series(count=2).folder
    spoil(folder)
    assert codes(job(folder)) == {
        "a cut": "unreadable", "empty": "not-dicom", "head": "unreadable", "notes.txt": "not-dicom",
        "pipe": "not-a-file", "gone": "unreadable", "out of it": "link-not-followed", "link": "link-not-followed",
        "round": "unreadable",
    }  # fmt: skip


def change_to(keyword: str, value: Any) -> Callable[[FileDataset, int], None]:
    def change(one: FileDataset, number: int) -> None:
        setattr(one, keyword, value) if value is not None else delattr(one, keyword)

    return change


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        ("SOPClassUID", EncapsulatedPDFStorage, "unsupported-sop-class"),
        ("SOPClassUID", "1.2.3.4.5", "unsupported-sop-class"),
        ("SOPClassUID", None, "missing-attribute"),
        ("StudyInstanceUID", None, "missing-attribute"),
        ("SeriesInstanceUID", "", "missing-attribute"),
        ("SOPInstanceUID", ["1.2.3", "1.2.4"], "missing-attribute"),
        ("PixelData", None, "unreadable"),
        ("PixelData", b"\0" * 100, "unreadable"),
    ],
)
@pytest.mark.parametrize("implicit", [False, True])
def test_an_unfit_instance_is_refused_by_name(
    draw_series: Any, job: Any, implicit: bool, keyword: str, value: Any, code: str
) -> None:
    report = job(draw_series(count=1, implicit=implicit, change=change_to(keyword, value)).folder)
    assert [one.code for one in report.refusals] == [code]
    assert "5550199" not in report.refusals[0].reason and report.refusals[0].reason.endswith(".")


def test_a_directory_of_a_disc_is_refused_by_name(draw_series: Any, job: Any) -> None:
    def make_directory(one: FileDataset, number: int) -> None:
        one.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
        del one.SOPClassUID, one.PixelData

    assert list(codes(job(draw_series(count=1, change=make_directory).folder)).values()) == ["dicomdir"]


def test_unknown_transfer_syntax_is_refused_by_name(draw_series: Any, job: Any) -> None:
    file = draw_series(count=1).files[0]
    file.write_bytes(file.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    assert list(codes(job(file.parent)).values()) == ["unsupported-transfer-syntax"]


def test_second_file_of_an_instance_is_named_and_overwrites_nothing(draw_series: Any, job: Any, tmp_path: Path) -> None:
    files = draw_series(count=2).files
    folder, first = files[0].parent, min(files)
    copy, other = folder / "z copy", folder / "z other"
    shutil.copy(first, copy)
    other.write_bytes(first.read_bytes()[:-1] + b"\7")
    expected = tree(tmp_path / "out") if job(folder) else {}
    report = job(folder, "again", processes=2)
    assert codes(report) == {"z copy": "duplicate-instance", "z other": "duplicate-instance"}
    reasons = {one.files[0]: one.reason for one in report.refusals}
    assert "a copy" in reasons["z copy"] and "other content" in reasons["z other"]
    assert tree(tmp_path / "again") == expected and len(expected) == 2


def test_two_patients_with_the_same_uids_stay_apart(draw_series: Any, job: Any) -> None:
    def other_patient(one: FileDataset, number: int) -> None:
        one.PatientID, one.SOPInstanceUID = f"PAT-{number}", "1.2.3.4"

    report = job(draw_series(count=3, change=other_patient).folder)
    places = [Path(one.file).parts for one in report.per_file]
    assert report.written == 3 and len({place[0] for place in places}) == 3
    assert len({place[1:] for place in places}) == 1


def test_what_is_finished_is_not_done_again(draw_series: Any, job: Any, tmp_path: Path) -> None:
    folder = draw_series().folder
    job(folder)
    before = {path: path.stat() for path in (tmp_path / "out").rglob("*.dcm")}
    report = job(folder)
    assert (report.written, report.resumed) == (0, 6) and report.actions["pixels"] == 6
    assert {path: path.stat() for path in before} == before


def test_a_changed_source_is_done_again_and_a_lost_one_goes(draw_series: Any, job: Any, tmp_path: Path) -> None:
    files = sorted(draw_series().files)
    job(files[0].parent)
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-1] + b"\7")
    report = job(files[0].parent)
    assert (report.written, report.resumed, report.removed) == (1, 4, 1)
    assert len(tree(tmp_path / "out")) == 5
    assert job(files[0].parent).resumed == 5


@pytest.mark.parametrize("options", [{"profile": "basic"}, {"project": "other"}])
def test_other_rules_do_everything_again(draw_series: Any, job: Any, tmp_path: Path, options: Any) -> None:
    folder = draw_series().folder
    job(folder)
    report = job(folder, **options)
    assert (report.written, report.resumed, report.removed) == (6, 0, 6)
    job(folder, "fresh", **options)
    assert tree(tmp_path / "out") == tree(tmp_path / "fresh")


def test_another_key_does_everything_again(draw_series: Any, job: Any, tmp_path: Path, settings: Settings) -> None:
    folder = draw_series().folder
    job(folder)
    before = tree(tmp_path / "out")
    (settings.keys / "ingest.key").write_text("ab" * 32)
    assert job(folder).written == 6
    assert not set(before) & set(tree(tmp_path / "out"))


def test_journal_holds_no_identity(draw_series: Any, job: Any, settings: Settings) -> None:
    job(draw_series().folder)
    [file] = (settings.home / FOLDER).iterdir()
    content = os.fsencode(file.name) + file.read_bytes()
    assert not [value for value in (*SOURCES, b"/in") if value in content]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_earlier_in_the_order_takes_its_instance_back(draw_series: Any, job: Any, tmp_path: Path) -> None:
    files = draw_series(count=2).files
    job(files[0].parent)
    shutil.copy(min(files), files[0].parent / "A first")
    report = job(files[0].parent)
    assert codes(report) == {min(files).name: "duplicate-instance"}
    assert report.per_file[0].source == "A first" and len(tree(tmp_path / "out")) == 2


def test_output_with_strange_files_is_refused(draw_series: Any, job: Any, tmp_path: Path) -> None:
    folder = draw_series().folder
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.doc").write_text("x")
    with pytest.raises(InvalidInput, match="1 file that no earlier run"):
        job(folder)
    assert list(tree(tmp_path / "out")) == ["precious.doc"]


def test_output_of_another_source_is_refused(draw_series: Any, job: Any) -> None:
    job(draw_series().folder)
    with pytest.raises(InvalidInput, match="another source"):
        job(draw_series("second").folder)


@pytest.mark.parametrize(("source", "out"), [("in", "in"), ("in", "in/out"), ("in", "."), ("nowhere", "out")])
def test_folders_that_cannot_be_used_together_are_refused(
    draw_series: Any, job: Any, tmp_path: Path, source: str, out: str
) -> None:
    draw_series()
    with pytest.raises(InvalidInput):
        job(tmp_path / source, out)


def test_an_empty_source_is_refused(job: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="empty"):
        job(tmp_path / "empty")


def test_two_jobs_may_not_write_to_one_folder(draw_series: Any, settings: Settings, tmp_path: Path) -> None:
    folder = draw_series().folder
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder, tmp_path / "out", settings.home], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    with holder.stdout, pytest.raises(Conflict):
        deidentify_folder(folder, tmp_path / "out", settings=settings)
    holder.kill()
    holder.wait()


HOLD = """
import sys, time
from pathlib import Path
from workbench.ingest.deidentify.journal import Journal
from workbench.settings import load_settings
journal = Journal(load_settings(Path(sys.argv[3])), Path(sys.argv[1]), Path(sys.argv[2]), key=b"k", rules="")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the disk be full from the third file on."""
    written = iter(range(1000))

    def write_all(descriptor: int, content: bytes) -> None:
        if next(written) > 2:
            raise OSError(28, "No space left on device")
        os.write(descriptor, content)

    monkeypatch.setattr(worker, "write_all", write_all)
    return iter(())


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half(
    draw_series: Any, job: Any, tmp_path: Path, full_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = draw_series().folder
    with pytest.raises(WorkbenchError, match="No space left on device") as error:
        job(folder)
    assert error.value.code == "output-not-writable" and list((tmp_path / "out").iterdir()) == []
    monkeypatch.undo()
    assert job(folder).written == 6


def test_an_output_that_may_not_be_written_is_a_clear_error(draw_series: Any, job: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkbenchError):
        job(draw_series().folder, "file/out")


@pytest.mark.parametrize("seed", [7, 8])
def test_a_job_killed_at_any_moment_goes_on(
    draw_series: Any, job: Any, settings: Settings, tmp_path: Path, seed: int
) -> None:
    folder, chance = draw_series(count=90).folder, random.Random(seed)  # noqa: S311 - moments, not secrets
    job(folder, "whole")
    finished: dict[str, int] = {}
    for _ in range(5):
        kill_when(folder, tmp_path / "out", settings, len(finished) + chance.randrange(16), chance.random() / 50)
        now = outputs(tmp_path / "out")
        assert finished.items() <= now.items()
        finished = now
    report = job(folder)
    assert (report.resumed, report.written) == (len(finished), 90 - len(finished))
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert finished.items() <= outputs(tmp_path / "out").items()


def kill_when(folder: Path, out: Path, settings: Settings, count: int, later_s: float) -> None:
    """Start a job of two processes, and kill it a little after so many files are finished."""
    process = multiprocessing.get_context("fork").Process(target=run_in_small_batches, args=(folder, out, settings))
    process.start()
    while process.is_alive() and len(outputs(out)) < count:
        time.sleep(0.001)
    time.sleep(later_s)
    process.kill()
    process.join()


def run_in_small_batches(folder: Path, out: Path, settings: Settings) -> None:
    placing.BATCH_FILES = 4
    deidentify_folder(folder, out, settings=settings, processes=2)


def test_a_lost_worker_is_a_clear_error(draw_series: Any, job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = draw_series(count=12).folder
    monkeypatch.setattr(placing, "BATCH_FILES", 2)
    monkeypatch.setattr(worker.Worker, "do", lambda *_: os._exit(9))
    with pytest.raises(WorkbenchError, match="continues") as error:
        job(folder, processes=2)
    assert error.value.code == "worker-lost"
    monkeypatch.undo()
    assert job(folder).written == 12
