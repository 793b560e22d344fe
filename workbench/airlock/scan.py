"""The automatic checks that a file passes before a person looks at it; a finding names place and reason.

Findings do not decide: they are shown to the output checkers. What no checker could judge is refused at once.

Runs in: anywhere
"""

from __future__ import annotations

import io
import json
from typing import Any

from PIL import Image, UnidentifiedImageError

from workbench.airlock.findings import Finding, ScanContext
from workbench.airlock.scanners.table import scan_table
from workbench.errors import InvalidInput

MAX_FILE_BYTES = 20_000_000
KINDS = {
    ".png": "image",
    ".csv": "table",
    ".tsv": "table",
    ".parquet": "table",
    ".ipynb": "notebook",
    ".onnx": "model",
    ".txt": "text",
    ".md": "text",
    ".json": "text",
}
# A row that names one of these is about one person, not about a group.
PERSON_COLUMNS = {"subject", "scan", "patient", "patientid", "seriesuid", "subject_id", "scan_id"}
# Mime types whose payload holds the data behind a picture, or pixels a reader does not see.
DATA_MIMES = {"application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json", "application/javascript"}


def scan_file(name: str, content: bytes, context: ScanContext | None = None) -> list[Finding]:
    """Check one file.

    Parameters
    ----------
    name : str
        The file's name; its ending says what it should be.
    content : bytes
    context : ScanContext, optional
        What is known beside the file.

    Raises
    ------
    InvalidInput
        When the kind of file cannot be judged, it is too large, or is not what its name says.
    """
    suffix = "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if suffix not in KINDS:
        raise InvalidInput(f"“{name}” cannot be released: a checker can judge {', '.join(sorted(KINDS))} only.")
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput(f"“{name}” has {len(content):,} bytes; a release takes at most {MAX_FILE_BYTES:,} per file.")
    try:
        if KINDS[suffix] == "table":
            return scan_table(name, content, context)
        return _SCANNERS[KINDS[suffix]](name, content)
    except (ValueError, KeyError, UnidentifiedImageError, OSError) as problem:
        raise InvalidInput(
            f"“{name}” is not a readable {KINDS[suffix]} ({type(problem).__name__}); save it again."
        ) from None


def _scan_image(name: str, content: bytes) -> list[Finding]:
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        texts = sorted(str(key) for key in picture.info if key not in {"dpi", "gamma", "srgb", "transparency"})
    return [
        Finding(name, f"metadata “{key}”", "metadata", "text that is not seen in the picture")
        for key in texts
        if key != "Software"
    ]


def _scan_notebook(name: str, content: bytes) -> list[Finding]:
    notebook = json.loads(content)
    findings = []
    if "widgets" in notebook.get("metadata", {}):
        findings.append(Finding(name, "metadata", "widget-state", "saved widget state, which can carry a volume"))
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell.get("attachments"):
            findings.append(Finding(name, f"cell {number}", "attachment", "an attachment"))
        for output in cell.get("outputs", []):
            findings += _scan_output(name, f"cell {number}", output)
    return findings


def _scan_output(name: str, place: str, output: dict[str, Any]) -> list[Finding]:
    if output["output_type"] == "error":
        return [Finding(name, place, "traceback", "a traceback, which can show values")]
    data = output.get("data", {})
    findings = [
        Finding(name, place, "data-mime", f"{mime}, data that is not seen")
        for mime in sorted(data)
        if mime in DATA_MIMES
    ]
    html = "".join(data.get("text/html", ""))
    if html.count("<tr") > 1 and any(f">{column}<" in html.lower() for column in PERSON_COLUMNS):
        findings.append(Finding(name, place, "row-level-table", "a table with a row for each person"))
    return findings


def _scan_model(name: str, content: bytes) -> list[Finding]:
    if content[:2] in (b"PK", b"\x80\x02", b"\x80\x04"):
        raise ValueError("a pickle or archive")
    return [Finding(name, "weights", "model", f"{len(content):,} bytes of a model can remember training data")]


def _scan_text(name: str, content: bytes) -> list[Finding]:
    content.decode("utf-8")
    return []


_SCANNERS = {
    "image": _scan_image, "notebook": _scan_notebook, "model": _scan_model, "text": _scan_text,
}  # fmt: skip
