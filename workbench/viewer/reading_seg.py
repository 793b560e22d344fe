"""A DICOM segmentation as label sets on the grid of a scan, voxel for voxel.

Runs in: kernel
Source: DICOM PS3.3 2026c C.8.20.2 (segmentation image), C.8.20.3 (frames), C.8.20.4 (segments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.dicom_source import DAMAGE, is_of_another
from workbench.viewer.mark_set import LARGEST_VALUE, LabelSet, Marks
from workbench.viewer.shown_volume import ShownVolume

# How far a frame may lie from the scan's voxels, in voxels: what decimals of positions leave.
TOLERANCE = 0.02
KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")

Frame = tuple[int, int, NDArray[Any]]


def read_seg(path: Path, scan: ShownVolume) -> Marks:
    """Give the segments of a file as label sets; more than one where segments overlap.

    Raises
    ------
    InvalidInput
        When it was made on another scan or grid, or its frames cannot be read.
    """
    try:
        made = dcmread(path)
        if is_of_another(made, scan):
            raise InvalidInput(f"{path.name} was made on another scan, or on another version of {scan.title}.")
        values, names = _numbered(made)
        sets = _laid(_frames(made, scan.geometry, path.name), values, scan.geometry)
    except DAMAGE:
        raise InvalidInput(f"{path.name} is a damaged segmentation, or one of a form that cannot be read.") from None
    titles = [path.stem if len(sets) == 1 else f"{path.stem} {number}" for number in range(1, len(sets) + 1)]
    return Marks(
        labels=tuple(
            LabelSet(title, array, {value: names[value] for value in sorted(present)})
            for title, (array, present) in zip(titles, sets, strict=True)
        )
    )


def _numbered(made: Dataset) -> tuple[dict[int, int], dict[int, str]]:
    """Give the value of each segment number, and the name of each value.

    Segments that were numbered regions of a label set get their number again, others keep that of the segment, or take
    the lowest that is free.
    """
    items = {int(item.SegmentNumber): item for item in made.SegmentSequence}
    told = {
        number: re.fullmatch(r"value (\d+)", str(item.get("SegmentDescription", ""))) for number, item in items.items()
    }
    values: dict[int, int] = {}
    for number, match in told.items():
        value = int(match[1]) if match else 0
        if 0 < value <= LARGEST_VALUE and value not in values.values():
            values[number] = value
    used, free = set(values.values()), 1
    for number in items:
        if number not in values and number > 0:
            while free in used:
                free += 1
            values[number] = number if number not in used else free
            used.add(values[number])
    return values, {
        value: str(items[number].get("SegmentLabel", f"segment {number}")) for number, value in values.items()
    }


def _frames(made: Dataset, geometry: Geometry, name: str) -> Iterator[Frame]:
    """Give segment number (0: the pixels hold it), slice and pixels of each frame."""
    kind = str(made.SegmentationType)
    if kind not in KINDS:
        raise InvalidInput(f"{name} is a segmentation of type {kind}, which is not known.")
    pixels = made.pixel_array.reshape(-1, made.Rows, made.Columns)
    if kind == "FRACTIONAL":
        # A voxel belongs to a segment from one half on.
        pixels = pixels * 2 >= int(made.MaximumFractionalValue)
    shared = (made.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    for own, frame in zip(made.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        at = _slice_of(_merged(shared, own), frame.shape, geometry, name)
        number = 0
        if kind != "LABELMAP":
            number = int(_group(shared, own, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        yield number, at, frame


def _merged(shared: Dataset, own: Dataset) -> Mapping[str, Any]:
    measures = _group(shared, own, "PixelMeasuresSequence")
    return {
        "position": np.array(_group(shared, own, "PlanePositionSequence").ImagePositionPatient, dtype=float),
        "orientation": np.array(_group(shared, own, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float),
        "spacing": np.array(measures.PixelSpacing, dtype=float),
    }


def _group(shared: Dataset, own: Dataset, keyword: str) -> Dataset:
    found: Dataset = (own.get(keyword) or shared[keyword])[0]
    return found


def _slice_of(place: Mapping[str, Any], shape: tuple[int, ...], geometry: Geometry, name: str) -> int:
    """Give the slice a frame lies on, when its first and last pixels are the slice's."""
    rows, columns = shape
    along, down = place["orientation"][:3], place["orientation"][3:]
    first = place["position"]
    last = first + along * (columns - 1) * place["spacing"][1] + down * (rows - 1) * place["spacing"][0]
    found = geometry.to_index(np.stack([first, last]))
    z = round(float(found[0, 0]))
    wanted = np.array([[z, 0, 0], [z, rows - 1, columns - 1]])
    if shape != geometry.shape[1:] or not 0 <= z < geometry.shape[0] or np.abs(found - wanted).max() > TOLERANCE:
        raise InvalidInput(
            f"{name} lies on another grid than the scan ({rows} × {columns} pixels at "
            f"({', '.join(f'{mm:.1f}' for mm in first)}) mm); resample it onto the scan first."
        )
    return z


def _laid(
    frames: Iterator[Frame], values: Mapping[int, int], geometry: Geometry
) -> list[tuple[NDArray[np.uint16], set[int]]]:
    """Put frames into as few arrays as their overlaps allow."""
    sets: list[tuple[NDArray[np.uint16], set[int]]] = []
    homes: dict[int, int] = {}
    by_segment: dict[int, list[tuple[int, NDArray[np.bool_]]]] = {}
    for number, at, pixels in frames:
        for one in [number] if number else [int(n) for n in np.unique(pixels) if n]:
            by_segment.setdefault(one, []).append((at, pixels == one if not number else pixels > 0))
    for number, parts in sorted(by_segment.items()):
        fits = (n for n, (array, _) in enumerate(sets) if not any(array[at][inside].any() for at, inside in parts))
        home = homes.setdefault(number, next(fits, len(sets)))
        if home == len(sets):
            sets.append((np.zeros(geometry.shape, dtype=np.uint16), set()))
        array, present = sets[home]
        for at, inside in parts:
            array[at][inside] = values[number]
        present.add(values[number])
    return sets
