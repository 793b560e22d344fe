"""The outlines of a mask of pixels: closed polygons along the edges between what is in and what is out.

Runs in: anywhere
Source: Rosenfeld and Kak, Digital Picture Processing, 2nd ed., vol. 2, 11.1.3 (crack following).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corner = tuple[int, int]


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Give the closed polygons around the pixels of a mask.

    Parameters
    ----------
    mask : ndarray, bool, shape (rows, columns)

    Returns
    -------
    list of ndarray, float64, shape (corners, 2)
        Row and column of each corner, in pixels, with the centre of the first pixel at (0, 0), so that corners lie
        at halves. Pixels that touch by a corner alone are apart; holes are polygons of their own.

    >>> outlines(np.array([[True, True]]))[0].tolist()
    [[-0.5, -0.5], [-0.5, 1.5], [0.5, 1.5], [0.5, -0.5]]
    """
    following = _edges(mask)
    found = []
    for start in sorted(following):
        while start in following:
            found.append(np.array(_follow(following, start), dtype=np.float64) - 0.5)
    return found


def _edges(mask: NDArray[np.bool_]) -> dict[Corner, list[Corner]]:
    """Give where each corner leads to, with the region on the right hand."""
    padded = np.pad(mask.astype(np.int8), 1)
    following: dict[Corner, list[Corner]] = {}
    down, across = np.diff(padded, axis=0)[:, 1:-1], np.diff(padded, axis=1)[1:-1]
    for row, column in np.argwhere(down == 1).tolist():
        following.setdefault((row, column), []).append((row, column + 1))
    for row, column in np.argwhere(down == -1).tolist():
        following.setdefault((row, column + 1), []).append((row, column))
    for row, column in np.argwhere(across == -1).tolist():
        following.setdefault((row, column), []).append((row + 1, column))
    for row, column in np.argwhere(across == 1).tolist():
        following.setdefault((row + 1, column), []).append((row, column))
    return following


def _follow(following: dict[Corner, list[Corner]], start: Corner) -> list[Corner]:
    """Walk one outline from a corner back to it, and take its edges away; only corners where it turns are given."""
    # The first corner of all in reading order is always a turn: nothing lies above it or before it in its row.
    corners, at, heading = [start], start, (0, 0)
    while True:
        ways = following[at]
        # Where two pixels touch by a corner, the turn to the right stays with the pixel it came along.
        right = (at[0] + heading[1], at[1] - heading[0])
        onward = right if right in ways else ways[0]
        ways.remove(onward)
        if not ways:
            del following[at]
        turned = (onward[0] - at[0], onward[1] - at[1])
        if turned != heading and at != start:
            corners.append(at)
        at, heading = onward, turned
        if at == start:
            return corners
