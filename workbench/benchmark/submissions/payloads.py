"""The bytes of submissions in the home: what was sent, and the predictions that came of it; 0600, written whole.

Runs in: gateway
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Container
from pathlib import Path

from workbench.errors import NotFound

ENDINGS = {"onnx": ".onnx", "predictions": ".sent", "folder": ".zip"}
CANONICAL = ".predictions"


class Payloads:
    """The files of one home's submissions, by submission."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sent(self, submission: str, kind: str) -> Path:
        """Give where the bytes of a submission lie."""
        return self.folder / f"{submission}{ENDINGS[kind]}"

    def predictions(self, submission: str) -> Path:
        """Give where the canonical predictions of an evaluation lie."""
        return self.folder / f"{submission}{CANONICAL}"

    def stage(self, content: bytes) -> Path:
        """Write bytes to the disk under a name of their own; `place` gives them theirs."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / f"arriving-{secrets.token_hex(8)}"
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as output:
            output.write(content)
            output.flush()
            os.fsync(output.fileno())
        return file

    def place(self, staged: Path, file: Path) -> None:
        """Give staged bytes their name; after a crash there is the whole file or none."""
        staged.replace(file)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self, file: Path) -> bytes:
        """Give the bytes of a file.

        Raises
        ------
        NotFound
            When there are none: those of validations are not kept, and predictions come only of an evaluation.
        """
        try:
            return file.read_bytes()
        except FileNotFoundError:
            raise NotFound("Nothing is kept here of this submission.") from None

    def drop(self, submission: str, kind: str) -> None:
        """Forget what was sent and what came of it: all of it, where a submission ended without a score."""
        for file in (self.sent(submission, kind), self.predictions(submission)):
            file.unlink(missing_ok=True)

    def sweep(self, kept: Container[str]) -> None:
        """Remove what belongs to no submission of these, such as what was on its way when the gateway was killed."""
        for file in self.folder.glob("*"):
            if file.is_file() and file.stem not in kept:
                file.unlink()
