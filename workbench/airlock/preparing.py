"""What `workbench scan` makes besides: the membership test of a model, and a file as it may leave.

Runs in: terminal
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.airlock.evaluating import evaluate_model
from workbench.airlock.kinds import clean_file, kind_of, suffix_of
from workbench.airlock.membership import ENDING
from workbench.airlock.scanners.cleaning import clean_image
from workbench.airlock.scanners.notebook import clean_notebook
from workbench.errors import Conflict, InvalidInput


def evaluation_of(path: Path, content: bytes, args: argparse.Namespace) -> bytes:
    """Run the membership test of an ONNX model, and keep it beside the model when that is wished.

    Raises
    ------
    InvalidInput
        When it is no ONNX model, or only one of the two files of records is given.
    """
    if suffix_of(path.name) != ".onnx":
        raise InvalidInput("A membership test runs ONNX models only; export the model as ONNX.")
    if not (args.members and args.others):
        raise InvalidInput("A membership test needs --members and --others: records it was trained on, and others.")
    evaluation = evaluate_model(content, Path(args.members), Path(args.others), subjects=args.subjects)
    if args.save:
        path.with_name(path.name + ENDING).write_bytes(evaluation)
    return evaluation


def write_clean(path: Path, content: bytes, out: Path) -> None:
    """Write a file as it may leave: without metadata, and a notebook without the outputs that would be stopped.

    Raises
    ------
    Conflict
        When the file to write exists.
    InvalidInput
        When it is a notebook that cannot be read.
    """
    if out.exists():
        raise Conflict(f"“{out.name}” exists already; name another file with --clean.")
    if kind_of(path.name) != "notebook":
        out.write_bytes(clean_file(path.name, content))
        return
    try:
        cleaned = clean_notebook(content, clean_image=clean_image, drop=True)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InvalidInput(f"“{path.name}” is not a readable notebook ({type(problem).__name__}).") from None
    out.write_bytes(cleaned)
