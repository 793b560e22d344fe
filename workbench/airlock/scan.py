"""The automatic checks that a file passes before a person looks at it; a finding names place and reason.

Each kind of file has a check of its own in `scanners/`. What stops is refused; what is for a look is shown to the
output checkers. What no checker could judge is refused at once.

Runs in: anywhere
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from PIL import Image, UnidentifiedImageError

from workbench.airlock.findings import Finding, ScanContext
from workbench.airlock.kinds import KINDS, kind_of, suffix_of
from workbench.airlock.scanners.image import scan_image
from workbench.airlock.scanners.model import scan_model
from workbench.airlock.scanners.notebook import scan_notebook
from workbench.airlock.scanners.table import scan_table
from workbench.airlock.scanners.text import scan_text
from workbench.errors import InvalidInput

MAX_FILE_BYTES = 20_000_000

_SCANNERS: dict[str, Callable[[str, bytes, ScanContext | None], list[Finding]]] = {
    "table": scan_table,
    "model": scan_model,
    "image": lambda name, content, context: scan_image(name, content),
    "notebook": lambda name, content, context: scan_notebook(name, content),
    "text": lambda name, content, context: scan_text(name, content),
}


def scan_file(name: str, content: bytes, context: ScanContext | None = None) -> list[Finding]:
    """Check one file.

    Parameters
    ----------
    name : str
        The file's name; its ending says what it should be.
    content : bytes
    context : ScanContext, optional
        What is known beside the file: the sidecar of a table, the evaluation of a model.

    Returns
    -------
    list of Finding
        Those that stop first.

    Raises
    ------
    InvalidInput
        When the kind of file cannot be judged, it is too large, or is not what its name says.
    """
    if suffix_of(name) not in KINDS:
        raise InvalidInput(f"“{name}” cannot be released: a checker can judge {', '.join(sorted(KINDS))} only.")
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput(f"“{name}” has {len(content):,} bytes; a release takes at most {MAX_FILE_BYTES:,} per file.")
    kind = kind_of(name)
    unreadable = (
        ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, struct.error,
        UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError,
    )  # fmt: skip
    try:
        findings = _SCANNERS[kind](name, content, context)
    except unreadable as problem:
        raise InvalidInput(f"“{name}” is not a readable {kind} ({type(problem).__name__}); save it again.") from None
    return sorted(findings, key=lambda finding: not finding.is_stop)
