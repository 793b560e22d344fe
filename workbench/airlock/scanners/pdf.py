"""What a PDF hides: scripts, files, other revisions, pictures of scans, exact points, and text nobody sees.

Only plain documents are judged, such as plotting libraries write: every object in the open, streams packed by
Flate or not at all. A document that hides its objects in streams, is
encrypted or was changed after it was saved is refused.

Runs in: anywhere
Source: ISO 32000-1:2008, 7.3.8 (streams), 7.5.6 (incremental updates), 7.5.7 (object streams), 12.6 (actions).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.airlock.findings import Hit
from workbench.airlock.scanners.pixels import hits_in_picture, hits_in_pixels
from workbench.airlock.scanners.prose import hits_in_text

ACTIVE = (
    "JS", "JavaScript", "EmbeddedFile", "EmbeddedFiles", "Launch", "RichMedia", "AcroForm", "XFA", "Encrypt", "ObjStm",
    "OpenAction", "AA", "GoToR", "SubmitForm", "ImportData", "URI", "FileAttachment", "OCG", "OCProperties",
)  # fmt: skip
MAX_STREAM = 100_000_000
MANY_POINTS = 1500
MANY_MARKS = 20
_STREAM = re.compile(rb"\bstream\r?\n")
_INDEXED = re.compile(rb"/Indexed\s*/DeviceRGB\s*\d+\s*\((?P<table>(?:\\.|[^\\()])*)\)", re.S)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_INFO = re.compile(
    rb"/(Author|Title|Subject|Keywords|Creator|Producer|CreationDate|ModDate)\s*(\((?:\\.|[^()\\])*\)|<[^<>]*>)"
)
_MARK = re.compile(rb"/M\d+ Do")
_STEP = re.compile(rb"[-\d.]+ [-\d.]+ [lm]\b")
_SHOWN = re.compile(rb"\((?:\\.|[^()\\])*\)")


def hits_in_pdf(content: bytes) -> list[Hit]:
    """Find what a PDF carries, each rule once.

    Raises
    ------
    ValueError
        When it is not a PDF.
    """
    if not content.startswith(b"%PDF-"):
        raise ValueError("no PDF")
    return list({hit.rule: hit for hit in _hits(content)}.values())


def clean_pdf(content: bytes) -> bytes:
    """Give the same document with author, title, dates and other facts blanked; every offset stays."""
    return _INFO.sub(
        lambda found: (
            b"/"
            + found[1]
            + found[0][len(found[1]) + 1 : found.start(2) - found.start() + 1]
            + b" " * (len(found[2]) - 2)
            + found[2][-1:]
        ),
        content,
    )


def _hits(content: bytes) -> Iterator[Hit]:
    end = content.rfind(b"%%EOF") + 5
    if content.count(b"%%EOF") != 1 or content.count(b"startxref") != 1:
        yield Hit("revisions", "More than one revision, of which readers show the last; save it once, from new.")
    elif content[end:].strip():
        yield Hit("trailing-bytes", f"{len(content) - end:,} bytes behind the document; save it again.")
    names = set(re.findall(rb"/([A-Za-z]+)", _outside(content)))
    for name in ACTIVE:
        if name.encode() in names:
            yield Hit("active-content", f"/{name}, which runs, hides or fetches; save a plain figure.")
            break
    if any(found[2].strip(b"()<> ") for found in _INFO.finditer(content)):
        yield Hit("metadata", "Author, title or dates; they are taken out when the file is offered.", "look")
    for head, body in _streams(content):
        yield from _stream_hits(head, body)


def _outside(content: bytes) -> bytes:
    """Give the document without the bodies of its streams."""
    parts, at = [], 0
    while (found := _STREAM.search(content, at)) is not None:
        parts.append(content[at : found.start()])
        at = content.find(b"endstream", found.end())
        if at < 0:
            return b"".join(parts)
        at += len(b"endstream")
    return b"".join([*parts, content[at:]])


def _streams(content: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """Give each stream's dictionary and its bytes, unpacked; None where that is not possible."""
    at = 0
    while (found := _STREAM.search(content, at)) is not None:
        head = content[at : found.start()].rpartition(b" obj")[2]
        end = content.find(b"endstream", found.end())
        at = end + len(b"endstream")
        # What is a stream to a reader must be one here: nothing may stand between its end and that of its object.
        if end < 0 or not re.match(rb"\s*endobj", content[at : at + 20]):
            yield b"", None
            return
        yield head, _unpacked(head, content[found.end() : end])


def _unpacked(head: bytes, body: bytes) -> bytes | None:
    # Between brackets stands a palette, whose bytes may look like any word.
    found = re.findall(rb"/Filter\s*(\[[^\]]*\]|/\w+)", _INDEXED.sub(b"", head))
    filters = re.findall(rb"/(\w+)", b"".join(found))
    if filters in ([], [b"DCTDecode"]):
        return body
    if filters != [b"FlateDecode"]:
        return None
    try:
        inflate = zlib.decompressobj()
        unpacked = inflate.decompress(body, MAX_STREAM)
        is_whole = inflate.eof and not inflate.unconsumed_tail and not inflate.unused_data.strip()
        return _predicted(head, unpacked) if is_whole else None
    except (zlib.error, ValueError):
        return None


def _predicted(head: bytes, body: bytes) -> bytes:
    """Undo PNG's row predictors, which pictures are packed with."""
    if b"/Predictor" not in head:
        return body
    columns = _int(head, "Columns", 1)
    width = columns * _int(head, "Colors", 1) * _int(head, "BitsPerComponent", 8) // 8
    step = max(1, width // columns)
    rows = np.frombuffer(body, np.uint8).reshape(-1, width + 1)
    out = np.zeros((len(rows) + 1, width), np.int64)
    for number, row in enumerate(rows, start=1):
        out[number] = _row(int(row[0]), row[1:].astype(np.int64), out[number - 1], step)
    return out[1:].astype(np.uint8).tobytes()


def _row(kind: int, row: NDArray[np.int64], above: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    if kind in (0, 2):
        return (row + (above if kind else 0)) % 256
    for at in range(len(row)):
        left, corner = (int(row[at - step]), int(above[at - step])) if at >= step else (0, 0)
        up = int(above[at])
        guess = left if kind == 1 else (left + up) // 2 if kind == 3 else _paeth(left, up, corner)
        row[at] = (row[at] + guess) % 256
    return row


def _paeth(left: int, up: int, corner: int) -> int:
    first = left + up - corner
    return min((left, up, corner), key=lambda value: abs(first - value))


def _stream_hits(head: bytes, body: bytes | None) -> Iterator[Hit]:
    if body is None:
        yield Hit(
            "unreadable", "A part that cannot be unpacked, so nobody can judge it; save it as a plain PDF or PNG."
        )
    elif b"/Subtype /Image" in head or b"/Subtype/Image" in head:
        yield from _picture(head, body)
    elif b"/Metadata" in head or b"/XML" in head:
        yield Hit("active-content", "A block of metadata that is not seen; save the figure without it.")
    elif b"/FontFile" in head or b"/Length1" in head or b"/CIDInit" in body[:200]:
        return
    else:
        if len(set(_MARK.findall(body))) and len(_MARK.findall(body)) >= MANY_MARKS:
            yield Hit("plot-data", f"{len(_MARK.findall(body))} points with exact coordinates; save the figure as PNG.")
        elif len(_STEP.findall(body)) >= MANY_POINTS:
            yield Hit("plot-data", f"Lines through {len(_STEP.findall(body))} exact points; save the figure as PNG.")
        if re.search(rb"\b3 Tr\b", body):
            yield Hit("hidden-text", "Text that is not drawn; save the figure again without it.")
        text = b"\n".join(part[1:-1] for part in _SHOWN.findall(body)).decode("latin-1")
        yield from hits_in_text(text)


def _picture(head: bytes, body: bytes) -> Iterator[Hit]:
    if b"/DCTDecode" in head:
        yield from hits_in_picture(body)
        return
    width, height, bits = (_int(head, name, 0) for name in ("Width", "Height", "BitsPerComponent"))
    palette = _INDEXED.search(head)
    bands = 3 if b"/DeviceRGB" in head and palette is None else 1
    if bits != 8 or len(body) != width * height * bands or not len(body):
        yield Hit("unreadable", "A picture inside that is not plain 8-bit; save the figure as PNG.")
        return
    planes = np.frombuffer(body, np.uint8).reshape(height, width, bands)
    if palette is not None:
        table = re.sub(rb"\\(.)", lambda one: _ESCAPES.get(one[1], one[1]), palette["table"], flags=re.S)
        colours = np.zeros((256, 3), np.uint8)
        known = np.frombuffer(table[: len(table) // 3 * 3], np.uint8).reshape(-1, 3)[:256]
        colours[: len(known)] = known
        planes = colours[planes[:, :, 0]]
    alpha = np.full((height, width, 1), 255, np.uint8)
    yield from hits_in_pixels(np.concatenate([np.broadcast_to(planes, (height, width, 3)), alpha], axis=2))


def _int(head: bytes, name: str, default: int) -> int:
    found = re.search(rb"/" + name.encode() + rb"\s+(\d+)", head)
    return int(found[1]) if found else default
