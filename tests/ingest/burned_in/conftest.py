"""Pictures with text drawn here, as DICOM of every kind that may carry it."""

from __future__ import annotations

import shutil
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from workbench.ingest.burned_in import Box
from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms

NAME, PLACE = "KAUFMAN SCOTT", (20, 30)


def draw_text(picture: NDArray[np.uint8], text: str, place: tuple[int, int], *, ink: int = 255, size: int = 18) -> Any:
    """Draw text (row, column of its corner) and give the picture and the box of the ink."""
    image = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    draw.text((place[1] - left, place[0] - top), text, fill=ink, font=font)
    return np.asarray(image), (place[0], place[1], place[0] + int(bottom - top), place[1] + int(right - left))


def draw_tissue(seed: int = 3, shape: tuple[int, int] = (192, 256)) -> NDArray[np.uint8]:
    """Give a smooth picture like soft tissue, 60 to 160."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 9)
    return np.asarray(110 + 50 * np.clip(smooth / smooth.std() / 2, -1, 1), np.uint8)


def make_capture(pixels: NDArray[Any], **changes: Any) -> FileDataset:
    """Give a secondary capture of pixels (row, column), (frame, row, column) or (row, column, 3)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = SecondaryCaptureImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.5")
    one = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta, is_implicit_VR=False, is_little_endian=True)
    one.SOPClassUID, one.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3.4.5"
    one.StudyInstanceUID, one.SeriesInstanceUID = "1.2.3.4", "1.2.3"
    one.PatientID, one.PatientName, one.Modality = "MRN-5550199", "Kaufman^Scott", "OT"
    colours = 3 if pixels.shape[-1] == 3 else 1
    frames = pixels.shape[: pixels.ndim - (3 if colours == 3 else 2)]
    if frames:
        one.NumberOfFrames = frames[0]
    one.Rows, one.Columns = pixels.shape[len(frames) : len(frames) + 2]
    one.SamplesPerPixel, one.PhotometricInterpretation = colours, "RGB" if colours == 3 else "MONOCHROME2"
    if colours == 3:
        one.PlanarConfiguration = 0
    one.BitsAllocated = one.BitsStored = 8 * pixels.itemsize
    one.HighBit, one.PixelRepresentation = one.BitsStored - 1, int(pixels.dtype.kind == "i")
    one.PixelData = pixels.tobytes()
    for name, value in changes.items():
        setattr(one, name, value)
    for element in one:
        element.VR = {"US or SS": "US", "US or OW": "OW"}.get(element.VR, element.VR)
    stream = BytesIO()
    one.save_as(stream, enforce_file_format=True)
    return dcmread(BytesIO(stream.getvalue()))


@pytest.fixture
def write() -> Any:
    """Give the function that draws text."""
    return draw_text


@pytest.fixture
def tissue() -> Any:
    """Give the function that draws a smooth picture."""
    return draw_tissue


@pytest.fixture
def capture() -> Any:
    """Give the function that makes a secondary capture."""
    return make_capture


@pytest.fixture
def named() -> tuple[NDArray[np.uint8], Box]:
    """Give a picture with a name in it, and the name's box."""
    picture, box = draw_text(draw_tissue(), NAME, PLACE)
    return picture, Box(*box)


@pytest.fixture
def cleaner() -> Deidentifier:
    """Give the cleaner of the patient of every capture."""
    return Deidentifier(load_profile(), Pseudonyms(b"k" * 32, "MRN-5550199"))


@pytest.fixture(autouse=True)
def _needs_tesseract() -> None:
    if shutil.which("tesseract") is None:
        pytest.skip("Tesseract is not installed; `apt-get install tesseract-ocr`")
