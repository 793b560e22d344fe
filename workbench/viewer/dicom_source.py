"""The images that saved marks say they were made on: names and grid of a de-identified scan, as DICOM has them.

The same dataset version and scan give the same UIDs everywhere and always, so marks saved apart still belong together.
Nothing of the patient is known here, and nothing is told.

Runs in: kernel
Source: DICOM PS3.5 2026c B.2 (UIDs from UUIDs); PS3.3 2026c C.7.6.2 (image plane); PS3.15 2026c E.1 (what tells that
identity was removed).
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.viewer.shown_volume import GovernedVolume, ShownVolume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MANUFACTURER = "AI4H workbench"
MODEL = "CT viewer"
# DICOM asks for a date of the content; nothing of when a reader worked is told, and the same marks make the same file.
DATE, TIME = "19000101", "000000"
SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "PT": "1.2.840.10008.5.1.4.1.1.128",
    "OT": "1.2.840.10008.5.1.4.1.1.7",
}  # fmt: skip
# What pydicom and highdicom raise on damaged files, besides refusing them.
DAMAGE = (
    AttributeError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, RuntimeError, OSError, EOFError,
    OverflowError, struct.error, zlib.error,
)  # fmt: skip
METHOD = "Made from a de-identified scan; all UIDs derived"


def identity(scan: ShownVolume) -> tuple[str, ...]:
    """Give what names a scan for ever: dataset, version and scan; of an array, its title and grid."""
    if isinstance(scan, GovernedVolume):
        return scan.scan.dataset, scan.scan.version, scan.scan.scan
    return "", "", scan.title, json.dumps(scan.geometry.as_dict())


def uid_of(*parts: str) -> str:
    """Give the UID that belongs to some words, the same for ever.

    >>> uid_of("chest-ct", "v1") == uid_of("chest-ct", "v1")
    True
    """
    digest = bytearray(hashlib.sha256("\x1f".join(parts).encode(errors="replace")).digest()[:16])
    # Version 8 (made by an own rule) and variant of RFC 9562, so that it is a UUID as PS3.5 asks.
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"


def scan_uid(scan: ShownVolume, *role: str) -> str:
    """Give a UID of a scan: its study, series, frame-of-reference, a slice, or something saved of it."""
    return uid_of(*identity(scan), *role)


def source_images(scan: ShownVolume, slices: Sequence[int]) -> list[Dataset]:
    """Give the header of each of some axial slices, without pixels.

    Parameters
    ----------
    scan : ShownVolume
    slices : sequence of int
        Indices along z.
    """
    from pydicom.dataset import Dataset  # noqa: PLC0415 - heavy, loaded on first use

    geometry = scan.geometry
    _, rows, columns = geometry.shape
    matrix = np.asarray(geometry.direction).reshape(3, 3)
    corners = geometry.to_patient_mm(np.array([[z, 0, 0] for z in slices], dtype=float))
    found = []
    for z, corner in zip(slices, corners, strict=True):
        image = Dataset()
        describe(image, scan)
        image.SOPClassUID, image.Modality = SOP_CLASSES[scan.modality], scan.modality
        image.SOPInstanceUID = scan_uid(scan, "slice", str(z))
        image.SeriesInstanceUID = scan_uid(scan, "series")
        image.FrameOfReferenceUID = scan_uid(scan, "frame-of-reference")
        image.InstanceNumber, image.Rows, image.Columns = z + 1, rows, columns
        image.PixelSpacing = [decimal(mm) for mm in geometry.spacing_mm[1:]]
        image.SliceThickness = decimal(geometry.spacing_mm[0])
        image.ImagePositionPatient = [decimal(mm) for mm in corner]
        image.ImageOrientationPatient = [decimal(part) for part in (*matrix[:, 0], *matrix[:, 1])]
        found.append(image)
    return found


def describe(header: Dataset, scan: ShownVolume) -> None:
    """Write patient and study of a scan into a header: pseudonyms that the dataset already shows, and no dates."""
    dataset, _, name = identity(scan)[:3]
    header.PatientID = plain_text(f"{dataset} {name}", 64)
    # One name alone ends with a caret, as PS3.5 6.2.1 has it.
    header.PatientName = plain_text(f"{dataset} {name}", 63) + "^"
    header.PatientBirthDate = header.PatientSex = header.AccessionNumber = ""
    header.StudyID = header.StudyDate = header.StudyTime = header.ReferringPhysicianName = ""
    header.StudyInstanceUID = scan_uid(scan, "study")
    header.PatientIdentityRemoved, header.DeidentificationMethod = "YES", METHOD
    header.SpecificCharacterSet = "ISO_IR 192"


def finish(made: Any) -> None:
    """Take what changes from run to run out of a dataset that highdicom made."""
    made.ContentDate, made.ContentTime = DATE, TIME
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"):
        if keyword in made:
            delattr(made, keyword)
    for equipment in made.get("ContributingEquipmentSequence") or ():
        if "ContributionDateTime" in equipment:
            del equipment.ContributionDateTime
    made.PatientIdentityRemoved, made.DeidentificationMethod = "YES", METHOD


def is_of_another(made: Dataset, scan: ShownVolume) -> bool:
    """Whether a DICOM file that this viewer wrote belongs to another scan, or to another version of this one."""
    own = str(made.get("Manufacturer", "")) == MANUFACTURER and str(made.get("ManufacturerModelName", "")) == MODEL
    return own and str(made.get("StudyInstanceUID", "")) != scan_uid(scan, "study")


def decimal(number: float) -> Any:
    """Give a number as DICOM's decimal string of at most 16 characters."""
    from pydicom.valuerep import DSfloat  # noqa: PLC0415 - heavy, loaded on first use

    return DSfloat(float(number), auto_format=True)


def plain_text(text: str, longest: int) -> str:
    """Give a text without what DICOM's short strings may not hold (control characters, backslash, =, ^)."""
    kept = "".join(" " if char in "\\^=" or not char.isprintable() else char for char in text)
    return kept.strip()[:longest].strip()
