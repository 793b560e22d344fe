"""Contours, labels and boxes as a DICOM segmentation on the grid of their scan.

Runs in: kernel
Source: DICOM PS3.3 2026c A.51 and C.8.20 (segmentation); PS3.16 2026c CID 7150 (property category Tissue).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench import __version__
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.contours import contour_labels, contours_to_mask
from workbench.viewer.dicom_source import MANUFACTURER, MODEL, finish, plain_text, scan_uid, source_images
from workbench.viewer.mark_set import Marks
from workbench.viewer.marks import BoxMark
from workbench.viewer.palette import colour
from workbench.viewer.shown_volume import ShownVolume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# What a numbered region of a label set is described by, so that reading gives it the same number again.
NUMBERED = "value {}"
MOST_SEGMENTS = 65_535
# Overlapping segments need an array each while they are written.
MOST_BYTES = 2_000_000_000


@dataclass(frozen=True, eq=False)
class Segment:
    """One region: its name, the number it had in its label set (0: none), and where its voxels are.

    They are those of `voxels` that equal `equals`, so that the regions of a label set share its array.
    """

    name: str
    value: int
    voxels: NDArray[Any]
    equals: int = 1

    def mask(self, span: slice) -> NDArray[np.bool_]:
        """Give its voxels in some slices."""
        inside: NDArray[np.bool_] = self.voxels[span] == self.equals
        return inside


def write_seg(marks: Marks, scan: ShownVolume, draft: Path, *, boxes_as_masks: bool = False) -> None:
    """Write the voxels of contours, labels and (if asked for) boxes.

    Raises
    ------
    InvalidInput
        When no voxel is marked, or overlapping regions need more memory than there should be.
    """
    make_seg(marks, scan, boxes_as_masks=boxes_as_masks).save_as(draft)


def make_seg(marks: Marks, scan: ShownVolume, *, boxes_as_masks: bool = False) -> Dataset:
    """Give the segmentation as highdicom makes it."""
    from highdicom import seg  # noqa: PLC0415 - heavy, loaded on first use

    named, pixels, slices = _collect(list(_regions(marks, scan.geometry, boxes_as_masks)), scan.geometry)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    told = [part for name, value in named for part in (name, str(value))]
    words = scan_uid(scan, "seg", digest, str(slices[0]), *told)
    made = seg.Segmentation(
        source_images=source_images(scan, slices), pixel_array=pixels,
        segmentation_type=seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(n, name, value) for n, (name, value) in enumerate(named, 1)],
        series_instance_uid=scan_uid(scan, "seg-series"), series_number=1001, sop_instance_uid=words,
        instance_number=1, manufacturer=MANUFACTURER, manufacturer_model_name=MODEL, software_versions=__version__,
        device_serial_number="0", content_label="MARKS", content_description="Regions marked in the CT viewer",
        content_creator_name="Reader^Anonymous",
    )  # fmt: skip
    organization = scan_uid(scan, "seg-dimensions", words)
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    finish(made)
    result: Dataset = made
    return result


def _regions(marks: Marks, geometry: Geometry, boxes_as_masks: bool) -> Iterator[Segment]:
    for labels in marks.labels:
        values = labels.read(geometry)
        for value in np.flatnonzero(np.bincount(values.ravel())[1:]) + 1:
            yield Segment(labels.name(int(value)), int(value), values, int(value))
    for label in contour_labels(marks.contours):
        yield Segment(label, 0, contours_to_mask(marks.contours, geometry, label))
    for number, box in enumerate(marks.boxes if boxes_as_masks else (), 1):
        yield Segment(box.label or f"box {number}", 0, box_to_mask(box, geometry))


def box_to_mask(box: BoxMark, geometry: Geometry) -> NDArray[np.bool_]:
    """Give the voxels whose centres lie in a box, bool, shape (z, y, x)."""
    mask = np.zeros(geometry.shape, dtype=np.bool_)
    low, high = box.index_limits(geometry)
    # A millionth of a voxel is noise of the arithmetic; a centre on the low side is in, on the high side out.
    first = np.maximum(np.ceil(low - 1e-6), 0).astype(int)
    last = np.minimum(np.ceil(high - 1e-6), geometry.shape).astype(int)
    mask[tuple(slice(a, max(a, b)) for a, b in zip(first, last, strict=True))] = True
    return mask


def _collect(
    regions: Sequence[Segment], geometry: Geometry
) -> tuple[list[tuple[str, int]], NDArray[np.uint8] | NDArray[np.uint16], list[int]]:
    """Give names and numbers of the segments, their pixels, and the slices that hold any.

    Where no two regions share a voxel, the pixels hold the segment's number, shape (slices, rows, columns); otherwise
    each has an array of its own, shape (slices, rows, columns, segments).
    """
    arrays = {id(region.voxels): region.voxels for region in regions}
    touched = np.flatnonzero(np.logical_or.reduce([array.any(axis=(1, 2)) for array in arrays.values()], axis=0))
    span = slice(int(touched[0]), int(touched[-1]) + 1) if len(touched) else slice(0, 0)
    filled = [region for region in regions if region.mask(span).any()]
    if not filled:
        raise InvalidInput("The contours, labels and boxes hold no voxel of this scan, so there is nothing to save.")
    if len(filled) > MOST_SEGMENTS:
        raise InvalidInput(f"{len(filled)} regions are more than a segmentation holds ({MOST_SEGMENTS}).")
    numbers = np.zeros((span.stop - span.start, *geometry.shape[1:]), dtype=np.uint16)
    is_overlapping = False
    for number, region in enumerate(filled, 1):
        inside = region.mask(span)
        is_overlapping |= bool(numbers[inside].any())
        numbers[inside] = number
    names, slices = [(region.name, region.value) for region in filled], list(range(span.start, span.stop))
    if not is_overlapping:
        return names, numbers if len(filled) > 255 else numbers.astype(np.uint8), slices
    if numbers.size * len(filled) > MOST_BYTES:
        raise InvalidInput(
            f"{len(filled)} regions that overlap are too many to save in one segmentation; save them in several files."
        )
    return names, np.stack([region.mask(span) for region in filled], axis=-1).astype(np.uint8), slices


def _description(number: int, name: str, value: int) -> Any:
    from highdicom import color, seg  # noqa: PLC0415 - heavy, loaded on first use
    from pydicom.sr.codedict import codes  # noqa: PLC0415 - heavy, loaded on first use

    # What the region is in the body is not known, only what somebody called it; Tissue is the most general category.
    described = seg.SegmentDescription(
        segment_number=number, segment_label=plain_text(name, 64) or f"region {number}",
        segmented_property_category=codes.SCT.Tissue, segmented_property_type=codes.SCT.Tissue,
        algorithm_type=seg.SegmentAlgorithmTypeValues.MANUAL,
        display_color=color.CIELabColor.from_rgb(*colour(value or number)),
    )  # fmt: skip
    if value:
        described.SegmentDescription = NUMBERED.format(value)
    return described
