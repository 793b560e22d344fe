"""Reads what somebody wants to send: a file as it is, or a folder packed the same way every time.

Runs in: terminal
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from workbench.benchmark.submissions.validation import PROGRAM, kind_of
from workbench.errors import InvalidInput, cause_of

MAX_BYTES = 256 * 2**20
MAX_FILES = 2000
# What editors and Python leave behind is not part of a submission.
LEFT_OUT = frozenset({"__pycache__", ".git", ".ipynb_checkpoints", ".venv"})
# The first moment that a zip can hold: the same folder gives the same bytes, and so the same digest.
EPOCH = (1980, 1, 1, 0, 0, 0)
BY_ENDING = {".onnx": "onnx", ".csv": "predictions", ".json": "predictions"}


def read_submission(path: Path) -> tuple[str, bytes]:
    """Give the kind and the bytes of a file or folder that is to be sent.

    Raises
    ------
    InvalidInput
        When it cannot be read, is too large, or is a folder without predict.py or with links in it.
    """
    if path.is_dir():
        return "folder", pack(path)
    try:
        # Bounded, for a pipe or a device has no size and may have no end.
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise InvalidInput(f"{path.name} cannot be read ({cause_of(problem)}).") from None
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"{path.name} has more than {MAX_BYTES} bytes; at most so many are sent.")
    return BY_ENDING.get(path.suffix.lower()) or kind_of(content), content


def pack(folder: Path) -> bytes:
    """Give a folder as a zip whose bytes depend on its files alone.

    Raises
    ------
    InvalidInput
        When it holds no predict.py, a link or something that is no plain file, or too much.
    """
    if not (folder / PROGRAM).is_file():
        raise InvalidInput(
            f"{folder.name or folder} holds no {PROGRAM}; that is the program that reads /input/index.json."
        )
    packed, size, output = 0, 0, io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(folder):
            name = file.relative_to(folder).as_posix()
            if file.is_symlink() or not file.is_file():
                raise InvalidInput(f"{name} is a link or no plain file; a submission holds plain files only.")
            if not name.isprintable():
                raise InvalidInput(f"{ascii(name)[1:-1]} has a name that others cannot read; rename it.")
            packed, size = packed + 1, size + file.stat().st_size
            if packed > MAX_FILES or size > MAX_BYTES:
                raise InvalidInput(f"{folder.name} holds more than {MAX_FILES} files or {MAX_BYTES} bytes.")
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            try:
                archive.writestr(entry, file.read_bytes())
            except OSError as problem:
                raise InvalidInput(f"{name} cannot be read ({cause_of(problem)}).") from None
    return output.getvalue()


def _files(folder: Path) -> list[Path]:
    """Give everything in a folder that is no folder, sorted; links to folders are given, never followed."""
    found = []
    for place, folders, files in os.walk(folder):
        linked = [name for name in folders if (Path(place) / name).is_symlink()]
        found += [Path(place) / name for name in [*files, *linked] if name not in LEFT_OUT]
        folders[:] = [name for name in folders if name not in LEFT_OUT and name not in linked]
    return sorted(found, key=lambda file: file.relative_to(folder).as_posix())
