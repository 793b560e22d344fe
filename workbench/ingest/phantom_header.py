"""The header of a phantom's CT series: everything that is the same in all its slices.

Runs in: ingest host
Source: DICOM PS3.3 2026c A.3 (CT Image IOD), C.7.1.1 (Patient), C.7.2.1 (General Study), C.8.2.1 (CT Image).
"""

from __future__ import annotations

import hashlib

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, CTImageStorage

from workbench.imaging.phantom import Phantom
from workbench.imaging.phantom_patient import Identity, Patient

INSTITUTION = "Lindenallee Chest Clinic"


def private_uid(*parts: str) -> UID:
    """Give a UID that depends on nothing but `parts`, under the root for derived UUIDs (PS3.5 B.2).

    >>> private_uid("a") == private_uid("a"), private_uid("a").startswith("2.25.")
    (True, True)
    """
    return UID(f"2.25.{int.from_bytes(hashlib.sha256('/'.join(parts).encode()).digest()[:16], 'big')}")


def describe_series(phantom: Phantom) -> Dataset:
    """Give the dataset that all slices of a phantom share."""
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.SOPClassUID = CTImageStorage
    header.Modality = "CT"
    _describe_patient(header, phantom.identity, phantom.patient)
    _describe_study(header, phantom.identity, f"phantom-{phantom.seed}-{phantom.hu.shape[1]}")
    _describe_scanner(header, phantom.identity, phantom.patient)
    _describe_pixels(header, phantom)
    _describe_request(header, phantom.identity)
    _add_private_block(header, phantom.identity)
    return header


def _describe_patient(header: Dataset, who: Identity, patient: Patient) -> None:
    header.PatientName = who.name
    header.PatientID = who.patient_id
    header.IssuerOfPatientID = INSTITUTION
    header.PatientBirthDate = who.birth_date
    header.PatientSex = who.sex
    header.PatientAge = f"{who.age:03d}Y"
    header.PatientSize = f"{1.66 * patient.size:.2f}"
    header.PatientWeight = f"{52 * patient.size**3 + 1.3 * patient.fat_mm:.0f}"
    header.PatientAddress = who.address
    header.PatientTelephoneNumbers = who.telephone
    header.PatientMotherBirthName = who.mother
    header.OtherPatientNames = f"{who.mother}^{who.name.split('^')[1]}"
    header.EthnicGroup = "not recorded"
    header.Occupation = "baker"
    header.AdditionalPatientHistory = (
        f"{_spoken(who)}, smoker, seen by {_spoken_name(who.referring)} on {who.study_date}."
    )
    header.PatientComments = f"Please call {_spoken_name(who.name)} at {who.telephone} with the result."
    other = Dataset()
    other.PatientID = f"INS-{who.patient_id[4:]}"
    other.IssuerOfPatientID = "Health insurance"
    other.TypeOfPatientID = "TEXT"
    header.OtherPatientIDsSequence = Sequence([other])


def _spoken_name(name: str) -> str:
    parts = name.split("^")
    return f"{parts[1]} {parts[0]}"


def _spoken(who: Identity) -> str:
    return f"{'Mrs' if who.sex == 'F' else 'Mr'} {_spoken_name(who.name)}, {who.age} years, of {who.address}"


def _describe_study(header: Dataset, who: Identity, name: str) -> None:
    header.StudyInstanceUID = private_uid(name, "study")
    header.SeriesInstanceUID = private_uid(name, "series")
    header.FrameOfReferenceUID = private_uid(name, "frame")
    header.PositionReferenceIndicator = "SN"
    header.StudyID = who.accession[-4:]
    header.SeriesNumber = 3
    header.AcquisitionNumber = 1
    header.AccessionNumber = who.accession
    header.StudyDate = header.SeriesDate = header.AcquisitionDate = header.ContentDate = who.study_date
    header.StudyTime = who.study_time
    header.SeriesTime = who.study_time
    header.StudyDescription = "CT chest low dose"
    header.SeriesDescription = "Chest axial lung"
    header.ProtocolName = f"Chest screening {_spoken_name(who.name)}"
    header.ReferringPhysicianName = who.referring
    header.ReferringPhysicianAddress = f"2 {who.address.split(' ', 1)[1]}"
    header.ReferringPhysicianTelephoneNumbers = who.telephone[::-1]
    header.NameOfPhysiciansReadingStudy = who.reading
    header.PerformingPhysicianName = who.reading
    header.OperatorsName = who.operator
    header.ImageComments = f"{_spoken_name(who.name)} could hold the breath. Compare with {who.accession}."


def _describe_scanner(header: Dataset, who: Identity, patient: Patient) -> None:
    header.Manufacturer = "Phantom Imaging"
    header.ManufacturerModelName = "Digital Chest 64"
    header.InstitutionName = INSTITUTION
    header.InstitutionAddress = f"1 {who.address.split(' ', 1)[1]}"
    header.InstitutionalDepartmentName = "Radiology"
    header.StationName = "CT-LINDEN-2"
    header.DeviceSerialNumber = "SN-48213"
    header.SoftwareVersions = "1.0"
    header.KVP = "120"
    header.XRayTubeCurrent = round(9000 / patient.noise_hu)
    header.ExposureTime = 500
    header.Exposure = round(4500 / patient.noise_hu)
    header.ConvolutionKernel = f"P{30 + round(40 * patient.sharpness)}"
    header.ScanOptions = "HELICAL"
    header.BodyPartExamined = "CHEST"
    header.PatientPosition = "HFS"
    header.GantryDetectorTilt = "0"
    header.TableHeight = "152.5"
    header.RotationDirection = "CW"
    header.SliceThickness = f"{patient.slice_mm:.4f}"
    header.SpacingBetweenSlices = f"{patient.slice_mm:.4f}"
    if patient.blood_hu > 60:
        header.ContrastBolusAgent = "Iodine 350"
        header.ContrastBolusVolume = "80"


def _describe_pixels(header: Dataset, phantom: Phantom) -> None:
    _, rows, columns = phantom.hu.shape
    header.Rows, header.Columns = rows, columns
    header.PixelSpacing = [f"{phantom.geometry.spacing_mm[1]:.4f}", f"{phantom.geometry.spacing_mm[2]:.4f}"]
    header.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    header.ReconstructionDiameter = f"{phantom.geometry.spacing_mm[1] * rows:.2f}"
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = "-1024", "1", "HU"
    header.WindowCenter, header.WindowWidth = ["-600", "40"], ["1500", "400"]
    header.WindowCenterWidthExplanation = ["LUNG", "MEDIASTINUM"]
    header.BurnedInAnnotation = "NO"
    header.LossyImageCompression = "00"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _describe_request(header: Dataset, who: Identity) -> None:
    """Nest names two sequences deep, where tools that only look at the top level leave them."""
    requester = Dataset()
    requester.PersonIdentificationCodeSequence = Sequence([_code("R-77", "99LINDEN", _spoken_name(who.referring))])
    requester.PersonAddress = who.address
    requester.PersonTelephoneNumbers = who.telephone
    requester.InstitutionName = INSTITUTION
    request = Dataset()
    request.AccessionNumber = who.accession
    request.RequestedProcedureID = who.accession[3:]
    request.RequestedProcedureDescription = f"Chest CT for {_spoken_name(who.name)}"
    request.ReasonForTheRequestedProcedure = f"Nodule? Born {who.birth_date}, {who.address}"
    request.ScheduledProcedureStepID = who.accession[-3:]
    request.RequestingPhysician = who.referring
    header.RequestAttributesSequence = Sequence([request])
    header.ReferringPhysicianIdentificationSequence = Sequence([requester])
    study = Dataset()
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    study.ReferencedSOPInstanceUID = private_uid(who.accession, "study-management")
    header.ReferencedStudySequence = Sequence([study])
    header.ProcedureCodeSequence = Sequence([_code("24627-2", "LN", "CT Chest")])
    header.PerformedProcedureStepStartDate = who.study_date
    header.PerformedProcedureStepStartTime = who.study_time
    header.PerformedProcedureStepID = who.accession[3:]
    header.PerformedProcedureStepDescription = "CT chest"
    header.RequestingPhysician = who.referring


def _add_private_block(header: Dataset, who: Identity) -> None:
    block = header.private_block(0x0029, "PHANTOM IMAGING HEADER", create=True)
    block.add_new(0x01, "LO", who.name)
    block.add_new(0x02, "UN", f"name={who.name};id={who.patient_id};born={who.birth_date}".encode())
    inner = Dataset()
    inner.PatientName = who.name
    inner.add_new(0x00104000, "LT", f"Mother's name {who.mother}")
    block.add_new(0x03, "SQ", Sequence([inner]))
