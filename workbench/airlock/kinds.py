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
    ".txt": "text", ".md": "text", ".json": "text",
}  # fmt: skip
# Forms of models that run code or hide data when they are opened: named so that they are refused with that reason.
REFUSED_MODELS = (
    ".bin", ".ckpt", ".dill", ".h5", ".hdf5", ".joblib", ".keras", ".npy", ".npz", ".pb", ".pickle", ".pkl", ".pt",
    ".pth", ".rds", ".skops", ".tflite", ".torch",
)  # fmt: skip
KINDS.update(dict.fromkeys(REFUSED_MODELS, "model"))


def suffix_of(name: str) -> str:
    """Give the ending of a name in small letters with its dot, or nothing."""
    return "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""


def kind_of(name: str) -> str:
    """Give ``image``, ``table``, ``notebook``, ``model`` or ``text``.

    >>> kind_of("froc.PNG"), kind_of("notes.md")
    ('image', 'text')
    """
    return KINDS.get(suffix_of(name), "text")


def clean_file(name: str, content: bytes) -> bytes:
    """Give a file as it may leave: pictures without metadata, also those inside a notebook; the rest as it is.

    What cannot be read comes back unchanged, and the check refuses it.
    """
    from workbench.airlock.scanners.cleaning import clean_image  # noqa: PLC0415 - the kernel needs only the kinds
    from workbench.airlock.scanners.notebook import clean_notebook  # noqa: PLC0415 - the same

    try:
        if kind_of(name) == "image":
            return clean_image(content)
        if kind_of(name) == "notebook":
            return clean_notebook(content, clean_image=clean_image)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, SyntaxError):
        return content
    return content
