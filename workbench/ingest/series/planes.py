"""The stored values of a file's frames, compressed or not, with as little parsing as its form allows.

Runs in: ingest host
Source: DICOM PS3.5 2026c 8 (encoding of pixels) and Annex A (transfer syntaxes); PS3.10 2026c 7.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)  # fmt: skip

from workbench.ingest.series.decoders import Values, decode_frames
from workbench.ingest.series.frames import Slice, Stored

NATIVE = frozenset(
    (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)
)
# How the element of uncompressed pixels begins: tag, representation where it is explicit, and length.
PLAIN_START: dict[str, re.Pattern[bytes]] = {
    ImplicitVRLittleEndian: re.compile(rb"\xe0\x7f\x10\x00(....)", re.DOTALL),
    ExplicitVRLittleEndian: re.compile(rb"\xe0\x7f\x10\x00O[WB]\x00\x00(....)", re.DOTALL),
}
EXPLICIT_BYTES, IMPLICIT_BYTES = 12, 8
PIXEL_TAGS = ["PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"]


def planes_of_file(one: Slice, wanted: frozenset[int]) -> Iterator[tuple[int, Values]]:
    """Give the stored values of some frames of a file.

    Parameters
    ----------
    one : Slice
        Any frame of the file.
    wanted : frozenset of int
        The frames, from 0.

    Yields
    ------
    int
        The frame.
    ndarray, uint8 or uint16, shape (rows, columns)
        Its stored values, the bits above the stored ones included.

    Raises
    ------
    ValueError
        When pixels are missing, cut short, damaged, or more than the header says.
    """
    stored = one.stored
    if stored is None or stored.rows * stored.columns < 1:
        raise ValueError("the attributes of the pixels are missing")
    if one.syntax not in NATIVE:
        source = dcmread(one.path, specific_tags=PIXEL_TAGS)
        for frame, values in enumerate(decode_frames(source, stored, one.syntax)):
            if frame in wanted:
                yield frame, values
        return
    size = stored.rows * stored.columns * (stored.allocated // 8)
    start = _plain_pixels_at(one, size * stored.frames)
    if start is None:
        content = _parsed_pixels(one)
        if len(content) - size * stored.frames not in (0, 1):
            raise ValueError(f"{len(content)} bytes of pixels where {size * stored.frames} belong")
        for frame in sorted(wanted):
            yield frame, _values(content[frame * size : (frame + 1) * size], one, stored)
        return
    with one.path.open("rb") as stream:
        for frame in sorted(wanted):
            stream.seek(start + frame * size)
            yield frame, _values(stream.read(size), one, stored)


def _plain_pixels_at(one: Slice, size: int) -> int | None:
    """Give where in the file the pixels begin, without parsing it again, where they plainly lie behind the header."""
    begin = PLAIN_START.get(one.syntax)
    if begin is None:
        return None
    length = EXPLICIT_BYTES if one.syntax == ExplicitVRLittleEndian else IMPLICIT_BYTES
    with one.path.open("rb") as stream:
        stream.seek(one.pixels_at)
        found = begin.fullmatch(stream.read(length))
        declared = int.from_bytes(found[1], "little") if found is not None else -1
        is_whole = declared - size in (0, 1) and stream.seek(0, 2) >= one.pixels_at + length + size
    return one.pixels_at + length if is_whole else None


def _parsed_pixels(one: Slice) -> bytes:
    element = dcmread(one.path, specific_tags=["PixelData"]).get_item("PixelData")
    value = None if element is None else element.value
    if not isinstance(value, bytes):
        raise ValueError("no pixel data")
    return value


def _values(content: bytes, one: Slice, stored: Stored) -> Values:
    is_big = one.syntax == ExplicitVRBigEndian
    if stored.allocated == 8 and is_big:
        # Whether bytes were swapped in pairs depends on how they were declared, which writers got wrong.
        raise ValueError("8-bit pixels in big endian")
    values = np.frombuffer(content, dtype="u1" if stored.allocated == 8 else ">u2" if is_big else "<u2")
    native: Values = values.reshape(stored.rows, stored.columns).astype(values.dtype.newbyteorder("="), copy=False)
    return native
