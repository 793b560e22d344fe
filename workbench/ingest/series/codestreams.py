"""What a compressed frame says of itself, read before any decoder touches it.

Decoders forgive: a stream that is cut short comes back as a picture with a grey foot, and one of another size than
its header says can take all memory. So the frame's own size is compared with the header's first.

Runs in: ingest host
Source: ISO/IEC 10918-1 B.1 and B.2 (JPEG markers, SOF), 14495-1 C.2 (JPEG-LS), 15444-1 A.4 and A.5 (SIZ, EOC).
"""

from __future__ import annotations

from typing import NamedTuple

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
J2K_START = b"\xff\x4f\xff\x51"
JP2_START = b"\x00\x00\x00\x0cjP"
# Start of frame: 0xC0 to 0xCF without DHT (C4), JPG (C8) and DAC (CC); 0xF7 is JPEG-LS.
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD8)))


class FrameSize(NamedTuple):
    """What a codestream declares."""

    rows: int
    columns: int
    components: int
    bits: int
    is_signed: bool


def read_jpeg_size(frame: bytes) -> FrameSize:
    """Give the size that a JPEG or JPEG-LS stream declares.

    Raises
    ------
    ValueError
        When it is no such stream, or its end is missing.
    """
    if frame[:2] != SOI or EOI not in frame[-4:]:
        raise ValueError("the stream has no start or no end")
    at = 2
    while at + 4 <= len(frame):
        if frame[at] != 0xFF:
            raise ValueError("no marker where one belongs")
        marker = frame[at + 1]
        if marker == 0xFF or marker in WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in FRAME_MARKERS and at + 10 <= len(frame):
            return FrameSize(
                rows=int.from_bytes(frame[at + 5 : at + 7], "big"),
                columns=int.from_bytes(frame[at + 7 : at + 9], "big"),
                components=frame[at + 9], bits=frame[at + 4], is_signed=False,
            )  # fmt: skip
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    raise ValueError("no start of frame")


def read_j2k_size(frame: bytes) -> FrameSize:
    """Give the size that a JPEG 2000 stream (plain or in a JP2 file) declares.

    Raises
    ------
    ValueError
        When it is no such stream, or its end is missing.
    """
    start = frame.find(J2K_START) if frame.startswith(JP2_START) else 0
    head = frame[start : start + 45]
    if head[:4] != J2K_START or len(head) < 45 or EOI not in frame[-4:]:
        raise ValueError("the stream has no start or no end")
    right, lower, left, upper = (int.from_bytes(head[at : at + 4], "big") for at in (8, 12, 16, 20))
    precision = head[42]
    return FrameSize(
        rows=lower - upper, columns=right - left, components=int.from_bytes(head[40:42], "big"),
        bits=(precision & 0x7F) + 1, is_signed=bool(precision & 0x80),
    )  # fmt: skip
