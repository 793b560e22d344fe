"""Looks at a zip file before anything of it is unpacked, and gives its files only when every one is harmless.

Runs in: gateway | evaluator | terminal
Source: APPNOTE.TXT 6.3.10, 4.3.12 and 4.3.16 (central directory); Fifield, A better zip bomb (2019).
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from workbench.benchmark.evaluation.failures import failed

MIB = 2**20
END_MARK, END_SIZE, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
LONGEST_NAME, DEEPEST = 200, 8
# One entry of the central directory: 46 bytes, the name, and the few extra fields that usual programs write.
ENTRY_BYTES = 46 + LONGEST_NAME + 150
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Bounds:
    """What a zip file may hold: files, and bytes in all when unpacked."""

    files: int
    unpacked_bytes: int


def read_zip(content: bytes, bounds: Bounds, *, code: str = "MODEL_REFUSED") -> dict[str, bytes]:
    """Give the files of a zip by name, or refuse the whole of it.

    Parameters
    ----------
    content : bytes
        The zip.
    bounds : Bounds
        How much it may hold.
    code : str
        The failure code of a refusal.

    Raises
    ------
    SubmissionRefused
        For links, devices, absolute paths, `..`, repeated names, encryption, and more files or bytes than `bounds`.
    """
    try:
        _check_directory(content, bounds)
        with zipfile.ZipFile(io.BytesIO(content)) as box:
            entries = box.infolist()
            _check_entries(entries, bounds)
            return _unpack(box, entries, bounds)
    except _Refused as problem:
        raise failed(code, f"This zip file is refused: {problem}.") from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise failed(code, "This zip file is refused: it is damaged, or made in an unusual way.") from None
    except zlib.error:
        raise failed(code, "This zip file is refused: its compressed bytes are damaged.") from None


class _Refused(Exception):
    """A rule that the zip breaks."""


def _check_directory(content: bytes, bounds: Bounds) -> None:
    """Refuse by the last record alone, before Python reads a directory of millions of entries."""
    start = content.rfind(END_MARK, max(0, len(content) - END_SIZE - LONGEST_COMMENT))
    if start < 0 or len(content) - start < END_SIZE:
        raise _Refused("it has no end record, so it is not a zip or not all of it")
    count, size = struct.unpack_from("<HL", content, start + 10)
    if count > bounds.files or size > bounds.files * ENTRY_BYTES:
        raise _Refused(f"it has more than {bounds.files} entries")


def _check_entries(entries: list[zipfile.ZipInfo], bounds: Bounds) -> None:
    if len(entries) > bounds.files:
        raise _Refused(f"it has more than {bounds.files} entries")
    if sum(entry.file_size for entry in entries) > bounds.unpacked_bytes:
        raise _Refused(f"unpacked it has more than {bounds.unpacked_bytes // MIB} MiB")
    seen: set[str] = set()
    for entry in entries:
        _check_name(entry.filename)
        # Two names that differ in case are one file on some machines.
        name = entry.filename.rstrip("/").casefold()
        if name in seen:
            raise _Refused("it holds the same name twice")
        seen.add(name)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _Refused("it holds a link or a device; only plain files are taken")
        if entry.flag_bits & 0x1:
            raise _Refused("it is encrypted")
        if entry.compress_type not in METHODS:
            raise _Refused("it is packed by another method than deflate; pack it again with a usual program")
    files = {entry.filename.casefold() for entry in entries if not entry.is_dir()}
    if any(str(parent).casefold() in files for entry in entries for parent in PurePosixPath(entry.filename).parents):
        raise _Refused("one name is both a file and a folder")


def _check_name(name: str) -> None:
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or "\\" in name or (len(name) > 1 and name[1] == ":"):
        raise _Refused("it holds an absolute path; name every file relative to the folder")
    if any(part in ("", ".", "..") for part in parts):
        raise _Refused("it holds a path with “..” or an empty part")
    if len(name) > LONGEST_NAME or len(parts) > DEEPEST or not name.isprintable():
        raise _Refused(f"a name is longer than {LONGEST_NAME} characters, deeper than {DEEPEST} folders, or unreadable")


def _unpack(box: zipfile.ZipFile, entries: list[zipfile.ZipInfo], bounds: Bounds) -> dict[str, bytes]:
    """Read every file, and stop where it goes on beyond the size that it states."""
    found: dict[str, bytes] = {}
    room = bounds.unpacked_bytes
    for entry in entries:
        if entry.is_dir():
            continue
        with box.open(entry) as file:
            found[entry.filename] = file.read(entry.file_size + 1)
        room -= len(found[entry.filename])
        if len(found[entry.filename]) != entry.file_size or room < 0:
            raise _Refused("a file in it is larger or smaller than it states")
    return found
