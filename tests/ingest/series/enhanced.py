"""Put drawn slices into one enhanced multi-frame file, frames in another order than they lie in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, EnhancedCTImageStorage

Change = Callable[[Dataset, int], None]
OF_ONE_SLICE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept")


def item(**elements: Any) -> Sequence:
    """Give a sequence of one item."""
    one = Dataset()
    for keyword, value in elements.items():
        setattr(one, keyword, value)
    return Sequence([one])


def describe(frame: FileDataset, position: int) -> Dataset:
    """Give the functional groups of one frame."""
    groups = Dataset()
    groups.PlanePositionSequence = item(ImagePositionPatient=frame.ImagePositionPatient)
    groups.FrameContentSequence = item(StackID="1", InStackPositionNumber=position + 1)
    groups.PixelValueTransformationSequence = item(
        RescaleSlope=frame.RescaleSlope, RescaleIntercept=frame.RescaleIntercept, RescaleType="HU"
    )
    return groups


def join(files: list[Path], target: Path, *, change: Change | None = None, sop_class: str = "") -> Path:
    """Write one multi-frame file of many slices and remove these; `change(groups, number)` spoils single frames."""
    slices = [dcmread(file) for file in files]
    order = np.random.default_rng(9).permutation(len(slices))
    whole = dcmread(files[0])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = UID(sop_class or EnhancedCTImageStorage)
    shared = Dataset()
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=whole.ImageOrientationPatient)
    shared.PixelMeasuresSequence = item(PixelSpacing=whole.PixelSpacing, SliceThickness="3")
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = [describe(slices[number], int(number)) for number in order]
    for number, one in zip(order, groups, strict=True):
        if change is not None:
            change(one, int(number))
    whole.PerFrameFunctionalGroupsSequence = Sequence(groups)
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(whole, keyword)
    whole.NumberOfFrames = len(slices)
    whole.PixelData = b"".join(slices[number].PixelData for number in order)
    for file in files:
        file.unlink()
    whole.save_as(target, enforce_file_format=True)
    return target
