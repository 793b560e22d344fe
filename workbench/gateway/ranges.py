"""Read a Range header and give the bytes it asks for, whole, in one part or in several.

Runs in: gateway
Source: RFC 9110 sections 14.1-14.6 (range requests, 206, 416, multipart/byteranges).
"""

from __future__ import annotations

import re
from itertools import pairwise

from workbench.errors import RangeNotSatisfiable

Range = tuple[int, int]

MAX_RANGES = 256
BOUNDARY = "workbench-part"
_SPEC = re.compile(r"(\d{0,18})-(\d{0,18})")


def read_ranges(header: str | None, size: int) -> list[Range] | None:
    """Give the (start, stop) pairs that a Range header asks of an object, or None for all of it.

    Raises
    ------
    RangeNotSatisfiable
        When the header is malformed, holds too many ranges, or ranges that overlap or are out of order (a few
        bytes of header must not ask for gigabytes), or asks for bytes that do not exist. RFC 9110 would let a
        server ignore such a header and send everything; a client that erred is told instead.

    >>> read_ranges("bytes=0-9,-4", 100)
    [(0, 10), (96, 100)]
    """
    if header is None:
        return None
    unit, equals, specs = header.partition("=")
    pieces = specs.split(",", MAX_RANGES + 1)
    if unit.strip().lower() != "bytes" or not equals or len(pieces) > MAX_RANGES:
        raise RangeNotSatisfiable(f"A Range header reads `bytes=first-last`, with at most {MAX_RANGES} ranges.")
    ranges = [_one(piece.strip(), size) for piece in pieces]
    if any(former[1] > latter[0] for former, latter in pairwise(ranges)):
        raise RangeNotSatisfiable("Several ranges must stand in ascending order and may not overlap.")
    return ranges


def part_head(start: int, stop: int, size: int) -> bytes:
    """Give what precedes one part of a multipart/byteranges answer."""
    return f"\r\n--{BOUNDARY}\r\nContent-Range: bytes {start}-{stop - 1}/{size}\r\n\r\n".encode()


PARTS_END = f"\r\n--{BOUNDARY}--\r\n".encode()


def _one(spec: str, size: int) -> Range:
    match = _SPEC.fullmatch(spec)
    if match is None or spec == "-":
        raise RangeNotSatisfiable("A Range header reads `bytes=first-last`; both ends count from 0.")
    first, last = match.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
    if start >= stop:
        raise RangeNotSatisfiable(f"The range {spec} asks for nothing: the object has {size} bytes.")
    return start, stop
