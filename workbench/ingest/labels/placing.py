"""Where the frames of a segmentation lie on a scan's grid: only places that are exactly voxels of it.

Flipped, turned and cropped frames are put right without a change of any value; frames with voxels of another size or
between those of the scan are refused, because every way to resample a mask changes it.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.16.2 (plane position, plane orientation, pixel measures, derivation image).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from workbench.errors import IngestRefused
from workbench.ingest.labels.label_set import LabelledScan
from workbench.ingest.labels.layers import Box3, Piece
from workbench.ingest.series.frames import texts

# How far the corners of a frame may lie from voxel centres, in voxels: decimals of spacing add up over many columns.
TOLERANCE_VOXELS = 0.1
MOST_INDEX = 2**31


def off_the_grid(reason: str) -> IngestRefused:
    """Give the error of a frame that is no plane of the scan's voxels."""
    return IngestRefused(reason, code="label-grid")


@dataclass(frozen=True)
class Place:
    """Where a frame lies.

    Parameters
    ----------
    first : tuple of 3 int
        Lowest index (z, y, x) of its voxels; may lie outside the grid along the axis across it.
    axes : tuple of 2 int
        The index axes that its rows and its columns count along.
    flipped : tuple of 2 bool
        Whether they count downwards.
    size : tuple of 2 int
        Rows and columns.
    """

    first: tuple[int, int, int]
    axes: tuple[int, int]
    flipped: tuple[bool, bool]
    size: tuple[int, int]

    @property
    def across(self) -> int:
        """The index axis along which frames follow each other."""
        return 3 - sum(self.axes)

    @property
    def layout(self) -> tuple[object, ...]:
        """What all frames of a segmentation must have in common."""
        return self.axes, self.flipped, self.size, tuple(self.first[axis] for axis in self.axes)

    def piece(self, inside: NDArray[np.bool_]) -> Piece | None:
        """Give the voxels of a frame, shape (rows, columns), as a piece of the grid; nothing when it is empty."""
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not len(rows):
            return None
        spans = (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)
        part = inside[spans[0][0] : spans[0][1], spans[1][0] : spans[1][1]]
        box = [slice(first, first + 1) for first in self.first]
        for n, axis in enumerate(self.axes):
            start, stop = spans[n]
            if self.flipped[n]:
                part, start, stop = np.flip(part, n), self.size[n] - stop, self.size[n] - start
            box[axis] = slice(self.first[axis] + start, self.first[axis] + stop)
        if self.axes[0] > self.axes[1]:
            part = part.T
        whole: Box3 = (box[0], box[1], box[2])
        return Piece(whole, np.ascontiguousarray(np.expand_dims(part, self.across)))


def place_frame(shared: Dataset, own: Dataset, size: tuple[int, int], scan: LabelledScan) -> Place:
    """Give the place of a frame from its functional groups.

    Parameters
    ----------
    shared, own : Dataset
        The functional groups of all frames, and of this one.
    size : tuple of 2 int
        Rows and columns.
    scan : LabelledScan
        Where it must lie.

    Raises
    ------
    IngestRefused
        When it lies elsewhere.
    """
    referenced = _referenced_slice(shared, own, scan)
    position = _numbers(shared, own, "PlanePositionSequence", "ImagePositionPatient", 3)
    if position is None:
        if referenced is None or size != scan.grid.shape[1:]:
            raise off_the_grid("a frame has no position")
        return Place((referenced, 0, 0), (1, 2), (False, False), size)
    orientation = _numbers(shared, own, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacing = _numbers(shared, own, "PixelMeasuresSequence", "PixelSpacing", 2)
    if orientation is None or spacing is None:
        raise off_the_grid("a frame has no orientation or pixel spacing")
    place = _place(np.array(position), np.array(orientation), np.array(spacing), size, scan)
    if referenced is not None and place.across == 0 and place.first[0] != referenced:
        raise off_the_grid("the position of a frame and the image it names as its source disagree")
    return place


def _place(
    position: NDArray[np.float64], orientation: NDArray[np.float64], spacing: NDArray[np.float64],
    size: tuple[int, int], scan: LabelledScan,
) -> Place:  # fmt: skip
    # Rows follow each other along the column direction and the other way round.
    steps = orientation[3:] * spacing[0], orientation[:3] * spacing[1]
    start, *ends = scan.grid.to_index(np.array([position, position + steps[0], position + steps[1]]))
    if not np.all(np.abs(start) < MOST_INDEX):
        raise off_the_grid("a frame lies far from the images")
    first = np.rint(start).astype(int)
    axes, flipped, moves = [], [], []
    for end in ends:
        move = end - start
        axis = int(np.argmax(np.abs(move)))
        axes.append(axis)
        flipped.append(bool(move[axis] < 0))
        moves.append((move, np.eye(3)[axis] * (-1 if move[axis] < 0 else 1)))
    if axes[0] == axes[1]:
        raise off_the_grid("the orientation of a frame is not that of the images")
    (down, whole_down), (along, whole_along) = moves
    for row, column in ((0, 0), (size[0] - 1, 0), (0, size[1] - 1), (size[0] - 1, size[1] - 1)):
        off = start + row * down + column * along - (first + row * whole_down + column * whole_along)
        if float(np.abs(off).max()) > TOLERANCE_VOXELS:
            raise off_the_grid(_why(start, down, along, off))
    lowest = first.copy()
    for n, axis in enumerate(axes):
        if flipped[n]:
            lowest[axis] -= size[n] - 1
        if lowest[axis] < 0 or lowest[axis] + size[n] > scan.grid.shape[axis]:
            raise off_the_grid("its frames reach beyond the edge of the images")
    z, y, x = (int(n) for n in lowest)
    return Place((z, y, x), (axes[0], axes[1]), (flipped[0], flipped[1]), size)


def _why(
    start: NDArray[np.float64], down: NDArray[np.float64], along: NDArray[np.float64], off: NDArray[np.float64]
) -> str:
    """Say in which way a frame is off the grid, with numbers that tell nothing of anybody."""
    for move in (down, along):
        length = float(np.abs(move).max())
        if np.count_nonzero(np.abs(move) > 0.01) > 1:
            return "the orientation of a frame is not that of the images"
        if abs(length - 1) > 0.001:
            return f"its pixels are {length:.3g} times as large as those of the images"
    return f"a frame lies {float(np.abs(off).max()):.2f} voxels beside the voxels of the images"


def _referenced_slice(shared: Dataset, own: Dataset, scan: LabelledScan) -> int | None:
    """Give the index z of the one slice that a frame names as its source; nothing when it names none or several."""
    named = {
        uid
        for derivation in _group(shared, own, "DerivationImageSequence")
        for image in derivation.get("SourceImageSequence") or ()
        for uid in texts(image.get("ReferencedSOPInstanceUID"))
    }
    places = scan.index_of
    found = [places[uid] for uid in named if uid in places]
    return found[0] if len(found) == 1 else None


def _numbers(shared: Dataset, own: Dataset, group: str, keyword: str, count: int) -> list[float] | None:
    for item in _group(shared, own, group):
        try:
            values = [float(text) for text in texts(item.get(keyword))]
        except ValueError:
            raise off_the_grid("the position of a frame is not made of numbers") from None
        if len(values) == count and all(np.isfinite(values)):
            return values
        if values:
            raise off_the_grid("the position of a frame is damaged")
    return None


def _group(shared: Dataset, own: Dataset, group: str) -> list[Any]:
    """Give the items of a functional group, which lies with the frame or with all frames."""
    return list(own.get(group) or shared.get(group) or ())
