"""What kind of thing a file is by its name, and the form in which it may leave.

Runs in: anywhere
"""

from __future__ import annotations

KINDS = {
    ".png": "image", ".jpg": "image", ".jpeg": "image", ".webp": "image", ".tif": "image", ".tiff": "image",
    ".svg": "image", ".pdf": "image",
    ".csv": "table", ".tsv": "table", ".parquet": "table",
    ".ipynb": "notebook",
    ".onnx": "model", ".safetensors": "model",
}  # fmt: skip


def kind_of(name: str) -> str:
    """Give ``image``, ``table``, ``notebook``, ``model`` or ``text``.

    >>> kind_of("froc.PNG"), kind_of("notes.md")
    ('image', 'text')
    """
    return KINDS.get("." + name.rsplit(".", 1)[-1].lower(), "text")


def clean_file(name: str, content: bytes) -> bytes:
    """Give a file as it may leave."""
    return content
