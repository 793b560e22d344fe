"""One frame as grey pages, on each of which writing of some kind stands out bright.

Runs in: ingest host
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Page = NDArray[np.uint8]
# Text may touch the frame's edge; a margin of background makes its letters whole.
MARGIN = 8
# Below this size a frame is worth enlarging, above it a frame is worth halving.
SMALL_PIXELS, LARGE_PIXELS = 1_000_000, 5_000_000
# A value far outside the others (an overlay at 32767 over 12-bit tissue) hides the rest: show both ranges.
WIDE_RANGE = 0.6


def planes(frame: NDArray[Any]) -> list[NDArray[Any]]:
    """Give the frame as grey planes: itself, or for colours their brightness and, where any, their colourfulness.

    Parameters
    ----------
    frame : ndarray, shape (row, column) or (row, column, channel)
        Stored values of one frame.
    """
    if frame.ndim == 2:
        return [frame]
    colours = frame[..., :3].astype(np.int32)
    bright = colours @ np.array([299, 587, 114]) // 1000
    chroma = colours.max(axis=2) - colours.min(axis=2)
    return [bright, chroma] if chroma.max() > 32 else [bright]


def pages(plane: NDArray[Any]) -> list[Page]:
    """Give 8-bit pages of a plane with a margin, each also inverted, so that dark writing is bright on one of them."""
    values = plane.astype(np.float32)
    lowest, highest = float(values.min()), float(values.max())
    ranges = [(lowest, highest)]
    low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
    if low < high and high - low < WIDE_RANGE * (highest - lowest):
        ranges.append((low, high))
    made = []
    for start, stop in ranges:
        page = np.clip((values - start) * (255 / max(stop - start, 1e-6)), 0, 255).astype(np.uint8)
        made += [np.pad(page, MARGIN), np.pad(255 - page, MARGIN)]
    return made


def halved(frame: NDArray[Any]) -> NDArray[Any]:
    """Give a frame of half the size, each pixel the mean of four."""
    rows, columns = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
    blocks = frame[:rows, :columns].astype(np.float32)
    blocks = blocks.reshape(rows // 2, 2, columns // 2, 2, *frame.shape[2:])
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))).astype(np.int32))


def overlay_values(plane: NDArray[Any], most: int = 8) -> list[int]:
    """Give the values that writing in one flat colour would have: far more frequent than their neighbours.

    Parameters
    ----------
    plane : ndarray of int, shape (row, column)
        Stored values, or colours packed into one number.
    most : int, default 8
        How many at the most, the most conspicuous first.
    """
    found, counts = np.unique(plane, return_counts=True)
    near = np.searchsorted(found, found - 8), np.searchsorted(found, found + 9)
    total = np.concatenate([[0], np.cumsum(counts)])
    # The mean of the 16 values around, themselves left out.
    around = (total[near[1]] - total[near[0]] - counts) / 16
    excess = (counts - around) / np.sqrt(around + 1)
    is_spike = (counts >= 20) & (excess > 8) & (counts < 0.4 * plane.size)
    order = np.argsort(-excess[is_spike], kind="stable")[:most]
    return [int(value) for value in found[is_spike][order]]
