"""Files that are broken by seed: cut, overwritten, with lengths that lie, nested without end, or no DICOM at all."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence

from pydicom.uid import UID

UIDS = (
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.102",
)  # fmt: skip
LENGTHS = (0, 1, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, 0x10000)
DEEP, EMPTY_BYTES, BOMB_BYTES = 3000, 40_000, 64_000_000


def broken_files(bases: Sequence[bytes], seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Give (how it was broken, content) of many files made from whole ones, then of the oddities."""
    draw = random.Random(seed)  # noqa: S311 - not a secret: the same seed must break the same
    for number in range(count):
        how = MUTATIONS[number % len(MUTATIONS)]
        content = bytearray(draw.choice(bases))
        yield how.__name__.strip("_"), bytes(how(content, draw))
    yield from oddities(bases[0]).items()


def _cut(content: bytearray, draw: random.Random) -> bytearray:
    return content[: draw.randrange(len(content))]


def _cut_in_header(content: bytearray, draw: random.Random) -> bytearray:
    return content[: draw.randrange(132, min(len(content), 3000))]


def _flip_bytes(content: bytearray, draw: random.Random) -> bytearray:
    for _ in range(draw.randrange(1, 40)):
        content[draw.randrange(128, len(content))] = draw.randrange(256)
    return content


def _overwrite_a_length(content: bytearray, draw: random.Random) -> bytearray:
    at = draw.randrange(132, len(content) - 4)
    content[at : at + 4] = draw.choice(LENGTHS).to_bytes(4, "little")
    return content


def _remove_a_piece(content: bytearray, draw: random.Random) -> bytearray:
    at = draw.randrange(132, len(content))
    del content[at : at + draw.randrange(1, 200)]
    return content


def _repeat_a_piece(content: bytearray, draw: random.Random) -> bytearray:
    at = draw.randrange(132, len(content))
    content[at:at] = content[at : at + draw.randrange(1, 500)]
    return content


def _clear_a_piece(content: bytearray, draw: random.Random) -> bytearray:
    at, size = draw.randrange(132, len(content)), draw.randrange(1, 300)
    content[at : at + size] = bytes(len(content[at : at + size]))
    return content


def _claim_a_syntax(content: bytearray, draw: random.Random) -> bytearray:
    found = next((uid for uid in UIDS if f"UI{chr(len(uid) + len(uid) % 2)}\0{uid}".encode() in content[:600]), UIDS[1])
    wanted = draw.choice(UIDS).encode()
    old = found.encode() + b"\0" * (len(found) % 2)
    return bytearray(bytes(content).replace(old, wanted.ljust(len(old), b"\0")[: len(old)], 1))


def _swap_vrs(content: bytearray, draw: random.Random) -> bytearray:
    old, new = draw.sample((b"LO", b"US", b"SQ", b"DS", b"UI", b"FD", b"OW", b"IS", b"CS", b"DA"), 2)
    return bytearray(bytes(content).replace(old, new, draw.randrange(1, 8)))


def _add_garbage(content: bytearray, draw: random.Random) -> bytearray:
    return content + draw.randbytes(draw.randrange(1, 3000))


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _cut, _cut_in_header, _flip_bytes, _overwrite_a_length, _remove_a_piece, _repeat_a_piece, _clear_a_piece,
    _claim_a_syntax, _swap_vrs, _add_garbage,
)  # fmt: skip


def oddities(base: bytes) -> dict[str, bytes]:
    """Give files that no random change makes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("IM0001", base)
    start = base[:128] + b"DICM"
    return {
        "empty": b"",
        "one byte": b"D",
        "only a preamble": base[:128],
        "only the prefix": start,
        "zip": packed.getvalue(),
        "html": b"<!DOCTYPE html><title>Sign in</title><p>Your session has ended." + b" " * 200,
        "text": b"patient,date\n" * 40,
        "no preamble": base[132:],
        "garbage behind the prefix": start + random.Random(3).randbytes(4000),  # noqa: S311 - as above
        "file meta alone": base[: 144 + int.from_bytes(base[140:144], "little")],
        "sequences without end": _with_body(
            b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * DEEP
        ),
        "nested in UN": _with_body(b"\x08\0\x40\x11UN\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * DEEP),
        "a value of 4 GB": _with_body(b"\x10\0\x10\0UT\0\0\xfe\xff\xff\xffOkonkwo"),
        "pixels that are not there": base.split(b"\xe0\x7f\x10\0")[0],
        "deflated emptiness": _deflated(b"\0" * EMPTY_BYTES),
        "deflated pixels": _deflated(b"\xe0\x7f\x10\0OW\0\0" + BOMB_BYTES.to_bytes(4, "little") + b"\0" * BOMB_BYTES),
        "deflated half": _deflated(b"\x08\0\x05\0CS\x0a\0ISO_IR 100" * 50)[:-20],
    }


def _with_body(body: bytes, syntax: str = UIDS[1]) -> bytes:
    uid = UID(syntax).encode() + b"\0" * (len(syntax) % 2)
    meta = b"\2\0\x10\0UI" + len(uid).to_bytes(2, "little") + uid
    group = b"\2\0\0\0UL\4\0" + len(meta).to_bytes(4, "little")
    return b"\0" * 128 + b"DICM" + group + meta + body


def _deflated(body: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return _with_body(deflate.compress(body) + deflate.flush(), UIDS[3])
