"""What lies beside images in a folder: a DICOMDIR with names in its records, and a file with bytes after its end."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from planted.file_bytes import Wrapping, encode, plant_wrapping
from planted.mint import Mint, Needle
from planted.objects import draw
from planted.series import make_person

DIRECTORY = UID("1.2.840.10008.1.3.10")


def write_neighbours(folder: Path) -> tuple[Needle, ...]:
    """Write both, and give what they hold."""
    mint = Mint(77)
    person = make_person(mint)
    folder.mkdir(parents=True, exist_ok=True)
    record = Dataset()
    record.DirectoryRecordType, record.PatientName = "PATIENT", f"{person.names['family']}^{person.names['given']}"
    record.PatientID, record.PatientBirthDate = person.names["record"], mint.day("DICOMDIR/PatientBirthDate")
    record.ReferencedFileID = ["IMAGES", mint.name("DICOMDIR/ReferencedFileID").upper()[:8]]
    directory = Dataset()
    directory.SOPClassUID, directory.SOPInstanceUID = DIRECTORY, UID(mint.uid("DICOMDIR", mint.number("DICOMDIR")))
    directory.FileSetID = mint.name("FileSetID").upper()
    directory.DirectoryRecordSequence = Sequence([record])
    (folder / "DICOMDIR").write_bytes(encode(directory, "explicit", plant_wrapping(mint)))
    one = draw("ct", 1, person.uids("ct"), 16)
    one.PatientID = person.names["record"]
    wrapping: Wrapping = plant_wrapping(mint, has_end=True)
    (folder / "IM0001").write_bytes(encode(one, "explicit", wrapping))
    (folder / "IM0002").write_bytes(encode(one, "explicit", wrapping) + b"\0" * 512)
    return tuple(mint.needles)
