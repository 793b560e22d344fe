"""A package index made in a test: a folder of wheels."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def make_wheel(
    folder: Path, name: str, version: str = "1.0", *, needs: Sequence[str] = (), files: Mapping[str, str] | None = None,
    licence: str = "MIT",
) -> Path:  # fmt: skip
    """Write a wheel of one module `NAME` with a `VERSION` in it, and give its path."""
    files = files if files is not None else {f"{name}.py": f"VERSION = {version!r}\n"}
    facts = f"{name}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"License: {licence}"]
    metadata += [f"Requires-Dist: {need}" for need in needs]
    content = dict(files) | {
        f"{facts}/METADATA": "\n".join(metadata) + "\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in content.items()]
    content[f"{facts}/RECORD"] = "\n".join([*record, f"{facts}/RECORD,,"]) + "\n"
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
