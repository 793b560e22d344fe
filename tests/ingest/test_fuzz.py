"""Broken files never crash anything, never leave half an output or dataset, and always get a sentence.

`WORKBENCH_FUZZ_FILES=5000 WORKBENCH_FUZZ_SEED=3` tries more and others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from planted import Planted, Search, write_planted
from planted.broken import broken_files
from pydicom import dcmread

from workbench.errors import WorkbenchError
from workbench.ingest.deidentify.job import deidentify_folder
from workbench.ingest.deidentify.job_report import JobReport
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.pipeline import ingest_folder
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import read_folder
from workbench.ingest.silence import silent_pydicom
from workbench.ingest.verify.folder import inspect_folder
from workbench.settings import Settings, load_settings

FILES = int(os.environ.get("WORKBENCH_FUZZ_FILES", "150"))
SEED = int(os.environ.get("WORKBENCH_FUZZ_SEED", "1"))
SYNTAXES = ("explicit", "implicit", "deflated", "rle", "big-endian")


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> list[Planted]:
    """Give whole instances of several syntaxes and kinds."""
    folder = tmp_path_factory.mktemp("whole")
    made = [write_planted(folder / one, syntax=one, slices=1, seed=20 + n) for n, one in enumerate(SYNTAXES)]
    made.append(write_planted(folder / "kinds", kinds=("seg", "ect", "rtstruct"), seed=30))
    return made


def write_broken(folder: Path, wholes: Iterable[Planted], count: int = FILES) -> list[Path]:
    """Write broken files, and names that are odd themselves."""
    folder.mkdir()
    bases = [path.read_bytes() for planted in wholes for path in planted.files]
    paths = []
    for number, (how, content) in enumerate(broken_files(bases, SEED, count)):
        paths.append(folder / f"{number:04d} {how}")
        paths[-1].write_bytes(content)
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/new\nline \xff\x1b[31m.dcm"))
    odd.write_bytes(bases[0])
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere").symlink_to(folder / "missing")
    return [*paths, odd]


def is_sentence(refusal: Refusal) -> bool:
    return (
        bool(refusal.code) and len(refusal.reason) > 20 and refusal.reason.endswith((".", "…")) and bool(refusal.files)
    )


def assert_whole(out: Path) -> int:
    """Read every value of every output."""
    outputs = [path for path in out.rglob("*") if path.is_file()]
    with silent_pydicom():
        for path in outputs:
            one = dcmread(path)
            assert len(list(one.iterall())) > 5
            assert one.PatientIdentityRemoved == "YES"
    return len(outputs)


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory, wholes: list[Planted]) -> tuple[Path, JobReport]:
    """Give what became of the broken files."""
    folder = tmp_path_factory.mktemp("fuzz")
    write_broken(folder / "in", wholes)
    settings = load_settings(folder / "home")
    return folder / "out", deidentify_folder(folder / "in", folder / "out", settings=settings, processes=2)


def test_broken_files_are_deidentified_or_refused_by_name(cleaned: tuple[Path, JobReport]) -> None:
    out, report = cleaned
    assert report.is_complete
    assert report.files > FILES
    assert all(is_sentence(refusal) for refusal in report.refusals)
    assert assert_whole(out) == report.written > 0


def test_broken_files_leak_nothing_into_outputs_or_sentences(
    cleaned: tuple[Path, JobReport], wholes: list[Planted]
) -> None:
    out, report = cleaned
    search = Search([needle for planted in wholes for needle in planted.needles])
    assert sorted({needle.place for needle in search.found_below(out)}) == []
    told = " ".join(f"{refusal.code} {refusal.reason}" for refusal in report.refusals)
    assert search.found(told.encode()) == []


def test_checking_broken_outputs_always_ends_in_findings(home: Settings, tmp_path: Path, wholes: list[Planted]) -> None:
    source, out, broken = tmp_path / "in", tmp_path / "out", tmp_path / "broken"
    for folder in (source, broken):
        folder.mkdir()
    for planted in wholes:
        (source / planted.folder.name).write_bytes(planted.files[0].read_bytes())
    deidentify_folder(source, out, settings=home, processes=1)
    outputs = [path.read_bytes() for path in sorted(out.rglob("*.dcm"))]
    for number, (how, content) in enumerate(broken_files(outputs, SEED, FILES // 3)):
        (broken / f"{number:04d} {how}").write_bytes(content)
    assert len({finding.file for finding in inspect_folder(broken, source).findings}) > FILES // 6
    # A source that cannot be read proves nothing about an output.
    assert inspect_folder(out, broken).findings


def test_reading_broken_files_gives_sentences(tmp_path: Path, wholes: list[Planted]) -> None:
    paths = write_broken(tmp_path / "in", wholes)
    found = read_folder(tmp_path / "in", b"k" * 32, load_profile(), lambda *_: None)
    assert all(is_sentence(refusal) for refusal in found.refusals)
    assert all(len(one["reason"]) > 10 for one in found.ignored)
    told = f"{[refusal.reason for refusal in found.refusals]} {[one['reason'] for one in found.ignored]}"
    assert Search([needle for planted in wholes for needle in planted.needles]).found(told.encode()) == []
    named = {name for refusal in found.refusals for name in refusal.files} | {one["file"] for one in found.ignored}
    assert len(named) > len(paths) / 3


def test_one_broken_slice_never_makes_half_a_dataset(
    home: Settings, tmp_path: Path, line: Any, wholes: list[Planted]
) -> None:
    planted = write_planted(tmp_path / "series", slices=4, seed=41)
    broken = planted.files[2]
    for how, content in broken_files([broken.read_bytes()], SEED, FILES // 5):
        broken.write_bytes(content)
        line.committed = None
        line.objects.clear()
        try:
            report = ingest_folder(line, planted.folder, "chest-ct")
        except WorkbenchError as error:
            assert line.committed is None and not line.objects, how
            assert len(str(error)) > 40, how
        else:
            # A change that no reader could notice, such as one within a comment or a pixel.
            assert [one["shape"][0] for one in report.series] in ([4], [3]), how
