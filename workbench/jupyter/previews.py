"""What an output checker sees of an offered file: plain text, tables and PNG pictures, whatever the file itself is.

Pictures are decoded and drawn again, and HTML and scripts are shown as the text they are, so that a look can run
nothing and hides nothing. An SVG is shown as its text and as an image element, in which browsers run and fetch nothing.

Runs in: Jupyter server
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from workbench.errors import InvalidInput

# One page of a preview; the browser asks for the next one where the file is longer.
PAGE_BYTES = 2_000_000
ROWS, CHARACTERS = 200, 20_000
MOST_PIXELS = 40_000_000
MOST_FRAMES = 64

MOST_STREAM_BYTES = 5_000_000
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_NO_PDF = "A PDF is not drawn here but shown as what it is made of; ask the author for a PNG where that does not do."

Part = dict[str, Any]


def preview(name: str, content: bytes, start: int = 0) -> dict[str, Any]:
    """Give the parts of a file that a browser can show safely.

    Parameters
    ----------
    name : str
        The file's name; its ending says what it should be.
    content : bytes
    start : int
        The first part wanted, from 0.

    Returns
    -------
    dict
        `parts`, each a ``text``, ``table`` or ``image`` with a `label`, and `next`, the part to go on with or None.

    Raises
    ------
    InvalidInput
        When the file is not what its name says.
    """
    show = _SHOWN.get(name.rsplit(".", 1)[-1].lower(), _bytes)
    parts: list[Part] = []
    size = 0
    try:
        for number, part in enumerate(show(content)):
            if number < start:
                continue
            if parts and size > PAGE_BYTES:
                return {"parts": parts, "next": number}
            parts.append(part)
            size += len(json.dumps(part))
    except (ValueError, KeyError, TypeError, OSError, SyntaxError, RecursionError, struct.error):
        raise InvalidInput(f"“{name}” cannot be read as what its name says, so nothing of it is shown.") from None
    return {"parts": parts, "next": None}


def _text(content: bytes, label: str = "") -> Iterator[Part]:
    text = content.decode("utf-8", errors="backslashreplace")
    for begin in range(0, max(len(text), 1), CHARACTERS):
        yield {"kind": "text", "label": label, "text": text[begin : begin + CHARACTERS]}


def _bytes(content: bytes) -> Iterator[Part]:
    yield {"kind": "text", "label": "This kind of file cannot be shown; it begins with", "text": content[:256].hex(" ")}


def _table(columns: list[str], rows: list[list[str]], label: str = "") -> Iterator[Part]:
    for begin in range(0, max(len(rows), 1), ROWS):
        piece = rows[begin : begin + ROWS]
        said = f"rows {begin + 1}–{begin + len(piece)} of {len(rows)}"
        yield {"kind": "table", "label": f"{label} · {said}" if label else said, "columns": columns, "rows": piece}


def _csv(content: bytes) -> Iterator[Part]:
    text = content.decode("utf-8", errors="backslashreplace")
    dialect = csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel
    rows = list(csv.reader(io.StringIO(text), dialect))
    yield from _table(rows[0] if rows else [], rows[1:])


def _parquet(content: bytes) -> Iterator[Part]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use
    import pyarrow.parquet as pq  # noqa: PLC0415 - the same

    try:
        found = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as problem:
        raise ValueError("not Parquet") from problem
    texts = [[str(value) for value in column.to_pylist()] for column in found.columns]
    yield from _table(found.column_names, [list(row) for row in zip(*texts, strict=True)])
    for key, value in (found.schema.metadata or {}).items():
        yield from _text(value, f"metadata “{key.decode(errors='replace')}”")


def _picture(content: bytes, label: str = "") -> Iterator[Part]:
    from PIL import Image  # noqa: PLC0415 - heavy, loaded on first use

    with Image.open(io.BytesIO(content)) as picture:
        frames = min(int(getattr(picture, "n_frames", 1)), MOST_FRAMES)
        for frame in range(frames):
            picture.seek(frame)
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError("a picture too large to show")
            name = f"{label} frame {frame + 1} of {frames}".strip() if frames > 1 else label
            yield _drawn(picture, name)
            if "A" in picture.getbands() and picture.getchannel("A").getextrema() != (255, 255):
                # What is fully transparent is not seen, and still leaves with the file.
                yield _drawn(picture.convert("RGBA").convert("RGB"), f"{name} without its transparency".strip())
        for key, value in picture.info.items():
            if isinstance(value, (str, bytes)) and key != "compression":
                text = value.encode() if isinstance(value, str) else value
                yield from _text(text, f"metadata “{key}”")


def _drawn(picture: Any, label: str) -> Part:
    shown = picture if picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else picture.convert("RGB")
    drawn = io.BytesIO()
    clean = shown.copy()
    clean.info = {}
    clean.save(drawn, "PNG")
    said = " · ".join(text for text in (label, f"{picture.width} × {picture.height}") if text)
    return {"kind": "image", "label": said, "png": base64.b64encode(drawn.getvalue()).decode()}


def _svg(content: bytes) -> Iterator[Part]:
    yield {"kind": "image", "label": "drawn", "svg": content.decode("utf-8")}
    yield from _text(content, "as text")


def _pdf(content: bytes) -> Iterator[Part]:
    """Give a PDF as the objects it is made of; the airlock's own checks refuse one that hides some."""
    yield from _text(_NO_PDF.encode())
    end = 0
    for number, stream in enumerate(_STREAM.finditer(content), start=1):
        yield from _text(content[end : stream.start(1)], f"between streams, before number {number}")
        end = stream.end(1)
        try:
            body = zlib.decompressobj().decompress(stream[1], MOST_STREAM_BYTES)
        except zlib.error:
            body = stream[1]
        yield from _text(body, f"stream {number}")
    yield from _text(content[end:], "after the streams")


def _notebook(content: bytes) -> Iterator[Part]:
    book = json.loads(content)
    for number, cell in enumerate(book["cells"], start=1):
        place = f"cell {number} · {cell.get('cell_type', '?')}"
        yield from _text(_joined(cell.get("source", "")).encode(), place)
        for name, bundle in (cell.get("attachments") or {}).items():
            yield from _bundle(bundle, f"{place} · attachment {name}")
        for output in cell.get("outputs", []):
            yield from _output(output, f"cell {number}")
        if cell.get("metadata"):
            yield from _text(_pretty(cell["metadata"]), f"{place} · metadata")
    yield from _text(_pretty(book.get("metadata", {})), "notebook · metadata")


def _output(output: dict[str, Any], place: str) -> Iterator[Part]:
    kind = output.get("output_type", "?")
    if kind == "stream":
        yield from _text(_joined(output.get("text", "")).encode(), f"{place} · printed")
    elif kind == "error":
        yield from _text("\n".join(output.get("traceback", [])).encode(), f"{place} · traceback")
    else:
        yield from _bundle(output.get("data", {}), place)
        if output.get("metadata"):
            yield from _text(_pretty(output["metadata"]), f"{place} · output metadata")


def _bundle(bundle: dict[str, Any], place: str) -> Iterator[Part]:
    for mime, value in bundle.items():
        if mime.startswith("image/") and mime != "image/svg+xml":
            yield from _picture(base64.b64decode(_joined(value)), f"{place} · {mime}")
        else:
            text = _joined(value).encode() if isinstance(value, (str, list)) else _pretty(value)
            yield from _text(text, f"{place} · {mime}")


def _onnx(content: bytes) -> Iterator[Part]:
    import onnx  # noqa: PLC0415 - heavy, loaded on first use
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # noqa: PLC0415

    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as problem:
        raise ValueError("not ONNX") from problem
    kinds = onnx.TensorProto.DataType
    tensors = [
        [tensor.name, kinds.Name(tensor.data_type), " × ".join(map(str, tensor.dims)), str(tensor.ByteSize())]
        for tensor in model.graph.initializer
    ]
    yield from _table(["tensor", "type", "shape", "bytes"], tensors, "weights")
    nodes = [[node.op_type, node.domain, " ".join(node.input), " ".join(node.output)] for node in model.graph.node]
    yield from _table(["operator", "domain", "inputs", "outputs"], nodes, "graph")
    for prop in model.metadata_props:
        yield from _text(prop.value.encode(), f"metadata “{prop.key}”")
    yield from _text(model.doc_string.encode(), "description")


def _safetensors(content: bytes) -> Iterator[Part]:
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    notes = header.pop("__metadata__", {})
    rows = []
    for name, known in header.items():
        begin, end = known["data_offsets"]
        rows.append([name, known["dtype"], " × ".join(map(str, known["shape"])), str(end - begin)])
    yield from _table(["tensor", "type", "shape", "bytes"], rows, "weights")
    yield from _text(_pretty(notes), "metadata")


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _pretty(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


_SHOWN: dict[str, Callable[[bytes], Iterator[Part]]] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "tif", "tiff"), _picture),
    **dict.fromkeys(("csv", "tsv"), _csv),
    **dict.fromkeys(("txt", "md", "json"), _text),
    "svg": _svg, "pdf": _pdf, "parquet": _parquet, "ipynb": _notebook, "onnx": _onnx, "safetensors": _safetensors,
}  # fmt: skip
