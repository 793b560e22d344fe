"""Stored numbers to grey, and to the colours in which a volume lies over another one.

The same arithmetic as `extensions/ct-viewer/src/windowing.ts`, so that the still picture and the widget agree.

Runs in: kernel
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.imaging.volume import window as apply_window
from workbench.viewer.colour_maps import hot
from workbench.viewer.windows import NO_VALUE, slope_of

# Of a window, in stored numbers: below the one all are black or white, beyond the other all have one grey.
NARROWEST, FARTHEST = 1e-3, 1e15
# In hot colours, what is lower than this grey grows see-through, so that the anatomy below stays readable.
DENSE_FROM = 64


class Windowed(Protocol):
    """Through which window numbers are seen, in the volume's unit."""

    @property
    def level(self) -> float:
        """The middle of the ramp."""

    @property
    def width(self) -> float:
        """From black to white."""

    @property
    def inverted(self) -> bool:
        """Whether high values are black."""


def greys(stored: NDArray[np.int16], volume: object, seen: Windowed) -> NDArray[np.uint8]:
    """Give the grey values, 0 to 255, of stored numbers through a window; no value is black."""
    slope, intercept = slope_of(volume)
    # The window in stored numbers, which single precision tells apart whatever their unit: 1e12 and a half as well.
    level, width = (seen.level - intercept) / slope, max(seen.width / slope, NARROWEST)
    # One that lies far beyond all stored numbers is brought nearer, seen from them under the same angle.
    nearer = min(1.0, FARTHEST / max(abs(level), width))
    share = apply_window(stored, level * nearer, width * nearer)
    grey = np.rint((1 - share if seen.inverted else share) * 255).astype(np.uint8)
    grey[stored == NO_VALUE] = 0
    return grey


def tinted(grey: NDArray[np.uint8], has_value: NDArray[np.bool_], *, is_hot: bool, is_blend: bool) -> NDArray[Any]:
    """Give the pixels of a volume that lies over another one.

    Parameters
    ----------
    grey : ndarray, uint8, shape (rows, columns)
    has_value : ndarray, bool, shape (rows, columns)
        Where the volume is.
    is_hot : bool
        Whether it is drawn in hot colours, or else in grey.
    is_blend : bool
        Whether what has no value, and in hot colours what is low, is see-through.

    Returns
    -------
    ndarray, uint8, shape (rows, columns, 4)
        Red, green, blue and how opaque.
    """
    colours = hot()[grey] if is_hot else np.repeat(grey[..., None], 3, axis=-1)
    faint = np.minimum(grey / DENSE_FROM, 1) if is_hot else np.ones(grey.shape)
    alpha = np.where(has_value, np.floor(faint * 255 + 0.5), 0) if is_blend else np.full(grey.shape, 255)
    return np.dstack([colours, alpha.astype(np.uint8)])
