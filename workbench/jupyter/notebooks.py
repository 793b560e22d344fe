"""The notebooks that come with the workbench, and laying one into a workspace.

Runs in: Jupyter server
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import workbench
from workbench.errors import AccessDenied, NotFound
from workbench.jupyter.accounts import inside, workspace_of
from workbench.settings import Settings

PACKAGE = Path(workbench.__file__).resolve().parent
# In a wheel they lie in the package, in a checkout beside it.
FOLDERS = (PACKAGE / "notebooks", PACKAGE.parent / "notebooks")


def shipped_notebooks() -> list[dict[str, str]]:
    """List the shipped notebooks as `folder`, `name` and `title`, the question that heads each."""
    root = _root()
    files = sorted(root.glob("*/*.ipynb")) if root else []
    return [{"folder": file.parent.name, "name": file.name, "title": _title(file)} for file in files]


def shipped_notebook(folder: str, name: str) -> Path:
    """Give the file of a shipped notebook.

    Raises
    ------
    NotFound
        When no such notebook is shipped.
    """
    root = _root()
    source = root / folder / name if root else None
    if source is None or ".." in (folder, name) or "/" in name or not source.is_file():
        raise NotFound(f"No notebook {folder}/{name} comes with the workbench; see the launcher for those that do.")
    return source


def place_notebook(settings: Settings, account: str, folder: str, name: str) -> str:
    """Copy a shipped notebook into an account's workspace, unless it is there; give its path in the file browser.

    Raises
    ------
    NotFound
        When no such notebook is shipped.
    AccessDenied
        When the workspace's folder of that name is a link that leads elsewhere.
    """
    name = name if name.endswith(".ipynb") else f"{name}.ipynb"
    source = shipped_notebook(folder, name)
    workspace = workspace_of(settings, account)
    target = workspace / folder / name
    if not inside(workspace, target):
        raise AccessDenied(f"“{folder}” in your workspace is a link that leads out of it; remove the link first.")
    target.parent.mkdir(exist_ok=True)
    try:
        # Not following a link here closes the gap between the check above and the writing.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except FileExistsError:
        return f"{folder}/{name}"
    with os.fdopen(descriptor, "wb") as file:
        file.write(source.read_bytes())
    return f"{folder}/{name}"


def _root() -> Path | None:
    return next((folder for folder in FOLDERS if folder.is_dir()), None)


def title_of(notebook: Mapping[str, Any], name: str) -> str:
    """Give the question that heads a notebook, or its name."""
    text = "".join(notebook["cells"][0]["source"]) if notebook["cells"] else ""
    first = text.strip().splitlines()[0] if text.strip() else name
    return first.lstrip("# ").strip() or name


def _title(file: Path) -> str:
    try:
        return title_of(json.loads(file.read_text()), file.stem)
    except (OSError, ValueError, KeyError, IndexError):
        return file.stem
