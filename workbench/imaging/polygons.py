"""Closed contours to pixels: a pixel belongs to a region when its centre lies inside, holes by the even-odd rule.

A centre exactly on an edge belongs to one side alone (the low side of a region is in, the high side out), so that
regions which share an edge share no pixel and leave none between them.

Runs in: anywhere
Source: DICOM PS3.3 2026c C.8.8.6.3 (inner and outer contours, "keyhole"); Foley et al., Computer Graphics, 2nd ed.,
3.6 (scan conversion of polygons).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

# Contours are written with a few decimals of a millimetre; a millionth of a pixel is noise of the arithmetic.
DECIMALS = 6
# A hostile contour has a million edges over the whole image; so many at a time need little memory.
BATCH_EDGES = 2048

Points = NDArray[np.float64]
Pixels = NDArray[np.bool_]


def fill(contours: Sequence[Points], shape: tuple[int, int]) -> tuple[Pixels, tuple[int, int]]:
    """Give the pixels whose centres lie inside an odd number of the contours.

    Parameters
    ----------
    contours : sequence of ndarray, float64, shape (points, 2)
        Row and column of each point, in pixels; the centre of the first pixel is (0, 0). The last point is joined
        to the first.
    shape : tuple of 2 int
        Rows and columns of the image; what lies beyond its edge is cut off.

    Returns
    -------
    ndarray, bool, shape (rows, columns)
        The smallest rectangle that holds the region, without its outside; empty when no centre lies inside.
    tuple of 2 int
        Row and column of its first pixel.

    >>> square = np.array([[0.5, 0.5], [0.5, 2.5], [2.5, 2.5], [2.5, 0.5]])
    >>> pixels, first = fill([square], (8, 8))
    >>> pixels.shape, bool(pixels.all()), first
    ((2, 2), True, (1, 1))
    """
    changes = np.zeros((shape[0], shape[1] + 1), dtype=np.int32)
    for rows, columns in _crossings(contours, shape[0]):
        # From a crossing on, the parity of every centre at or after it changes.
        np.add.at(changes, (rows, np.clip(np.ceil(columns), 0, shape[1]).astype(np.int64)), 1)
    touched = np.flatnonzero(changes.any(axis=1))
    if not len(touched):
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    top, bottom = int(touched[0]), int(touched[-1]) + 1
    pixels = (np.cumsum(changes[top:bottom, :-1], axis=1) & 1).astype(np.bool_)
    return _cropped(pixels, (top, 0))


def is_flat(points: Points) -> bool:
    """Whether a contour is only a line or a point: there and back again, with nothing between."""
    offset = points - points[0]
    along = offset[int(np.argmax(np.abs(offset).sum(axis=1)))]
    across = offset[:, 0] * along[1] - offset[:, 1] * along[0]
    return bool(np.abs(across).max() <= 10.0**-DECIMALS * max(float(np.hypot(*along)), 1.0))


def _crossings(contours: Sequence[Points], height: int) -> Iterator[tuple[NDArray[np.int64], Points]]:
    """Give rows and columns of the places where edges cross the lines through the centres of rows, in batches."""
    for points in contours:
        start = np.round(points, DECIMALS)
        end = np.roll(start, -1, axis=0)
        goes_down = (start[:, 0] <= end[:, 0])[:, None]
        upper, lower = np.where(goes_down, start, end), np.where(goes_down, end, start)
        # An edge owns the rows from its upper end up to, but without, its lower end; a level edge owns none.
        first = np.clip(np.ceil(upper[:, 0]), 0, height).astype(np.int64)
        counts = np.clip(np.ceil(lower[:, 0]), 0, height).astype(np.int64) - first
        for at in range(0, len(start), BATCH_EDGES):
            part = slice(at, at + BATCH_EDGES)
            yield _crossed(upper[part], lower[part], first[part], counts[part])


def _crossed(
    upper: Points, lower: Points, first: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Points]:
    edge = np.repeat(np.arange(len(first)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    a, b = upper[edge], lower[edge]
    columns = a[:, 1] + (rows - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    return rows, np.round(columns, DECIMALS)


def _cropped(pixels: Pixels, first: tuple[int, int]) -> tuple[Pixels, tuple[int, int]]:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    inner = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(inner), (first[0] + int(rows[0]), first[1] + int(columns[0]))
