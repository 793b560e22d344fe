"""A folder as series of planes, label files, image files and tables; what is none of these is named and left out.

Headers are de-identified as they are read, and of each series only what all its slices share is kept, so a folder of
ten thousand files needs little memory.

Runs in: ingest host
Source: DICOM PS3.10 2026c 7.1 (files), PS3.3 2026c A.3, A.4, A.21, A.36, A.38 (CT, MR, PET and their enhanced forms).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom import dcmread
from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.profile import ClassRules, Profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms, patient_identity
from workbench.ingest.progress import Progress
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.decoders import COMPRESSED
from workbench.ingest.series.found import FolderScan, FoundSeries, Kept, LabelSource
from workbench.ingest.series.frames import (
    VOLUME_CLASSES,
    Frames,
    Interned,
    Slice,
    numbers,
    read_apart,
    read_context,
    read_stored,
    texts,
)  # fmt: skip
from workbench.ingest.series.planes import NATIVE
from workbench.ingest.series.references import referenced_series
from workbench.ingest.silence import silent_pydicom

# What pydicom raises while it reads a damaged file.
PARSE_ERRORS = (
    ArithmeticError, AttributeError, BytesLengthException, EOFError, KeyError, IndexError, NotImplementedError, OSError,
    RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
IDENTIFYING = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
IMAGE_ENDINGS = (".nii", ".nii.gz", ".mha", ".mhd")
# The voxels of an .mhd header lie beside it, and come in with it.
PARTNER_ENDINGS = (".raw", ".zraw")
DICOM_ENDINGS = (".dcm", ".dicom", ".ima")
TABLE_ENDINGS = (".csv", ".tsv", ".parquet", ".json", ".ndjson")
MOST_FRAMES = 100_000
PREAMBLE_BYTES = 132


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
    interned: Interned = field(default_factory=Interned)

    def read(self, path: Path) -> None:
        """Sort one file: planes of a series, labels, an image file, a table, ignored, or refused."""
        name = os.fspath(path.relative_to(self.folder))
        try:
            with path.open("rb") as stream:
                source = dcmread(stream, stop_before_pixels=True)
                pixels_at = stream.tell()
            verdict = _judge(source, name, self.profile)
            if isinstance(verdict, Refusal):
                self.found.refusals.append(verdict)
            elif isinstance(verdict, str):
                self.found.ignored.append({"file": name, "reason": verdict})
            elif verdict.kind == "labels":
                self.found.labels.append(_label(source, path, name))
            else:
                self._add(source, path, name, pixels_at, verdict)
        except InvalidDicomError:
            self._sort_other(path, name)
        except PARSE_ERRORS as problem:
            reason = f"the file is damaged or cut short ({type(problem).__name__} while reading it)."
            self.found.refusals.append(Refusal("unreadable", reason, (name,)))

    def _sort_other(self, path: Path, name: str) -> None:
        ending = path.name.lower()
        if ending.endswith(IMAGE_ENDINGS):
            self.found.images.append(Kept(path, name))
        elif ending.endswith(TABLE_ENDINGS):
            self.found.tables.append(Kept(path, name))
        elif ending.endswith(PARTNER_ENDINGS) and path.with_suffix(".mhd").is_file():
            self.found.partners.append(Kept(path, name))
        elif ending.endswith(DICOM_ENDINGS) or _is_blank(path):
            # Of a slice that was cut short within its first bytes nothing is left that could be told from other files.
            reason = "it is empty, cut short or no DICOM file, though it may be meant as one; copy it again."
            self.found.refusals.append(Refusal("not-dicom", reason, (name,)))
        else:
            self.found.ignored.append({"file": name, "reason": "not a DICOM file"})

    def _add(self, source: FileDataset, path: Path, name: str, pixels_at: int, rules: ClassRules) -> None:
        """Put the planes of one file into their series."""
        patient = patient_identity(source)
        cleaner = self.found.cleaners.get(patient)
        if cleaner is None:
            cleaner = self.found.cleaners[patient] = Deidentifier(self.profile, Pseudonyms(self.key, patient))
        shared = {element.tag: element for element in cleaner.clean(source)}
        series = _one(source, "SeriesInstanceUID")
        for plane in self._planes(source, path, name, pixels_at):
            known = self.found.series.get((series, plane.stack))
            if known is None:
                told = series if not plane.stack else f"{series}\0stack\0{plane.stack}"
                known = self.found.series[series, plane.stack] = FoundSeries(
                    source_uid=series, uid=cleaner.pseudonyms.uid(told), subject=cleaner.pseudonyms.patient_id,
                    rules=rules, shared=dict(shared),
                )  # fmt: skip
            known.slices.append(plane)
            known.keep_shared(shared)

    def _planes(self, source: FileDataset, path: Path, name: str, pixels_at: int) -> Iterator[Slice]:
        stored, lacking = read_stored(source)
        modality, is_enhanced = VOLUME_CLASSES[_one(source, "SOPClassUID")]
        frames = Frames(source)
        count = stored.frames if stored is not None and is_enhanced else 1
        if is_enhanced and len(frames) != count:
            # Without a description of each frame nobody knows where it lies.
            lacking, count = "PerFrameFunctionalGroupsSequence", 1
        intern = self.interned
        whole = Slice(
            path=path, name=name, frame=0, patient=intern(patient_identity(source)),
            study=intern(_one(source, "StudyInstanceUID")), series=intern(_one(source, "SeriesInstanceUID")),
            instance=_one(source, "SOPInstanceUID"), syntax=intern(str(source.file_meta.TransferSyntaxUID)),
            pixels_at=pixels_at, stored=intern(stored), lacking=lacking,
            context=intern(read_context(frames, source, 0)),
        )  # fmt: skip
        for number in range(count):
            slope = numbers(frames.get("RescaleSlope", number), 1)
            intercept = numbers(frames.get("RescaleIntercept", number), 1)
            if (
                modality == "MR"
                and frames.get("RescaleSlope", number) is frames.get("RescaleIntercept", number) is None
            ):
                slope, intercept = (1.0,), (0.0,)  # MR values have no unit, and mostly no rescale either.
            yield replace(
                whole, frame=number, slope=intern(slope), intercept=intern(intercept),
                position=numbers(frames.get("ImagePositionPatient", number), 3),
                orientation=intern(numbers(frames.get("ImageOrientationPatient", number), 6)),
                spacing=intern(numbers(frames.get("PixelSpacing", number), 2)),
                context=whole.context if number == 0 else intern(read_context(frames, source, number)),
                stack=intern(frames.stack(number)), apart=intern(read_apart(frames, number)),
            )  # fmt: skip


def _judge(source: FileDataset, name: str, profile: Profile) -> Refusal | str | ClassRules:
    """Judge SOP class and transfer syntax: a refusal, a reason to ignore, or the rules of what comes in."""
    sop_class = _one(source, "SOPClassUID") or str(source.file_meta.get("MediaStorageSOPClassUID") or "")
    rules = profile.class_rules(sop_class)
    if rules is not None and rules.kind != "labels" and sop_class not in VOLUME_CLASSES:
        return f"{UID(sop_class).name} is not ingested" + (", for it makes no volume" * (rules.kind == "image"))
    if rules is None:
        known = UID(sop_class).name if sop_class in UID_dictionary else "unknown" if sop_class else "nothing"
        reason = f"its SOP class is {known}, and volumes are made of CT, MR and PET images only."
        return Refusal("unsupported-sop-class", reason, (name,))
    syntax = str(source.file_meta.get("TransferSyntaxUID") or "")
    if rules.kind != "labels" and syntax not in NATIVE | COMPRESSED:
        known = UID(syntax).name if syntax in UID_dictionary else "unknown" if syntax else "missing"
        return Refusal("unsupported-transfer-syntax", f"its transfer syntax is {known}; convert it first.", (name,))
    lacking = [keyword for keyword in IDENTIFYING if not _one(source, keyword)]
    if lacking or not _one(source, "SOPClassUID"):
        reason = f"{(*lacking, 'SOPClassUID')[0]} is missing, or the file is cut short."
        return Refusal("missing-attribute", reason, (name,))
    frames = numbers(source.get("NumberOfFrames"), 1)
    if frames and not 1 <= frames[0] <= MOST_FRAMES:
        reason = "NumberOfFrames is not a number of frames; export the series again."
        return Refusal("impossible-value", reason, (name,))
    if _one(source, "BurnedInAnnotation").upper() == "YES":
        reason = "the header says that text is burned into the pixels, which this release cannot clear."
        return Refusal("burned-in-annotation", reason, (name,))
    return rules


def _is_blank(path: Path) -> bool:
    """Whether a file holds no more than zeros, as a DICOM file does in its first 128 bytes; hidden files may."""
    if path.name.startswith(".") or path.stat().st_size > PREAMBLE_BYTES:
        return False
    return not path.read_bytes().strip(b"\0DICM")


def _label(source: FileDataset, path: Path, name: str) -> LabelSource:
    return LabelSource(
        path=path, name=name, sop_class=_one(source, "SOPClassUID"), patient=patient_identity(source),
        study=_one(source, "StudyInstanceUID"), series=referenced_series(source),
    )  # fmt: skip


def _one(source: Dataset, keyword: str) -> str:
    values = texts(source.get(keyword))
    return values[0] if values else ""


def _set_localizers_aside(found: FolderScan) -> None:
    """Name the series of nothing but localizers and leave them out: an overview is not a volume."""
    for key, series in list(found.series.items()):
        if all("LOCALIZER" in one.context.image_type for one in series.slices):
            del found.series[key]
            names = dict.fromkeys(one.name for one in series.slices)
            found.ignored += [{"file": name, "reason": "a localizer (scout) series"} for name in names]
