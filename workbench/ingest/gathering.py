"""Everything of a source that may come in: volumes, labels and tables that passed their gates, before any is sent.

Runs in: ingest host
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import IngestRefused, InvalidInput
from workbench.governance.canonical import canonical_json
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.labels.files import read_mask
from workbench.ingest.labels.label_set import LabelledScan, LabelSet
from workbench.ingest.labels.sources import WITHOUT_IMAGE, name_label_sets, read_labels
from workbench.ingest.progress import Progress
from workbench.ingest.refusals import Refusal, refuse
from workbench.ingest.series.files import Listed, holds_labels, read_image_file, read_list, read_values
from workbench.ingest.series.folder import read_folder
from workbench.ingest.series.found import FolderScan, Kept
from workbench.ingest.series.volumes import CheckedSeries, SourceVolume, pass_gate
from workbench.ingest.tables.declaration import find_declaration, read_declaration
from workbench.ingest.tables.fhir import is_fhir, read_fhir
from workbench.ingest.tables.prepared import PreparedTable, subjects_of
from workbench.ingest.tables.table import read_table

DATA_FILE, HEADER_BYTES = re.compile(rb"^\s*ElementDataFile\s*=(.*)$", re.MULTILINE), 1 << 16
NO_TABLE = "FHIR resources of a type that is not taken"
UNDECLARED = "a table without a declaration of its columns beside it"
HOW_TO_DECLARE = (
    "its columns are not declared; `workbench ingest TABLE --suggest-columns` writes a first declaration to check and "
    "to put beside the table as NAME.columns.yaml, or to give as --columns."
)


@dataclass(frozen=True)
class Choices:
    """What a person decides about an ingest.

    Parameters
    ----------
    profile : Profile
        What of a header may stay.
    key : bytes
        The secret of the project's pseudonyms.
    policy : str
        The profile's name, or the path of its file, as it was given.
    columns : Path, optional
        The declaration of a table's columns, where it does not lie beside the table.
    subjects : Path, optional
        A CSV file that names the subject of each NIfTI or MetaImage file.
    leave_out : bool
        Whether what is refused is left out and the rest comes in, instead of nothing.
    suppress : bool
        Whether rows of FHIR tables whose groups are too small are left out, instead of the source refused.
    """

    profile: Profile
    key: bytes = field(repr=False)
    policy: str = "standard"
    columns: Path | None = None
    subjects: Path | None = None
    leave_out: bool = False
    suppress: bool = False


@dataclass
class Gathered:
    """What may come in, sorted so that neither names of files nor their order show.

    Parameters
    ----------
    folder : Path
        Where it lies; the names of files are relative to it.
    found : FolderScan
        What the source holds, with what was ignored.
    volumes : list
        By pseudonym of subject, then of series.
    labels : list of (str, LabelSet)
        With the `uid` of the volume they lie on.
    tables : list of PreparedTable
        By name.
    refusals : tuple of Refusal
        What was left out because a person chose so.
    """

    folder: Path
    found: FolderScan
    volumes: list[SourceVolume] = field(default_factory=list)
    labels: list[tuple[str, LabelSet]] = field(default_factory=list)
    tables: list[PreparedTable] = field(default_factory=list)
    refusals: tuple[Refusal, ...] = ()


@contextmanager
def gathering(source: Path, choices: Choices, progress: Progress) -> Iterator[Gathered]:
    """Read a folder or file and pass what it holds through the gates; no pixels of series yet.

    Raises
    ------
    InvalidInput
        When there is no such folder, file, list of subjects or declaration.
    IngestRefused
        With every refusal, or when there is nothing that could come in.
    """
    listed = read_list(choices.subjects) if choices.subjects else None
    if choices.columns is not None:
        read_declaration(choices.columns)
    with _as_folder(source) as folder:
        gathered = Gathered(folder, read_folder(folder, choices.key, choices.profile, progress))
        refusals = list(gathered.found.refusals)
        refusals += _take_series(gathered)
        refusals += _take_images(gathered, choices, listed)
        refusals += _take_labels(gathered, choices, progress)
        refusals += _take_tables(gathered, choices, is_alone=source.is_file())
        if refusals and not choices.leave_out:
            raise refuse(refusals)
        if not gathered.volumes and not gathered.tables:
            raise refuse(refusals) if refusals else _nothing(gathered.found)
        gathered.refusals = tuple(refusals)
        # Names of files and order of folders must not show in the numbering.
        gathered.volumes.sort(key=lambda volume: (volume.subject_pseudonym, volume.uid))
        gathered.tables.sort(key=lambda table: table.name)
        yield gathered


def read_series(
    folder: Path, key: bytes, profile: Profile, progress: Progress
) -> tuple[FolderScan, list[CheckedSeries]]:
    """Read a folder's DICOM series alone and pass them through the geometry gate. Raises as `gathering` does."""
    if not folder.is_dir():
        raise _no_source(folder)
    gathered = Gathered(folder, read_folder(folder, key, profile, progress))
    refusals = [*gathered.found.refusals, *_take_series(gathered)]
    if refusals:
        raise refuse(refusals)
    checked = [volume for volume in gathered.volumes if isinstance(volume, CheckedSeries)]
    if not checked:
        raise _nothing(gathered.found)
    return gathered.found, sorted(checked, key=lambda series: (series.subject_pseudonym, series.uid))


def resume_key(source: Path, choices: Choices, *also: object) -> str:
    """Give what tells this source and these choices from others: keyed, so it tells a stranger nothing.

    A file that was changed meanwhile (size or time) is another source.
    """
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    facts: list[object] = []
    for path in files:
        state = path.stat()
        facts.append([os.fspath(path.relative_to(source)), state.st_size, state.st_mtime_ns])
    for declared in (choices.columns, choices.subjects):
        is_there = declared is not None and declared.is_file()
        facts.append(hashlib.sha256(declared.read_bytes()).hexdigest() if declared and is_there else "")
    said = canonical_json([facts, choices.profile.digest, choices.leave_out, *also])
    return hmac.digest(choices.key, b"resume\0" + said, "sha256").hex()


@contextmanager
def _as_folder(source: Path) -> Iterator[Path]:
    """Give a folder; for a file, one that holds nothing but the file and what belongs to it."""
    if source.is_dir():
        yield source
        return
    if not source.is_file():
        raise _no_source(source)
    declared = find_declaration(source)
    with tempfile.TemporaryDirectory() as scratch:
        for path in [source, *([declared] if declared else [])]:
            (Path(scratch) / path.name).symlink_to(path.resolve())
        if source.suffix.lower() == ".mhd" and (voxels := _voxels_beside(source)):
            # A link could lead out of the folder, so the reader takes none for voxels.
            shutil.copyfile(voxels, Path(scratch) / voxels.name)
        yield Path(scratch)


def _voxels_beside(header: Path) -> Path | None:
    """Give the file of voxels that a MetaImage header names, when it lies beside it."""
    with header.open("rb") as stream:
        found = DATA_FILE.search(stream.read(HEADER_BYTES))
    name = found[1].decode("latin-1").strip() if found else ""
    beside = header.with_name(name) if name and Path(name).name == name else None
    return beside if beside is not None and beside.is_file() and not beside.is_symlink() else None


def _take_series(gathered: Gathered) -> list[Refusal]:
    refusals = []
    for series in gathered.found.series.values():
        verdict = pass_gate(series)
        if isinstance(verdict, Refusal):
            refusals.append(verdict)
        else:
            gathered.volumes.append(verdict)
    return refusals


def _take_images(
    gathered: Gathered, choices: Choices, listed: Mapping[str, Listed] | None
) -> list[Refusal]:  # fmt: skip
    """Take image files as volumes, and those that hold labels of another volume as labels."""
    refusals, masks = [], []
    for kept in gathered.found.images:
        image = read_image_file(kept, choices.key, listed)
        values = image if isinstance(image, Refusal) else read_values(kept, image.header)
        if isinstance(image, Refusal) or isinstance(values, Refusal):
            refusals += [one for one in (image, values) if isinstance(one, Refusal)][:1]
        elif holds_labels(values):
            masks.append((kept, image.patient))
        else:
            gathered.volumes.append(image)
    scans = [LabelledScan.of(volume) for volume in gathered.volumes]
    files = []
    for kept, patient in masks:
        labels = read_mask(kept, scans, patient)
        if labels is None:
            gathered.found.ignored.append({"file": kept.name, "reason": WITHOUT_IMAGE})
        elif isinstance(labels, Refusal):
            refusals.append(labels)
        else:
            files.append((labels[0], [labels[1]]))
    gathered.labels += name_label_sets(files)
    return refusals


def _take_labels(gathered: Gathered, choices: Choices, progress: Progress) -> list[Refusal]:
    labels, refusals, ignored = read_labels(
        gathered.found.labels, gathered.volumes, profile=choices.profile, progress=progress
    )
    gathered.labels += labels
    gathered.found.ignored += ignored
    return refusals


def _take_tables(gathered: Gathered, choices: Choices, *, is_alone: bool) -> list[Refusal]:
    refusals: list[Refusal] = []
    fhir = [one.path for one in gathered.found.tables if is_fhir(one.path)]
    for one in _without_declarations(gathered.found.tables):
        declared = choices.columns or find_declaration(one.path)
        if one.path in fhir:
            continue
        if declared is None and is_alone:
            refusals.append(Refusal("undeclared-table", HOW_TO_DECLARE, (one.name,)))
        elif declared is None:
            gathered.found.ignored.append({"file": one.name, "reason": UNDECLARED})
        else:
            # It was used, so it was not left out.
            gathered.found.ignored[:] = [one for one in gathered.found.ignored if not _is_at(gathered, one, declared)]
            with _taking(refusals):
                gathered.tables.append(read_table(one.path, read_declaration(declared), subjects_of(choices.key)))
    if fhir:
        with _taking(refusals):
            read = read_fhir(gathered.folder, subjects_of(choices.key), suppress=choices.suppress, files=fhir)
            gathered.tables += read.tables
            left = [{"file": f"{count} × {kind}", "reason": NO_TABLE} for kind, count in read.ignored.items()]
            gathered.found.ignored += left
    return refusals


def _is_at(gathered: Gathered, ignored: Mapping[str, str], path: Path) -> bool:
    return os.path.abspath(gathered.folder / ignored["file"]) == os.path.abspath(path)


@contextmanager
def _taking(refusals: list[Refusal]) -> Iterator[None]:
    try:
        yield
    except IngestRefused as refused:
        refusals += [Refusal(str(r["code"]), str(r["reason"]), tuple(r["files"])) for r in refused.refusals]


def _without_declarations(tables: Sequence[Kept]) -> list[Kept]:
    declared = {find_declaration(one.path) for one in tables}
    return [one for one in tables if one.path not in declared]


def _no_source(source: Path) -> InvalidInput:
    return InvalidInput(f"There is no folder or file “{source}”; give what holds the images or the table.")


def _nothing(found: FolderScan) -> IngestRefused:
    if not found.files:
        return IngestRefused(
            "The folder is empty, so nothing was ingested; give a folder of images or tables.", code="empty-folder"
        )
    if any(item["reason"] == UNDECLARED for item in found.ignored):
        return IngestRefused(
            f"Nothing was ingested, because the folder holds only a table, and {HOW_TO_DECLARE}",
            code="undeclared-table",
        )
    return IngestRefused(
        f"None of the {found.files} files in the folder is a slice of a CT, MR or PET series, an image file or a "
        "declared table, so nothing came in.",
        code="no-ct",
    )
