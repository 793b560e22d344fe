"""The air of the lungs at the speed of memory: below a threshold, enclosed by the body, the two largest parts.

This is the mask for cutting and for choosing patches. Vessels, nodules and walls are not in it; `imaging.lungs` closes
those, takes some ten times as long, and keeps its own results.

Runs in: anywhere
Source: He, Chao and Suzuki, A run-based two-scan labeling algorithm, IEEE Trans Image Process 17 (2008) 749, in 3D with
neighbours across faces; Hu, Hoffman and Reinhardt, IEEE Trans Med Imaging 20 (2001) 490, for which parts are lungs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.imaging.buffers import check_memory
from workbench.imaging.inputs import checked_target, checked_volume, in_parts
from workbench.imaging.taps import MOST_VOXELS_AN_AXIS, checked_spacing

THRESHOLD_HU = -400.0
SMALLEST_ML = 150.0
PARTS = 2


def lung_mask(
    volume: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    threshold_hu: float = THRESHOLD_HU,
    parts: int = PARTS,
    smallest_ml: float = SMALLEST_ML,
    out: NDArray[Any] | None = None,
    threads: int = 1,
) -> NDArray[np.bool_]:
    """Give the largest parts of air that touch no side of the picture.

    Parameters
    ----------
    volume : ndarray, int16 or float, shape (z, y, x), HU
    spacing_mm : sequence of 3 float
        Along (z, y, x), mm.
    threshold_hu : float, default −400
        Air is below it.
    parts : int, default 2
        How many parts are kept at most; both lungs are one where air joins them.
    smallest_ml : float, default 150
        A smaller part is no lung, ml.
    out : ndarray, bool, shape (z, y, x), optional
        Takes the result.
    threads : int, default 1
        The voxels are read and written by as many; the parts are joined by one.

    Returns
    -------
    ndarray, bool, shape (z, y, x)
        All false when there is no such part. The first and the last slice may cut a lung; the other sides may not.

    Raises
    ------
    InvalidInput
        When the volume, an option or `out` is not usable, or the result does not fit into memory.
    """
    source = checked_volume(volume)
    voxel_ml = float(np.prod(checked_spacing(spacing_mm))) / 1000
    if not np.isfinite(threshold_hu) or not np.isfinite(smallest_ml) or smallest_ml < 0 or not 1 <= parts <= 255:
        raise InvalidInput(
            f"The lungs are 1 to 255 parts below a finite threshold, of 0 ml or more; not {parts!r} below "
            f"{threshold_hu!r} HU of {smallest_ml!r} ml."
        )
    if max(source.shape) > MOST_VOXELS_AN_AXIS or source.size >= 2**31:
        raise InvalidInput(f"A volume of {source.shape} voxels is too large for a lung mask; resample it first.")
    made = checked_target(out, source.shape, ("bool",), source)
    if made is None:
        check_memory(source.size, f"A mask of {source.shape} voxels")
        made = np.empty(source.shape, np.bool_)
    _write(source, made, threshold_hu, parts, smallest_ml / voxel_ml, threads)
    return made


def _write(
    source: NDArray[Any], made: NDArray[np.bool_], threshold_hu: float, parts: int, smallest: float, threads: int
) -> None:
    from workbench.imaging import run_kernels as kernels  # noqa: PLC0415 - numba, loaded on first use

    depth, height, _ = source.shape
    ends, runs = _runs(source, threshold_hu, threads)
    parent = np.arange(len(runs), dtype=np.int32)
    sizes = np.zeros(len(runs), np.int32)
    kernels.JOIN["runs"](ends, runs, height, source.shape[2], parent, sizes)
    kept = np.full(parts, -1, np.int32)
    for number in range(parts):
        if not len(sizes) or sizes[best := int(sizes.argmax())] < max(smallest, 1):
            break
        kept[number], sizes[best] = best, 0
    voxels = made.view(np.uint8)

    def paint(first: int, last: int) -> None:
        kernels.PAINT["runs"](ends, runs, parent, kept, voxels, first, last)

    in_parts(paint, depth, threads)


def _runs(source: NDArray[Any], threshold_hu: float, threads: int) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Give every stretch of air along x: where the stretches of each row end in the list, and [begin, end) of each."""
    from workbench.imaging.run_kernels import FIND  # noqa: PLC0415 - numba, loaded on first use

    depth, height, width = source.shape
    find = FIND[str(source.dtype)]
    most_a_slice = height * (width // 2 + 1)
    counts = np.empty(depth * height, np.int32)
    found: dict[int, NDArray[np.int16]] = {}

    def work(first: int, last: int) -> None:
        runs, used = np.empty((max(most_a_slice, 4 * height * (last - first)), 2), np.int16), 0
        for z in range(first, last):
            if len(runs) - used < most_a_slice:
                # A fresh array's memory is taken only where it is written, so room to spare costs nothing.
                more = np.empty((2 * len(runs) + most_a_slice, 2), np.int16)
                more[:used] = runs[:used]
                runs = more
            used = find(source, z, threshold_hu, counts, runs, used)
        found[first] = runs[:used]

    in_parts(work, depth, threads)
    runs = found[0] if len(found) == 1 else np.concatenate([found[first] for first in sorted(found)])
    return np.cumsum(counts, dtype=np.int32), runs
