"""The frames of a DICOM SEG as arrays: bits that run on over frame borders, bytes, or compressed.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.8.20.2 (segmentation image), PS3.5 2026c 8.1.1 and annex D (packed bits), A.4.2 (RLE).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from workbench.ingest.series.decoders import decode_frames
from workbench.ingest.series.frames import read_stored

Stored = NDArray[np.uint8] | NDArray[np.uint16]


def frames_of(source: FileDataset, count: int, size: tuple[int, int]) -> Iterator[Stored]:
    """Give the stored values of each frame in turn, shape (rows, columns).

    Raises
    ------
    ValueError
        When there are fewer pixels than frames, or they do not decode; pydicom's decoders raise others beside it.
    MissingDependency
        When the decoder of a compressed segmentation is not installed.
    """
    syntax, bits = str(source.file_meta.TransferSyntaxUID), int(source.BitsAllocated)
    pixels = size[0] * size[1]
    if UID(syntax).is_encapsulated:
        stored, lacking = read_stored(source)
        if stored is None:
            raise ValueError(f"{lacking} is missing")
        yield from decode_frames(source, stored, syntax)
    else:
        content = source.PixelData
        if not isinstance(content, bytes) or len(content) * 8 < count * pixels * bits:
            raise ValueError("fewer pixels than frames")
        is_little = UID(syntax).is_little_endian
        for number in range(count):
            yield _values(content, bits, number * pixels, pixels, is_little=is_little).reshape(size)


def _values(content: bytes, bits: int, start: int, count: int, *, is_little: bool = True) -> Stored:
    """Give `count` values from the `start`-th on."""
    if bits == 1:
        packed = np.frombuffer(content, np.uint8, -(-(start + count) // 8) - start // 8, start // 8)
        return np.unpackbits(packed, bitorder="little")[start % 8 : start % 8 + count]
    if bits == 8:
        return np.frombuffer(content, np.uint8, count, start)
    return np.frombuffer(content, "<u2" if is_little else ">u2", count, 2 * start)
