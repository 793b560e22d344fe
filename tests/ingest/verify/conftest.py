"""A small source full of identifiers, and what de-identification makes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from tests.ingest.conftest import SERIES, draw_instance
from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms, patient_identity
from workbench.ingest.silence import silent_pydicom
from workbench.ingest.verify.findings import Finding
from workbench.ingest.verify.folder import check_folder


def identify(one: FileDataset, number: int) -> None:
    """Write identifiers wherever an honest scanner leaves them."""
    one.AccessionNumber, one.StudyID, one.StationName = "ACC77120455", "4711", "CTLINDEN2"
    one.SeriesDate = one.AcquisitionDate = one.ContentDate = "20190523"
    one.AcquisitionTime = f"1011{number:02d}.250000"
    one.ReferringPhysicianName, one.InstitutionName = "Grüber^Jörg^^Dr", "Lindenallee Chest Clinic"
    one.InstitutionAddress, one.DeviceSerialNumber = "Lindenallee 7, 12345 Berlin", "SN-48213-77"
    one.PatientTelephoneNumbers, one.PatientAddress = "+49 30 555 01 99", "Rosenweg 3, 10115 Berlin"
    one.PatientAge, one.BodyPartExamined, one.SpecificCharacterSet = "058Y", "CHEST", "ISO_IR 192"
    one.PatientComments = "Please call Adaeze before Tuesday"
    request = Dataset()
    request.RequestingPhysician, request.RequestedProcedureID = "Petrov^Ivan", "RP-990017"
    one.RequestAttributesSequence = Sequence([request])
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = one.SOPClassUID, f"{SERIES}.1"
    one.ReferencedImageSequence = Sequence([reference])
    block = one.private_block(0x0029, "ACME HEADER", create=True)
    block.add_new(0x01, "LO", "Okonkwo^Adaeze")


@dataclass
class Cleaned:
    """A source and its output."""

    source: Path
    out: Path

    @property
    def files(self) -> list[Path]:
        return sorted(self.out.rglob("*.dcm"))

    def check(self, **options: object) -> list[Finding]:
        return check_folder(self.out, self.source, **options)  # type: ignore[arg-type]

    def rules(self) -> set[tuple[str, str]]:
        """Give what is found, as (element, rule)."""
        return {(finding.element, finding.rule) for finding in self.check()}

    def change(self, change: Callable[[Dataset], None], number: int = 0) -> str:
        """Tamper with one output file; give its name."""
        path = self.files[number]
        with silent_pydicom():
            one = dcmread(path)
            change(one)
            one.save_as(path, enforce_file_format=False)
        return path.relative_to(self.out).as_posix()

    def change_bytes(self, change: Callable[[bytes], bytes]) -> None:
        """Tamper with the bytes of one output file."""
        self.files[0].write_bytes(change(self.files[0].read_bytes()))


def clean(source: Path, out: Path, profile: str = "standard") -> Cleaned:
    """De-identify a folder by the profile."""
    patients: dict[str, Deidentifier] = {}
    with silent_pydicom():
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            one = dcmread(path)
            who = patient_identity(one)
            patients.setdefault(who, Deidentifier(load_profile(profile), Pseudonyms(b"k" * 32, who)))
            made = patients[who].clean_instance(one)
            target = out / str(made.PatientID) / str(made.SeriesInstanceUID) / f"{made.SOPInstanceUID}.dcm"
            target.parent.mkdir(parents=True, exist_ok=True)
            made.save_as(target, enforce_file_format=True)
    return Cleaned(source, out)


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Cleaned:
    """Give four slices and their honest output; made once, so nobody may change it."""
    folder = tmp_path_factory.mktemp("honest")
    (folder / "in").mkdir()
    pixels = np.random.default_rng(5).integers(0, 4096, (4, 40, 36)).astype(np.uint16)
    with silent_pydicom():
        for number in range(4):
            one = draw_instance(number, pixels[number], ExplicitVRLittleEndian)
            identify(one, number)
            one.save_as(folder / "in" / f"IM{9 - number}", enforce_file_format=True)
    return clean(folder / "in", folder / "out")


@pytest.fixture
def cleaned(honest: Cleaned, tmp_path: Path) -> Cleaned:
    """Give four slices and a copy of their honest output to tamper with."""
    shutil.copytree(honest.out, tmp_path / "out")
    return Cleaned(honest.source, tmp_path / "out")
