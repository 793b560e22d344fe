"""Turn HU into grey values between 0 and 1 in one pass over memory, with exactly the values of `imaging.window`.

Runs in: anywhere
Source: DICOM PS3.3 2026c C.11.2.1.2 for what a window is; presets as in `volume`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.imaging.buffers import check_memory
from workbench.imaging.inputs import checked_target, checked_voxels, in_parts
from workbench.imaging.volume import WINDOWS, Window

# A thread's share is counted in blocks of so many voxels.
BLOCK = 2**16


def window_hu(
    volume: NDArray[Any],
    level: float | str,
    width: float | None = None,
    *,
    out: NDArray[Any] | None = None,
    threads: int = 1,
) -> NDArray[np.float32]:
    """Give grey values 0 (black) to 1 (white), by a preset's name or by level and width in HU.

    Parameters
    ----------
    volume : ndarray, int16 or float, shape (z, y, x) or (n, z, y, x) or any other, HU
    level : float or str
        The HU of the middle grey, or a name of `WINDOWS` such as "lung".
    width : float, optional
        HU between black and white, above 0; left out with a name.
    out : ndarray, float32, of the volume's shape, optional
        Takes the result.
    threads : int, default 1

    Returns
    -------
    ndarray, float32, of the volume's shape, 0 to 1

    Raises
    ------
    InvalidInput
        When the volume, the window or `out` is not usable, or the result does not fit into memory.

    Examples
    --------
    >>> window_hu(np.array([[[-1350, -600, 150]]], np.int16), "lung").tolist()
    [[[0.0, 0.5, 1.0]]]
    """
    wanted = as_window(level, width)
    source = checked_voxels(volume)
    made = checked_target(out, source.shape, ("float32",), source)
    if made is None:
        check_memory(4 * source.size, f"Grey values of {source.shape} voxels")
        made = np.empty(source.shape, np.float32)
    from workbench.imaging.window_kernel import WINDOW  # noqa: PLC0415 - numba, loaded on first use

    kernel, flat, grey = WINDOW[str(source.dtype)], source.reshape(-1), made.reshape(-1)
    low = np.float32(wanted.level - wanted.width / 2)

    def work(first: int, last: int) -> None:
        part = slice(first * BLOCK, last * BLOCK)
        kernel(flat[part], grey[part], low, np.float32(wanted.width))

    in_parts(work, -(-source.size // BLOCK), threads)
    return made


def as_window(level: float | str, width: float | None = None) -> Window:
    """Give a window by its preset's name or by level and width, HU.

    Raises
    ------
    InvalidInput
        When there is no such preset, or a number is not finite or the width not above 0.
    """
    if isinstance(level, str):
        if level not in WINDOWS or width is not None:
            raise InvalidInput(f"No window preset {level[:32]!r} without a width; there are {', '.join(WINDOWS)}.")
        return WINDOWS[level]
    if width is None or not np.isfinite([level, width]).all() or width <= 0:
        raise InvalidInput(f"A window needs a finite level and a width above 0 HU, not {level!r} and {width!r}.")
    return Window(float(level), float(width))
