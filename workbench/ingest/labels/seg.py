"""DICOM SEG (binary, fractional, label map) as regions of voxels on the grid of the series it was made on.

Runs in: ingest host
Source: DICOM PS3.3 2026c A.51 (segmentation), C.8.20.2 (segmentation image), C.8.20.3 (frames), C.8.20.4 (segments).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import UID

from workbench.errors import IngestRefused
from workbench.ingest.labels.fields import first_text, instances, whole_number
from workbench.ingest.labels.label_set import LabelledScan
from workbench.ingest.labels.layers import MOST_SEGMENTS, Piece, Region
from workbench.ingest.labels.names import Namer
from workbench.ingest.labels.placing import Place, off_the_grid, place_frame
from workbench.ingest.labels.seg_pixels import Stored, frames_of
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import PARSE_ERRORS

BITS = {"BINARY": (1, 8), "FRACTIONAL": (8,), "LABELMAP": (8, 16)}
FRACTION = "Voxels of a fractional segment belong to it from one half on."
Placed = list[tuple[int, Place]]


def read_segmentation(
    source: FileDataset, name: str, scan: LabelledScan, namer: Namer
) -> tuple[list[Region], list[str]] | Refusal:
    """Read a segmentation.

    Parameters
    ----------
    source : FileDataset
        The whole SEG instance.
    name : str
        Of the file, for a refusal.
    scan : LabelledScan
        The scan whose grid the segments are put on.
    namer : Namer
        Gives each segment a name that may be kept.

    Returns
    -------
    tuple or Refusal
        The segments in order of their numbers, and notes of what was decided.
    """
    kind = first_text(source, "SegmentationType")
    if kind not in BITS or whole_number(source, "BitsAllocated", 0) not in BITS[kind] or not _is_grey(source):
        reason = "its pixels are not a binary, fractional or label map segmentation of 1, 8 or 16 bits."
        return Refusal("unsupported-pixels", reason, (name,))
    described = {whole_number(item, "SegmentNumber"): item for item in source.get("SegmentSequence") or ()}
    if len(described) > MOST_SEGMENTS or len(source.get("SegmentSequence") or ()) != len(described):
        reason = f"it holds more than {MOST_SEGMENTS} segments, or two of the same number; split it or export it again."
        return Refusal("label-too-many", reason, (name,))
    if not scan.frame_of_reference or first_text(source, "FrameOfReferenceUID") != scan.frame_of_reference:
        reason = (
            "it lies in another frame of reference than the images, or in none, so its place in them is not known; "
            "export images and segmentation together."
        )
        return Refusal("label-frame-of-reference", reason, (name,))
    try:
        placed = _place_frames(source, kind, set(described), scan)
    except IngestRefused as problem:
        reason = (
            f"{problem.message}, so it cannot be put on them without changing it; resample it onto the images first."
        )
        return Refusal(problem.code, reason, (name,))
    if isinstance(placed, str):
        return Refusal("label-frames", placed, (name,))
    pieces = _pieces(source, kind, placed, name, scan)
    if isinstance(pieces, Refusal):
        return pieces
    if set(pieces) - set(described):
        return Refusal("label-frames", "it holds pixels of a segment that it does not describe.", (name,))
    background = _background(source) if kind == "LABELMAP" else None
    regions = [
        _region(item, pieces.get(number, []), number, namer)
        for number, item in sorted(described.items())
        if number != background
    ]
    return regions, [FRACTION] if kind == "FRACTIONAL" else []


def referenced_series(source: Dataset) -> list[tuple[str, tuple[str, ...]]]:
    """Give the (series UID, instance UIDs) that a segmentation says it was made on."""
    return [
        (first_text(series, "SeriesInstanceUID"), instances(series.get("ReferencedInstanceSequence")))
        for series in source.get("ReferencedSeriesSequence") or ()
    ]


def _place_frames(source: FileDataset, kind: str, described: set[int], scan: LabelledScan) -> Placed | str:
    """Give segment number (0 in a label map) and place of each frame, or what is wrong with them."""
    size = whole_number(source, "Rows", 0), whole_number(source, "Columns", 0)
    shared = (source.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    groups = list(source.get("PerFrameFunctionalGroupsSequence") or ())
    if len(groups) != whole_number(source, "NumberOfFrames", 1) or min(size) < 1:
        return "the number of its frames is not that of their descriptions; export it again."
    placed: Placed = []
    for own in groups:
        segment = 0
        if kind != "LABELMAP":
            about = own.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
            segment = whole_number(about[0], "ReferencedSegmentNumber") if about else -1
            if segment not in described:
                return "a frame belongs to a segment that the file does not describe; export it again."
        placed.append((segment, place_frame(shared, own, size, scan)))
    if len({place.layout for _, place in placed}) > 1:
        raise off_the_grid("its frames do not lie behind each other")
    if len(set(placed)) != len(placed):
        return "two frames show the same segment in the same place; export it again."
    return placed


def _pieces(
    source: FileDataset, kind: str, placed: Placed, name: str, scan: LabelledScan
) -> dict[int, list[Piece]] | Refusal:
    """Decode the frames and give the pieces of each segment."""
    found: dict[int, list[Piece]] = {}
    size = whole_number(source, "Rows", 0), whole_number(source, "Columns", 0)
    try:
        decoded = 0
        frames = frames_of(source, len(placed), size)
        for (segment, place), stored in zip(placed, frames, strict=True):
            decoded += 1
            for number, inside in _masks(source, kind, segment, stored):
                piece = place.piece(inside)
                if piece is None:
                    continue
                if not 0 <= place.first[place.across] < scan.grid.shape[place.across]:
                    reason = "it marks voxels above or below the images; add the missing slices."
                    return Refusal("label-outside", reason, (name,))
                found.setdefault(number, []).append(piece)
    except (*PARSE_ERRORS, RuntimeError, ImportError) as problem:
        syntax = UID(str(source.file_meta.get("TransferSyntaxUID") or "")).name
        reason = f"its pixels ({syntax}) cannot be decoded ({type(problem).__name__})."
        return Refusal("undecodable", reason, (name,))
    return found


def _masks(source: Dataset, kind: str, segment: int, stored: Stored) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Give (segment, which pixels belong to it) of one frame."""
    if kind == "BINARY":
        yield segment, stored > 0
    elif kind == "FRACTIONAL":
        whole = whole_number(source, "MaximumFractionalValue", 255)
        yield segment, stored.astype(np.uint32) * 2 >= whole
    else:
        background = _background(source)
        for value in np.unique(stored).tolist():
            if value != background:
                yield value, stored == value


def _region(item: Dataset, pieces: list[Piece], number: int, namer: Namer) -> Region:
    code = namer.code(item.get("SegmentedPropertyTypeCodeSequence"))
    return Region(namer.name(first_text(item, "SegmentLabel"), number, code), code, tuple(pieces))


def _background(source: Dataset) -> int:
    return whole_number(source, "PixelPaddingValue", 0)


def _is_grey(source: Dataset) -> bool:
    return whole_number(source, "SamplesPerPixel", 1) == 1 and whole_number(source, "PixelRepresentation", 0) == 0
