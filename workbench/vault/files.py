"""Files that are either whole and on the disk, or not there at all.

Runs in: anywhere
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

DRAFT_SUFFIX = ".draft"


def write_whole(file: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file under a temporary name, flush it to the disk, then give it its name; its mode is 0600."""
    make_folder(file.parent)
    descriptor, draft = tempfile.mkstemp(suffix=DRAFT_SUFFIX, dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as output:
            for part in parts:
                output.write(part)
            output.flush()
            os.fsync(output.fileno())
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    flush_folder(file.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each open to its owner alone."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def flush_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
