"""Small CT series drawn here, and a line that records what would reach the gateway."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from workbench.errors import GatewayUnavailable
from workbench.ingest.silence import silent_pydicom

sys.path.insert(0, str(Path(__file__).parent))
from desks import desk

__all__ = ["desk"]

SERIES = "1.2.826.0.1.3680043.8.498.7"
STEP_MM, FIRST_MM = 2.5, -310.25
Change = Callable[[FileDataset, int], None]


@dataclass
class Drawn:
    """A series on disk and what it was drawn from."""

    folder: Path
    hu: NDArray[np.int16]
    files: list[Path] = field(default_factory=list)


def draw_instance(number: int, pixels: NDArray[np.uint16], syntax: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, UID(syntax)
    meta.MediaStorageSOPInstanceUID = UID(f"{SERIES}.{number + 1}")
    one = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    one.set_original_encoding(None, None)  # the transfer syntax alone says how it is written
    one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, f"{SERIES}.{number + 1}"
    one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = f"{SERIES}.0.1", SERIES, f"{SERIES}.0.2"
    one.PatientID, one.PatientName, one.PatientBirthDate = "MRN-5550199", "Okonkwo^Adaeze", "19610412"
    one.StudyDate, one.Modality, one.ImageType = "20190523", "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    one.Manufacturer, one.ConvolutionKernel, one.KVP, one.SliceThickness = "SIEMENS", "B40f", "120", "3"
    one.InstanceNumber, one.PatientPosition = number + 1, "HFS"
    one.ImagePositionPatient = [-160.5, -171.25, FIRST_MM + number * STEP_MM]
    one.ImageOrientationPatient, one.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.75, 0.625]
    one.Rows, one.Columns = pixels.shape
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.RescaleIntercept, one.RescaleSlope = -1024, 1
    one.PixelData = pixels.astype("<u2").tobytes()
    return one


@pytest.fixture
def draw_series(tmp_path: Path) -> Callable[..., Drawn]:
    """Give a function that writes a CT series; `change(instance, number)` spoils single instances."""

    def draw(
        name: str = "in", *, count: int = 6, change: Change | None = None, implicit: bool = False, **shape: int
    ) -> Drawn:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        rows, columns = shape.get("rows", 40), shape.get("columns", 36)
        stored = np.random.default_rng(5).integers(0, 4096, (count, rows, columns)).astype(np.uint16)
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        drawn = Drawn(folder, (stored.astype(np.int32) - 1024).astype(np.int16))
        with silent_pydicom():
            for number in range(count):
                one = draw_instance(number, stored[number], syntax)
                if change is not None:
                    change(one, number)
                # Names that sort against the positions: order must come from the headers.
                drawn.files.append(folder / f"IM{(count - number) * 7 % 97:03d}")
                one.save_as(drawn.files[-1], enforce_file_format=True)
        return drawn

    return draw


@dataclass
class RecordingLine:
    """Stands where the gateway's line is, and keeps what was sent."""

    known: dict[str, dict[str, str]] = field(default_factory=lambda: {"subjects": {}, "scans": {}})
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    committed: dict[str, Any] | None = None
    is_dropped: bool = False
    fails_after: int | None = None

    def post(self, url: str, value: Any) -> Any:
        self.asked.append(value)
        if url == "/v1/ingests":
            start = {"next_subject": len(self.known["subjects"]) + 1, "next_scan": len(self.known["scans"]) + 1}
            return {"ingest": "I1", "known": self.known, **start}
        if url.endswith("/scans"):
            return {"ingest": "I1", "scan": value["scan"]}
        self.committed = value
        return {"dataset": "d", "version": "0" * 64, "scans": len(value["scans"]), "subjects": 1, "status": "waiting"}

    def request(self, method: str, url: str, *, body: bytes, headers: dict[str, str]) -> None:
        if self.fails_after is not None and len(self.objects) >= self.fails_after:
            raise GatewayUnavailable("The gateway does not answer; try again.")
        self.objects[url] = body

    def delete(self, url: str) -> Any:
        self.is_dropped = True
        return {}

    def everything(self) -> bytes:
        """Give every byte that was sent, addresses included."""
        sent = [url.encode() + body for url, body in self.objects.items()]
        return b"".join([*sent, json.dumps(self.asked, ensure_ascii=False).encode()])


@pytest.fixture
def line() -> RecordingLine:
    """Give a line that records."""
    return RecordingLine()
