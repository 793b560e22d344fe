"""Looks at what is sent before it is taken in: what kind of file it is, and whether predictions can be scored.

No label is read and nobody's code runs: format, ids, ranges, duplicates and coverage are all there is to see.

Runs in: gateway | evaluator | terminal
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from typing import TYPE_CHECKING

from workbench.errors import SubmissionRefused

if TYPE_CHECKING:
    from workbench.benchmark.tasks.definition import TaskDefinition

# A zip begins with its first file, or with its end record when it holds none.
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
PROGRAM = "predict.py"


def kind_of(content: bytes) -> str:
    """Give the kind of submission that bytes are: `folder`, `predictions` or, for all else, `onnx`.

    >>> kind_of(b"scan,x_mm,y_mm,z_mm,probability")
    'predictions'
    """
    if content.startswith(ZIP):
        return "folder" if _holds_program(content) else "predictions"
    try:
        head = content[:256].decode("utf-8-sig", errors="strict" if len(content) < 256 else "ignore")
    except UnicodeDecodeError:
        return "onnx"
    is_text = bool(head.strip()) and all(mark.isprintable() or mark in "\r\n\t" for mark in head)
    return "predictions" if is_text else "onnx"


def check_predictions(task: TaskDefinition, content: bytes, items: Collection[str]) -> SubmissionRefused | None:
    """Give why predictions cannot be scored, or None when they can.

    Parameters
    ----------
    task : TaskDefinition
        Says the kind, the classes or levels, and what an item without an answer is.
    content : bytes
        The file.
    items : collection of str
        Every item of the hidden test.
    """
    from workbench.benchmark.evaluation.predictions import parse  # noqa: PLC0415 - numpy, loaded on first use

    try:
        found = parse(task.kind, content, items, classes=classes_of(task))
        if task.missing == "reject":
            found.require_complete()
    except SubmissionRefused as refusal:
        return refusal
    return None


def classes_of(task: TaskDefinition) -> tuple[str, ...]:
    """Give the answers that a task allows, where it names them: its classes, or its levels."""
    if task.truth.levels is not None:
        first, last = task.truth.levels
        return tuple(str(level) for level in range(first, last + 1))
    return tuple(task.truth.classes)


def _holds_program(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.rpartition("/")[2] == PROGRAM for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return True  # whoever unpacks a folder says what is wrong with it
