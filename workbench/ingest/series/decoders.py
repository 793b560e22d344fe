"""The stored values of compressed frames; the C libraries run in a process of their own.

Runs in: ingest host
Source: DICOM PS3.5 2026c Annex A (transfer syntaxes), Annex G (run-length encoding) and 8.2 (encapsulated pixels).
"""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_fragmented_frames
from pydicom.uid import RLELossless

from workbench.errors import MissingDependency
from workbench.ingest.series.codecs import CODECS
from workbench.ingest.series.decoder_process import GOOD, MISSING
from workbench.ingest.series.frames import Stored

Values = NDArray[Any]

COMPRESSED = frozenset((RLELossless, *CODECS))
# The largest frame of the slowest codec takes seconds; one that takes longer hangs.
LONGEST_S = 120.0


def decode_frames(source: FileDataset, stored: Stored, syntax: str) -> Iterator[Values]:
    """Give the stored values of every frame of a compressed instance, in the file's order.

    Raises
    ------
    ValueError
        When the frames are not what the header says, damaged, or cut short.
    MissingDependency
        When the decoder of this syntax is not installed.
    """
    if syntax not in COMPRESSED:
        raise ValueError("no decoder for this transfer syntax")
    content = source.get_item("PixelData")
    if content is None or not isinstance(content.value, bytes):
        raise ValueError("no pixel data")
    number = 0
    for number, fragments in enumerate(
        generate_fragmented_frames(
            content.value, number_of_frames=stored.frames, extended_offsets=_extended_offsets(source)
        ),
        1,
    ):
        if number > stored.frames:
            raise ValueError("more frames than the header says")
        frame = b"".join(fragments)
        yield decode_rle(frame, stored) if syntax == RLELossless else _process().decode(frame, stored, syntax)
    if number != stored.frames:
        raise ValueError(f"{number} frames where {stored.frames} belong")


def _extended_offsets(source: FileDataset) -> tuple[bytes, bytes] | None:
    offsets, lengths = source.get("ExtendedOffsetTable"), source.get("ExtendedOffsetTableLengths")
    return (offsets, lengths) if offsets and lengths else None


def decode_rle(frame: bytes, stored: Stored) -> Values:
    """Give the values of a run-length encoded grey frame: its bytes lie in planes, the highest first."""
    planes = stored.allocated // 8
    count = int.from_bytes(frame[:4], "little")
    starts = [int.from_bytes(frame[4 + 4 * n : 8 + 4 * n], "little") for n in range(min(count, 15))]
    if count != planes or starts != sorted(starts) or starts[0] < 64:
        raise ValueError("the run-length header is not that of one grey frame")
    size = stored.rows * stored.columns
    joined = np.empty((size, planes), dtype=np.uint8)
    for number, (start, stop) in enumerate(zip(starts, [*starts[1:], len(frame)], strict=True)):
        joined[:, planes - 1 - number] = np.frombuffer(unpack_bits(frame[start:stop], size), np.uint8)
    return joined.reshape(-1).view("<u2" if planes == 2 else "u1").reshape(stored.rows, stored.columns)


def unpack_bits(packed: bytes, size: int) -> bytes:
    """Give the `size` bytes that a PackBits segment stands for.

    >>> unpack_bits(bytes([2, 7, 8, 9, 254, 5]), 6).hex()
    '070809050505'
    """
    parts: list[bytes] = []
    at = done = 0
    end = len(packed)
    while done < size and at < end:
        head = packed[at]
        if head < 128:
            part = packed[at + 1 : at + 2 + head]
            at += 2 + head
        elif head > 128:
            part = packed[at + 1 : at + 2] * (257 - head)
            at += 2
        else:
            at += 1
            continue
        parts.append(part)
        done += len(part)
    if done != size:
        raise ValueError("a run-length segment is too short or too long")
    return b"".join(parts)


class DecoderProcess:
    """A process that decodes frames; one that dies or hangs costs the frame it had, and the next one starts anew."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        command = [sys.executable, "-m", "workbench.ingest.series.decoder_process"]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, and no word of anybody else's
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    @property
    def is_alive(self) -> bool:
        """Whether it waits for frames."""
        return self.owner == os.getpid() and self._process.poll() is None

    def decode(self, frame: bytes, stored: Stored, syntax: str) -> Values:
        """Give the stored values of a frame; see `codecs.decode`."""
        facts = (syntax, stored.rows, stored.columns, stored.allocated, int(stored.is_signed), len(frame))
        try:
            letter, answer = self._ask(" ".join(map(str, facts)).encode() + b"\n" + frame)
        except (OSError, TimeoutError, EOFError) as problem:
            self.stop()
            raise ValueError("the decoder gave up on this frame") from problem
        if letter == MISSING:
            raise MissingDependency(answer.decode())
        if letter != GOOD:
            raise ValueError(answer.decode())
        values = np.frombuffer(answer, dtype=np.uint8 if len(answer) == stored.rows * stored.columns else "<u2")
        return values.reshape(stored.rows, stored.columns)

    def stop(self) -> None:
        """End the process, if it is this one's own."""
        if self.owner == os.getpid():
            self._process.kill()
            self._process.communicate()

    def _ask(self, question: bytes) -> tuple[bytes, bytes]:
        source, target = self._process.stdin, self._process.stdout
        if source is None or target is None:
            raise EOFError
        source.write(question)
        source.flush()
        head = self._read(target.fileno(), 9)
        return head[:1], self._read(target.fileno(), int.from_bytes(head[1:], "little"))

    def _read(self, descriptor: int, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if not select.select([descriptor], [], [], LONGEST_S)[0]:
                raise TimeoutError
            part = os.read(descriptor, size)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


_running: list[DecoderProcess] = []


def _process() -> DecoderProcess:
    """Give the decoder of this process; it starts with the first frame and ends with this process."""
    if not _running or not _running[-1].is_alive:
        _running[:] = [DecoderProcess()]
    return _running[-1]


@atexit.register
def _stop() -> None:
    for process in _running:
        process.stop()
