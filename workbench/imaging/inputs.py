"""What the array loops take: contiguous int16 or float32 volumes, targets that fit, and work shared among threads.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput

MOST_THREADS = 1024
# Contiguous in memory, aligned, and no subclass.
PLAIN: tuple[Literal["C", "A", "E"], ...] = ("C", "A", "E")


def checked_volume(volume: NDArray[Any]) -> NDArray[Any]:
    """Give a volume as contiguous int16 or float32, without a copy where it is so already.

    Raises
    ------
    InvalidInput
        When it has not three axes, or as for `checked_voxels`.
    """
    if isinstance(volume, np.ndarray) and (volume.ndim != 3 or 0 in volume.shape):
        raise InvalidInput(f"A volume has three axes (z, y, x), none empty; this array has shape {volume.shape}.")
    return checked_voxels(volume)


def checked_voxels(voxels: NDArray[Any]) -> NDArray[Any]:
    """Give an array of any shape as contiguous int16 or float32; smaller integers become int16, other floats float32.

    Raises
    ------
    InvalidInput
        When it is no array or holds anything but HU; NaN and infinite values are refused too.
    """
    if not isinstance(voxels, np.ndarray):
        raise InvalidInput(f"A volume is a numpy array with axes (z, y, x), not {type(voxels).__name__}.")
    if isinstance(voxels, np.ma.MaskedArray):
        raise InvalidInput("The volume is a masked array, and its mask would be lost; give it filled(), as with air.")
    kind = voxels.dtype
    if kind != np.bool_ and np.can_cast(kind, np.int16):
        return np.require(voxels, np.int16, PLAIN)
    if kind.kind != "f" or kind.itemsize > 8:
        raise InvalidInput(
            f"A volume holds int16 HU or floats, and this one {kind}; convert it, as by volume.astype(numpy.int16)."
        )
    made = np.require(voxels, np.float32, PLAIN)
    # A sum is not finite when a value is not; it reads the volume once and makes nothing of its size.
    if not all(np.isfinite(part.sum(dtype=np.float64)) for part in np.atleast_1d(made)):
        raise InvalidInput("The volume holds NaN or infinite values; replace them, as by numpy.nan_to_num, before use.")
    return made


def checked_target(
    out: NDArray[Any] | None, shape: tuple[int, ...], kinds: Sequence[str], volume: NDArray[Any]
) -> NDArray[Any] | None:
    """Give the caller's array back if the result can be written to it.

    Raises
    ------
    InvalidInput
        When its shape or type differs, it is read-only or scattered, or it shares memory with the volume.
    """
    if out is None:
        return None
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype not in [np.dtype(kind) for kind in kinds]:
        found = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise InvalidInput(f"out must be a numpy array of {' or '.join(kinds)} of shape {shape}, not {found}.")
    if not (out.flags.carray and out.flags.c_contiguous) or np.may_share_memory(out, volume):
        raise InvalidInput(
            "out must be writable, contiguous and aligned in memory, no part of the volume; use numpy.empty."
        )
    return out


def in_parts(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Call `work(first, last)` over parts of `count` things, each part in a thread of its own.

    Raises
    ------
    InvalidInput
        When `threads` is not 1 to 1024.
    """
    if not isinstance(threads, int) or not 1 <= threads <= MOST_THREADS:
        raise InvalidInput(f"threads is a whole number from 1 to {MOST_THREADS}, not {threads!r}.")
    parts = min(threads, count)
    if parts <= 1:
        work(0, count)
        return
    # Some more parts than threads: the last thread to finish has then less to do alone.
    cuts = np.linspace(0, count, min(count, 4 * parts) + 1).astype(int).tolist()
    with ThreadPoolExecutor(parts) as pool:
        for done in [pool.submit(work, a, b) for a, b in zip(cuts, cuts[1:], strict=False)]:
            done.result()
