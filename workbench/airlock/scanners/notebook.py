"""The check of an offered notebook: each cell, each output, each mime type, and what notebooks carry unseen.

What is not known is refused: unknown mime types, unknown parts, unknown kinds of cells. Outputs are judged by what they
hold and not by how they look, so a table of people is found as HTML, as text, as LaTeX and as the data of a plot.

Runs in: anywhere
Source: nbformat 4.5 (notebook, cells, outputs, attachments); Jupyter messaging 5.4 (mime bundles).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workbench.airlock.findings import Finding, Hit
from workbench.airlock.scanners.image import hits_in_raster, hits_in_svg
from workbench.airlock.scanners.markup import hits_in_markup
from workbench.airlock.scanners.payload import hits_in_json, hits_in_widgets
from workbench.airlock.scanners.prose import hits_in_text

PARTS = {"cells", "metadata", "nbformat", "nbformat_minor"}
KEYS = {
    "code": {"cell_type", "execution_count", "id", "metadata", "outputs", "source"},
    "markdown": {"attachments", "cell_type", "id", "metadata", "source"},
    "raw": {"attachments", "cell_type", "id", "metadata", "source"},
}
# Metadata of the tools that make and run notebooks; their values are still read as text.
FACTS = {"kernelspec", "language_info", "papermill", "workbench", "widgets", "jupytext", "toc", "title", "authors"}
CELL_FACTS = {
    "tags", "papermill", "execution", "jupyter", "collapsed", "scrolled", "editable", "deletable", "slideshow",
    "trusted", "name", "format", "jp-MarkdownHeadingCollapsed", "nbgrader",
}  # fmt: skip
PLAIN_BYTES = 2000
RASTERS = {"image/png", "image/jpeg", "image/webp"}
RESULT = "application/vnd.workbench.result+json"
_CODE_NAMES = {"identifier", "row-level-table", "encoded-bytes", "number-dump"}
_MARKDOWN_IMAGE = re.compile(r"!\[[^\]]*\]\((?!attachment:)\s*(?:https?:)?//", re.I)


def scan_notebook(name: str, content: bytes) -> list[Finding]:
    """Check one notebook.

    Raises
    ------
    ValueError
        When it is not a notebook of version 4.

    Examples
    --------
    >>> cell = {"cell_type": "code", "source": "", "metadata": {}, "outputs": [{"output_type": "error"}]}
    >>> text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    >>> [(finding.place, finding.rule) for finding in scan_notebook("a.ipynb", text.encode())]
    [('cell 1, output 1', 'traceback')]
    """
    notebook = read_notebook(content)
    found: dict[tuple[str, str], Finding] = {}
    for place, hit in _notebook_hits(notebook):
        finding = hit.at(name, place)
        found.setdefault((finding.place, finding.rule), finding)
    return list(found.values())


def read_notebook(content: bytes) -> dict[str, Any]:
    """Parse a notebook and check the shape that everything here relies on."""
    notebook = json.loads(content)
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("no notebook")
    for cell in notebook["cells"]:
        outputs = cell.get("outputs", []) if isinstance(cell, dict) else None
        if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
            raise ValueError("a malformed cell")
    if not isinstance(notebook.get("metadata", {}), dict):
        raise ValueError("malformed metadata")
    return notebook


def _notebook_hits(notebook: dict[str, Any]) -> Iterator[tuple[str, Hit]]:
    for part in sorted(set(notebook) - PARTS):
        yield "notebook", Hit("unknown-part", f"A part “{part[:40]}” that notebooks do not have; save it again.")
    metadata = dict(notebook.get("metadata", {}))
    for state in dict(metadata.pop("widgets", None) or {}).values():
        yield from (("notebook metadata", hit) for hit in hits_in_widgets(state))
    yield from (("notebook metadata", hit) for hit in _metadata(metadata, FACTS))
    for number, cell in enumerate(notebook["cells"], start=1):
        place = f"cell {number}"
        yield from ((place, hit) for hit in cell_hits(cell))
        for at, output in enumerate(cell.get("outputs", []), start=1):
            yield from ((f"{place}, output {at}", hit) for hit in output_hits(output))


def cell_hits(cell: Mapping[str, Any]) -> Iterator[Hit]:
    """Find what a cell itself carries: unknown parts, attachments, metadata, and its source."""
    kind = str(cell.get("cell_type", "code"))
    strange = sorted(set(cell) - KEYS.get(kind, set()))
    if strange or kind not in KEYS:
        yield Hit("unknown-part", f"A part “{(strange or [kind])[0][:40]}” that cells do not have; save it again.")
    if cell.get("attachments"):
        yield Hit("attachment", "An attachment, which may not be seen; remove it and offer it as a file of its own.")
    yield from _metadata(cell.get("metadata", {}), CELL_FACTS)
    source = joined(cell.get("source", ""))
    if kind == "code":
        yield from (hit._replace(place="source") for hit in hits_in_text(source) if hit.rule in _CODE_NAMES)
        return
    if _MARKDOWN_IMAGE.search(source):
        yield Hit("fetched-content", "A picture that is fetched from elsewhere when it is shown; remove it.")
    yield from (hit._replace(place="text") for hit in (*hits_in_text(source), *_inline_markup(source)))


def output_hits(output: Mapping[str, Any]) -> Iterator[Hit]:
    """Find what one output carries, in every mime type."""
    kind = output.get("output_type")
    if kind == "stream":
        yield from hits_in_text(joined(output.get("text", "")))
    elif kind == "error":
        yield Hit("traceback", "A traceback, whose message and lines can show values; mend the cell and run it again.")
    elif kind in ("display_data", "execute_result"):
        bundle = output.get("data", {})
        for mime in sorted(bundle):
            yield from (hit._replace(place=hit.place or mime[:60]) for hit in _mime_hits(mime, bundle[mime]))
        yield from _metadata(output.get("metadata", {}), {*RASTERS, "needs_background", "isolated", "image/svg+xml"})
    else:
        yield Hit("unknown-part", "An output of a kind that notebooks do not have; clear it.")


def _mime_hits(mime: str, value: Any) -> Iterator[Hit]:
    if mime in RASTERS:
        yield from _raster(value)
    elif mime == "application/vnd.jupyter.widget-view+json":
        known = isinstance(value, Mapping) and set(value) <= {"model_id", "version_major", "version_minor"}
        if not known:
            yield Hit("widget-state", "A widget's view that holds more than the widget's name; clear it.")
    elif mime == RESULT:
        known = isinstance(value, Mapping) and set(value) <= {"name", "value", "interval", "tolerance", "metric"}
        yield from hits_in_json(value) if known else [Hit("unknown-part", "A result with parts results do not have.")]
    elif mime in ("text/plain", "text/markdown", "text/latex"):
        text = joined(value)
        yield from hits_in_text(text)
        yield from hits_in_text(_plain(text)) if mime != "text/plain" else ()
        yield from _inline_markup(text) if mime == "text/markdown" else ()
    elif mime == "text/html":
        yield from hits_in_markup(joined(value))
    elif mime == "image/svg+xml":
        yield from hits_in_svg(joined(value).encode())
    elif mime == "application/json" or re.fullmatch(r"application/(vnd\.(vega|plotly)[\w.-]*|geo)\+json", mime):
        yield from hits_in_json(value)
        yield Hit("plot-data", "The data behind a view, which a reader does not see; save a picture instead.", "look")
    else:
        yield Hit("unknown-mime", "An output of a type that nobody can judge; clear it, or show a picture or text.")


def _raster(value: Any) -> list[Hit]:
    try:
        content = base64.b64decode(re.sub(r"\s", "", joined(value)), validate=True)
    except (binascii.Error, ValueError):
        return [Hit("unreadable", "A picture that cannot be decoded, so nobody can judge it; run the cell again.")]
    return hits_in_raster(content)


def _metadata(metadata: Any, known: set[str]) -> Iterator[Hit]:
    """Find what metadata carry: unknown keys with more than a word, and in the known ones what text can hide."""
    if not isinstance(metadata, Mapping):
        yield Hit("metadata", "Metadata that are not what they should be; clear them.")
        return
    for key, value in metadata.items():
        text = json.dumps(value)
        hits = [*hits_in_text(f"{key}\n{text}"), *(hits_in_json(value) if key not in known else ())]
        yield from (hit._replace(place="metadata") for hit in hits)
        if key not in known and not hits and len(text) > PLAIN_BYTES:
            yield Hit("metadata", f"{len(text):,} characters of metadata that nobody sees; clear them.")
        elif key not in known and not hits and len(text) > 40:
            yield Hit("metadata", "Metadata that nobody sees; clear them or say what they are.", "look")


def _inline_markup(text: str) -> list[Hit]:
    return hits_in_markup(text) if re.search(r"<[a-zA-Z!/]", text) else []


def _plain(text: str) -> str:
    """Give LaTeX's and Markdown's tables as lines of fields."""
    lines = re.sub(r"\\(hline|toprule|midrule|bottomrule|cline\{[^}]*\})|^[ \t:|-]+$", "", text, flags=re.M)
    lines = re.sub(r"\\(textbf|textit|text|mathrm)\{([^}]*)\}", r"\2", lines)
    return re.sub(r"\\\\\s*", "\n", lines).replace("&", "|") if "&" in lines else lines


def joined(text: Any) -> str:
    """Give a text that notebooks keep whole or as lines."""
    parts = text if isinstance(text, list) else [text]
    if not all(isinstance(part, str) for part in parts):
        raise ValueError("a text that is none")
    return "".join(parts)


def clean_notebook(content: bytes, *, clean_image: Callable[[bytes], bytes], drop: bool = False) -> bytes:
    """Give a notebook as it may leave.

    Parameters
    ----------
    content : bytes
        Of a notebook.
    clean_image : callable
        Gives a picture without metadata.
    drop : bool, default False
        Also leave out, with a sentence in their place, the outputs that would be stopped, and attachments.
    """
    notebook = read_notebook(content)
    notebook["metadata"].get("papermill", {}).pop("input_path", None)
    notebook["metadata"].get("papermill", {}).pop("output_path", None)
    if drop:
        notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        if drop:
            cell.pop("attachments", None)
            cell["outputs"] = [_without_stops(output) for output in cell["outputs"]] if "outputs" in cell else []
            if cell.get("cell_type") != "code":
                cell.pop("outputs")
        for output in cell.get("outputs", []):
            for mime in RASTERS & set(output.get("data", {})):
                if not any(hit.severity == "stop" for hit in _raster(output["data"][mime])):
                    image = base64.b64decode(re.sub(r"\s", "", joined(output["data"][mime])))
                    output["data"][mime] = base64.b64encode(clean_image(image)).decode()
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode() + b"\n"


def _without_stops(output: dict[str, Any]) -> dict[str, Any]:
    rules = sorted({hit.rule for hit in output_hits(output) if hit.severity == "stop"})
    if not rules:
        return output
    said = f"Left out: {', '.join(rules)}."
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": said}}
