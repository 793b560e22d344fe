"""The process that decodes frames: one after the other from its input to its output, until the input ends.

A damaged stream makes some C libraries abort, and others write a warning and go on with wrong values. Here the first
costs one frame instead of the ingest, and the second is heard.

Runs in: ingest host
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from typing import BinaryIO

from workbench.errors import MissingDependency
from workbench.ingest.series.codecs import Form, decode

GOOD, DAMAGED, MISSING = b"G", b"D", b"M"
# A stream that claims more is meant to exhaust memory; its size was compared with the header before.
MOST_BYTES = 8 * 2**30
# gdcm tries a stream as 8 bits first and says so; it then reads it as 12 or 16.
NO_DAMAGE = b"Unsupported JPEG data precision"


def serve(source: BinaryIO, target: BinaryIO, warnings: BinaryIO) -> None:
    """Answer each frame with a letter, the length and the bytes: its values, or why there are none."""
    while header := source.readline():
        syntax, *numbers = header.decode("ascii").split()
        rows, columns, allocated, is_signed, size = (int(number) for number in numbers)
        letter, answer = _answer(source.read(size), Form(syntax, rows, columns, allocated, bool(is_signed)))
        if letter == GOOD and _warned(warnings):
            letter, answer = DAMAGED, b"the decoder warned of damage"
        target.write(letter + len(answer).to_bytes(8, "little") + answer)
        target.flush()


def _warned(warnings: BinaryIO) -> bool:
    """Whether a library wrote something of damage since the last frame."""
    warnings.seek(0)
    said = warnings.read()
    warnings.seek(0)
    warnings.truncate(0)
    return any(line and not line.startswith(NO_DAMAGE) for line in said.splitlines())


def _answer(frame: bytes, form: Form) -> tuple[bytes, bytes]:
    try:
        return GOOD, decode(frame, form).tobytes()
    except MissingDependency as problem:
        return MISSING, str(problem).encode()
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as problem:
        return DAMAGED, type(problem).__name__.encode()


def main() -> None:
    """Serve standard input and output; what libraries write to standard error is kept apart and counted."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    with tempfile.TemporaryFile(buffering=0) as warnings:
        os.dup2(warnings.fileno(), 2)
        # Libraries may print; only frames may reach the pipe.
        target = os.fdopen(os.dup(1), "wb")
        os.dup2(warnings.fileno(), 1)
        serve(sys.stdin.buffer, target, warnings)


if __name__ == "__main__":
    main()
