"""A folder of DICOM as series of de-identified slices; what is not CT is named and left out.

Runs in: ingest host
Source: DICOM PS3.10 2026c 7.1 (files), PS3.3 2026c A.3 and C.8.2.1 (CT image).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from workbench.ingest.deidentify.cleaner import Deidentifier, texts
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.refusals import Refusal
from workbench.ingest.silence import silent_pydicom

# What pydicom raises while it reads a damaged file.
PARSE_ERRORS = (
    ArithmeticError, AttributeError, BytesLengthException, EOFError, KeyError, IndexError, NotImplementedError, OSError,
    RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
IDENTIFYING = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Slice:
    """One CT instance: where its file is, and its de-identified header.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        The file relative to the ingested folder.
    patient, study, series, instance : str
        What the source calls them; kept in this process only.
    syntax : str
        Transfer syntax UID.
    pixels_at : int
        Where in the file the header ended.
    header : Dataset
        De-identified, without pixels.
    """

    path: Path
    name: str
    patient: str
    study: str
    series: str
    instance: str
    syntax: str
    pixels_at: int
    header: Dataset


@dataclass
class FolderScan:
    """What a folder holds: series of slices, ignored files with the reason, refusals, rule counts."""

    series: dict[str, list[Slice]] = field(default_factory=dict)
    ignored: list[dict[str, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    cleaners: dict[str, Deidentifier] = field(default_factory=dict)
    files: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How often each de-identification rule was applied."""
        total: Counter[str] = Counter()
        for cleaner in self.cleaners.values():
            total.update(cleaner.counts)
        return dict(sorted(total.items()))


def read_folder(folder: Path, key: bytes, profile: Profile, progress: Progress) -> FolderScan:
    """Read the headers of all files below a folder.

    Parameters
    ----------
    folder : Path
        Where to look, recursively; links to folders are not followed.
    key : bytes
        The secret of the pseudonyms.
    profile : Profile
        What is accepted and kept.
    progress : callable
        Called with (files done, files, what is being done).
    """
    reader = _Reader(folder, key, profile, FolderScan())
    paths = list_files(folder, reader.found)
    reader.found.files = len(paths)
    with silent_pydicom():
        for done, path in enumerate(paths, 1):
            reader.read(path)
            progress(done, len(paths), "reading")
    _set_localizers_aside(reader.found)
    return reader.found


def list_files(folder: Path, found: FolderScan) -> list[Path]:
    """Give the regular files below a folder in a fixed order; a folder that cannot be opened is a refusal."""

    def cannot_open(problem: OSError) -> None:
        name = os.path.relpath(problem.filename, folder)
        found.refusals.append(Refusal("unreadable", "this folder may not be opened by you.", (name,)))

    paths = [
        Path(parent) / name
        for parent, _, names in os.walk(folder, onerror=cannot_open)
        for name in names
        if (Path(parent) / name).is_file()
    ]
    return sorted(paths)


@dataclass(frozen=True)
class _Reader:
    """Reads one file after the other into what was found."""

    folder: Path
    key: bytes
    profile: Profile
    found: FolderScan

    def read(self, path: Path) -> None:
        """Sort one file: a slice, ignored, or refused."""
        name = os.fspath(path.relative_to(self.folder))
        try:
            with path.open("rb") as stream:
                source = dcmread(stream, stop_before_pixels=True)
                pixels_at = stream.tell()
            verdict = _accept(source, name, self.profile)
            if isinstance(verdict, Refusal):
                self.found.refusals.append(verdict)
            elif verdict:
                self.found.ignored.append({"file": name, "reason": verdict})
            else:
                one = self._slice(source, path, name, pixels_at)
                self.found.series.setdefault(one.series, []).append(one)
        except InvalidDicomError:
            self.found.ignored.append({"file": name, "reason": "not a DICOM file"})
        except PARSE_ERRORS as problem:
            reason = f"the file is damaged or cut short ({type(problem).__name__} while reading it)."
            self.found.refusals.append(Refusal("unreadable", reason, (name,)))

    def _slice(self, source: FileDataset, path: Path, name: str, pixels_at: int) -> Slice:
        study, series = _one(source, "StudyInstanceUID"), _one(source, "SeriesInstanceUID")
        # An empty patient ID must not make one patient of many, so then the study stands for the patient.
        identity = _one(source, "PatientID")
        patient = f"id\0{identity}\0{_one(source, 'IssuerOfPatientID')}" if identity else f"study\0{study}"
        cleaner = self.found.cleaners.get(patient)
        if cleaner is None:
            cleaner = self.found.cleaners[patient] = Deidentifier(self.profile, Pseudonyms(self.key, patient))
        return Slice(
            path=path, name=name, patient=patient, study=study, series=series, instance=_one(source, "SOPInstanceUID"),
            syntax=str(source.file_meta.TransferSyntaxUID), pixels_at=pixels_at, header=cleaner.clean(source),
        )  # fmt: skip


def _accept(source: FileDataset, name: str, profile: Profile) -> Refusal | str:
    """Judge SOP class and transfer syntax: a refusal, a reason to ignore, or nothing."""
    sop_class = str(source.get("SOPClassUID") or source.file_meta.get("MediaStorageSOPClassUID") or "")
    what = profile.sop_classes.get(sop_class)
    if what == "ignore":
        return f"{UID(sop_class).name} is not ingested"
    if what != "ingest":
        known = UID(sop_class).name if sop_class else "nothing"
        reason = f"its SOP class is {known}, and this release ingests CT Image Storage only."
        return Refusal("unsupported-sop-class", reason, (name,))
    syntax = str(source.file_meta.get("TransferSyntaxUID") or "")
    if syntax not in profile.syntaxes:
        known = UID(syntax).name if syntax else "missing"
        return Refusal("unsupported-transfer-syntax", f"its transfer syntax is {known}; convert it first.", (name,))
    lacking = [keyword for keyword in IDENTIFYING if not _one(source, keyword)]
    if lacking:
        return Refusal("missing-attribute", f"{lacking[0]} is missing, or the file is cut short.", (name,))
    if str(source.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        reason = "the header says that text is burned into the pixels, which this release cannot clear."
        return Refusal("burned-in-annotation", reason, (name,))
    return ""


def _one(source: Dataset, keyword: str) -> str:
    values = texts(source.get(keyword))
    return values[0] if values else ""


def _set_localizers_aside(found: FolderScan) -> None:
    """Name the series of nothing but localizers and leave them out: an overview is not a volume."""
    for uid, slices in list(found.series.items()):
        if all(is_localizer(one) for one in slices):
            del found.series[uid]
            found.ignored += [{"file": one.name, "reason": "a localizer (scout) series"} for one in slices]


def is_localizer(one: Slice) -> bool:
    """Whether a slice is an overview picture (scout, topogram)."""
    return "LOCALIZER" in texts(one.header.get("ImageType"))
