"""Names of files that people give to save something in, read once.

Runs in: kernel
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import InvalidInput


def read_path(path: object, example: str) -> Path:
    """Give a name as a path, with ~ as the home folder.

    Raises
    ------
    InvalidInput
        When it is no text and no path, or empty, or holds a null character.
    """
    if not isinstance(path, str | os.PathLike) or not str(path).strip() or "\0" in str(path):
        raise InvalidInput(f"{path!r} is no name of a file; give one such as {example}.")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        # Somebody without a home folder means a file that is called so.
        return Path(path)


def check_place(target: Path, example: str) -> None:
    """Refuse a place where no file can be made.

    Raises
    ------
    InvalidInput
        When its folder does not exist, or it is a folder itself.
    """
    # os.path, since a Path raises where a name is longer than the file system takes; writing says so better.
    if not os.path.isdir(target.parent):
        raise InvalidInput(f"There is no folder “{target.parent}” to save “{target.name}” in; make it first.")
    if os.path.isdir(target):
        raise InvalidInput(f"“{target}” is a folder; give the name of a file in it, such as {example}.")


def reason(problem: OSError) -> str:
    """Give why a file could not be opened, in the system's words, without the name of a draft."""
    return os.strerror(problem.errno) if problem.errno else str(problem)


def could_not_write(target: Path, problem: OSError) -> InvalidInput:
    """Give the error that says why a file could not be written."""
    name = target.name if len(target.name) <= 60 else f"{target.name[:60]}…"
    return InvalidInput(f"“{name}” could not be written: {reason(problem)}; save it elsewhere.")
