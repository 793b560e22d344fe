"""Whether a picture shows pixels of a subject: the continuous tones of a scan, grey or in a colour map.

A plot is flat: most pixels equal their neighbours, and what differs does so along lines and letters. A scan is not:
inside the body every pixel differs a little from its neighbours, in both directions and not as an even ramp. So the
picture is cut into blocks, each is asked how much of it is such texture, and enough blocks together are a scan.

Runs in: anywhere
Source: thresholds measured on CT of two public series and on 26 kinds of plots; docs/airlock.md has the rates.
"""

from __future__ import annotations

import io
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from workbench.airlock.findings import Hit

BLOCK = 16
MAX_PIXELS = 40_000_000
DEEP = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
# So many blocks (4 cm² of a figure at 100 dpi), or such a share of a small or lossy picture, make a scan.
ENOUGH_BLOCKS, ENOUGH_SHARE, FEW_BLOCKS = 13, 0.1, 5
ENOUGH_COLOURED = 24
# What a grey and a tinted grey may be off by; and steps (of 765) that letters' edges and lines exceed.
GREY, TINT, EDGE, SOFT = 8, 32, 300, 60
# Whites and blacks of one tone may fill at most this share of a block of tissue.
FLAT = 0.75

Numbers: TypeAlias = NDArray[np.int16]
Flags: TypeAlias = NDArray[np.bool_]
Kind = TypeVar("Kind", bound=np.generic)


def hits_in_picture(content: bytes) -> list[Hit]:
    """Find the pixels of a subject in an encoded picture; what cannot be decoded is refused.

    Returns
    -------
    list of Hit
        ``subject-pixels`` when there are any, ``unreadable`` when nobody could tell.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return [Hit("too-many-pixels", f"More than {MAX_PIXELS:,} pixels; save the figure smaller.")]
            # Pillow converts 16 bits of PNG and TIFF to modes of its own; each holds more than a screen shows.
            deep, is_lossy = picture.mode in DEEP, picture.format == "JPEG"
            planes = np.asarray(picture.convert("RGBA"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return [Hit("unreadable", "A picture that cannot be decoded, so nobody can judge it; save it again.")]
    if deep:
        return [
            Hit("deep-pixels", "More than 8 bits per pixel, as scans have and figures have not; save it as 8 bits.")
        ]
    return hits_in_pixels(planes, is_lossy=is_lossy)


def hits_in_pixels(planes: NDArray[np.uint8], *, is_lossy: bool = False) -> list[Hit]:
    """Find the pixels of a subject.

    Parameters
    ----------
    planes : ndarray, uint8, shape (y, x, 4)
        Red, green, blue and alpha.
    is_lossy : bool, default False
        Whether it comes from a JPEG, whose edges ring like texture; plots belong into PNG.

    Examples
    --------
    >>> hits_in_pixels(np.full((64, 64, 4), 255, np.uint8))
    []
    """
    hits = []
    if hides_under_alpha(planes):
        hits.append(
            Hit("hidden-alpha", "A picture under fully transparent pixels; save the figure without transparency.")
        )
    found = _count(_unzoomed(planes[:, :, :3]))
    is_large = found.grey >= ENOUGH_BLOCKS and not is_lossy
    if is_large or (found.grey >= 2 and found.grey / found.blocks >= (0.15 if is_lossy else ENOUGH_SHARE)):
        hits.append(_scan(f"{found.grey / found.blocks:.0%} of the picture has the grey tones of a scan"))
    elif found.is_mapped and not is_lossy:
        hits.append(_scan(f"{found.dense / found.blocks:.0%} of the picture has the tones of a scan in false colours"))
    elif found.dense >= ENOUGH_COLOURED or found.tinted >= ENOUGH_BLOCKS or found.grey >= FEW_BLOCKS:
        hits.append(Hit("texture", "Dense tones that may be a scan, or a plot saved as JPEG; look closely.", "look"))
    elif found.faint >= ENOUGH_BLOCKS:
        hits.append(
            Hit("faint-texture", "Faint greys that the eye hardly sees; look with the contrast raised.", "look")
        )
    return hits


class _Found(NamedTuple):
    """How many blocks are grey tissue, such with a tint, dense colour and faint grey, of how many, and if a map."""

    grey: int
    tinted: int
    dense: int
    faint: int
    blocks: int
    is_mapped: bool


def _scan(what: str) -> Hit:
    return Hit("subject-pixels", f"{what}; pixels of subjects do not leave. Release a curve, a table or a drawing.")


def _count(colours: NDArray[np.uint8]) -> _Found:
    height, width = (size // BLOCK * BLOCK for size in colours.shape[:2])
    if not height or not width:
        return _Found(0, 0, 0, 0, 0, False)
    kept = colours[:height, :width].astype(np.int16)
    tone, saturation = kept.sum(axis=2, dtype=np.int16), kept.max(axis=2) - kept.min(axis=2)
    steps, textured, bent = _texture(tone)
    tones = np.sort(_blocks(tone), axis=1)
    count = (np.diff(tones, axis=1) > 0).sum(axis=1) + 1
    spread = tones[:, -6] - tones[:, 5]
    share, edge = _blocks(textured).mean(axis=1), np.sort(_blocks(steps), axis=1)[:, int(0.9 * BLOCK * BLOCK)]
    colour = np.sort(_blocks(saturation), axis=1)[:, int(0.9 * BLOCK * BLOCK)]
    is_grey = colour <= GREY
    # Sorted tones a window of BLOCK ** 2 * FLAT apart that are nearly equal mean that one tone fills the block.
    window = int(FLAT * BLOCK * BLOCK)
    is_flat = ((tones[:, window:] - tones[:, :-window]) < 12).any(axis=1)
    bends = _blocks(bent).mean(axis=1)
    is_soft = (bends >= 0.15) & (count >= 6) & ~is_flat & (edge <= EDGE) & (share >= 0.15)
    grid = (height // BLOCK, width // BLOCK)
    tissue, tinted, dense = (
        _together(kind.reshape(grid)).ravel()
        for kind in (
            is_soft & is_grey,
            is_soft & (colour <= TINT),
            is_soft & ~is_grey & (edge <= SOFT) & (bends >= 0.3) & (count >= 10) & (share >= 0.5),
        )
    )
    faint = is_grey & ~tissue & (share >= 0.2) & (spread >= 6) & (spread <= 60)
    is_mapped = int(dense.sum()) >= ENOUGH_COLOURED and _is_mapped(kept, dense)
    return _Found(int(tissue.sum()), int(tinted.sum()), int(dense.sum()), int(faint.sum()), len(dense), is_mapped)


def _together(blocks: Flags) -> Flags:
    """Keep the blocks that have two like them around: an organ is in one piece, letters and arrows are strewn."""
    if min(blocks.shape) < 6:
        return blocks
    padded = np.pad(blocks, 1).astype(np.int8)
    down, across = blocks.shape
    around = sum(padded[y : y + down, x : x + across] for y in range(3) for x in range(3)) - blocks
    return np.asarray(blocks & (around >= 3))


def _texture(tone: Numbers) -> tuple[Numbers, Flags, Flags]:
    """Give each pixel's step to its neighbours, whether both are steps and no even ramp, and whether one bends."""
    across = np.diff(tone, axis=1, append=tone[:, -1:])
    down = np.diff(tone, axis=0, append=tone[-1:])
    bend = np.maximum(
        np.abs(np.diff(across, axis=1, append=across[:, -1:])), np.abs(np.diff(down, axis=0, append=down[-1:]))
    )
    steps = np.maximum(np.abs(across), np.abs(down))
    return steps, (across != 0) & (down != 0) & (bend > 0), (bend > 3) & (2 * bend > steps)


def _blocks(plane: NDArray[Kind]) -> NDArray[Kind]:
    height, width = plane.shape
    cut = plane.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return cut.transpose(0, 2, 1, 3).reshape(-1, BLOCK * BLOCK)


def _is_mapped(colours: Numbers, dense: Flags) -> bool:
    """Tell whether few colours on a curve make up the dense blocks: a colour map has 256, and turns through hues."""
    found = np.stack([_blocks(colours[:, :, band])[dense].ravel() for band in range(3)], axis=1)
    _, counts = np.unique(found, axis=0, return_counts=True)
    spread = np.linalg.eigvalsh(np.cov(found.T.astype(np.float64)))
    is_few = np.sort(counts)[::-1][:256].sum() >= 0.25 * counts.sum()
    return bool(is_few and spread[1] >= 0.04 * spread[2])


def _unzoomed(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo an enlargement that only repeats pixels, which would make a scan look flat."""
    for factor in range(8, 1, -1):
        height, width = (size // factor * factor for size in colours.shape[:2])
        if min(height, width) < BLOCK * factor:
            continue
        cut = colours[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
        if (cut == cut[:, :1, :, :1]).all():
            return np.ascontiguousarray(cut[:, 0, :, 0])
    return colours


def hides_under_alpha(planes: NDArray[np.uint8]) -> bool:
    """Tell whether transparent pixels hold more than the few colours that antialiasing leaves."""
    hidden = planes[planes[:, :, 3] == 0][:, :3]
    if len(hidden) < BLOCK * BLOCK:
        return False
    return len(np.unique(hidden[:: max(1, len(hidden) // 20_000)], axis=0)) > 8
