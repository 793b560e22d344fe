"""Chest-CT phantoms written as a scanner would send them: DICOM CT series full of invented identities.

Names, numbers, dates, addresses and free text stand wherever real scanners and archives leave them — in ordinary
elements, nested sequences and private blocks — so that de-identification has real work to do. Nobody's data is in here.

Runs in: ingest host
Source: DICOM PS3.3 2026c A.3 (CT Image IOD); PS3.10 (file format).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from workbench.errors import InvalidInput
from workbench.imaging.phantom import Phantom
from workbench.ingest.phantom_header import describe_series, private_uid

SPLITS = (("train", 24), ("validation", 8), ("public_test", 8), ("final_test", 8))
RESCALE_INTERCEPT = -1024


def phantom_plan(seed: int) -> list[tuple[str, int]]:
    """Give the demo's scans as (split, phantom seed): 24 train, 8 validation, 8 public_test, 8 final_test.

    Parameters
    ----------
    seed : int
        The demo's own seed, 0 or more; different seeds share no phantom.

    Raises
    ------
    InvalidInput
        When the seed is negative.

    Examples
    --------
    >>> len(phantom_plan(0)), phantom_plan(0)[0]
    (48, ('train', 0))
    """
    if seed < 0:
        raise InvalidInput(f"The seed of a plan is a whole number from 0 on, not {seed}.")
    splits = [split for split, count in SPLITS for _ in range(count)]
    return [(split, 1000 * seed + number) for number, split in enumerate(splits)]


def write_series(phantom: Phantom, folder: Path) -> Path:
    """Write a phantom as one DICOM file per slice, explicit little endian, under shuffled names.

    Parameters
    ----------
    phantom : Phantom
    folder : Path
        Made if missing. The files come into a new folder in it, named by the patient's number as archives do.

    Returns
    -------
    Path
        The folder of the series.

    Raises
    ------
    InvalidInput
        When that folder already holds something: a series is never mixed with other files.
    """
    target = Path(folder) / phantom.identity.patient_id / "CT"
    if target.exists() and any(target.iterdir()):
        raise InvalidInput(
            f"{target.name} in the given folder already holds files; write the phantom to an empty folder."
        )
    target.mkdir(parents=True, exist_ok=True)
    series = describe_series(phantom)
    template = _Template(series, _slice_elements(series, phantom, 0))
    names = np.random.default_rng((phantom.seed, 9)).permutation(len(phantom.hu))
    for k, name in enumerate(names):
        (target / f"IM{int(name) + 1:06d}.dcm").write_bytes(template.fill(_slice_elements(series, phantom, k)))
    return target


class _Template:
    """A series' header encoded once, with gaps for the elements that differ from slice to slice."""

    def __init__(self, series: Dataset, varying: Dataset) -> None:
        self.pieces: list[bytes] = []
        block = Dataset()
        for tag in sorted({*series.keys(), *varying.keys()}):
            if tag in varying:
                self.pieces.append(_encoded(block))
                block = Dataset()
            else:
                block[tag] = series[tag]
        self.pieces.append(_encoded(block))

    def fill(self, varying: Dataset) -> bytes:
        """Give the whole file of one slice."""
        head = DicomBytesIO()
        write_file_meta_info(head, _file_meta(varying.SOPInstanceUID))
        parts = [b"\0" * 128 + b"DICM", head.getvalue(), self.pieces[0]]
        for tag, piece in zip(sorted(varying.keys()), self.pieces[1:], strict=True):
            one = Dataset()
            one[tag] = varying[tag]
            parts += [_encoded(one), piece]
        return b"".join(parts)


def _encoded(elements: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, elements, "utf-8")
    return buffer.getvalue()


def _file_meta(instance: UID) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPInstanceUID = instance
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = private_uid("implementation")
    meta.ImplementationVersionName = "AI4H_PHANTOM_1"
    meta.SourceApplicationEntityTitle = "CT_LINDENALLEE"
    return meta


def _slice_elements(series: Dataset, phantom: Phantom, k: int) -> Dataset:
    """Give what differs from slice to slice."""
    x, y, z = (float(value) for value in phantom.geometry.to_patient_mm(np.array([k, 0, 0])))
    one = Dataset()
    one.SOPInstanceUID = private_uid(series.SeriesInstanceUID, str(k))
    one.InstanceNumber = len(phantom.hu) - k
    one.ImagePositionPatient = [f"{x:.4f}", f"{y:.4f}", f"{z:.4f}"]
    one.SliceLocation = f"{z:.4f}"
    who = phantom.identity
    start = datetime.strptime(who.study_date + who.study_time, "%Y%m%d%H%M%S")
    moment = start + timedelta(seconds=90 + 0.35 * one.InstanceNumber)
    one.AcquisitionTime = one.ContentTime = f"{moment:%H%M%S.%f}"
    one.AcquisitionDateTime = f"{moment:%Y%m%d%H%M%S.%f}"
    pixels = (phantom.hu[k] - RESCALE_INTERCEPT).astype("<u2")
    one.SmallestImagePixelValue, one.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
    one.add_new(0x7FE00010, "OW", pixels.tobytes())
    return one
