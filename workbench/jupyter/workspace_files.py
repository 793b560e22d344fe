"""Files of a workspace: listed by kind, and read without following a link out of it.

Runs in: Jupyter server
"""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.airlock.kinds import KINDS, kind_of
from workbench.airlock.sidecar import ENDING, sidecar_name
from workbench.errors import InvalidInput, NotFound
from workbench.jupyter.accounts import inside, workspace_of
from workbench.settings import Settings

# What the airlock can judge; its own check decides, this list only spares people a refusal.
SUFFIXES = frozenset({*KINDS, ".txt", ".md", ".json"})
MOST_FILES = 500
MOST_FILE_BYTES = 20_000_000


def list_workspace(settings: Settings, account: str, suffixes: frozenset[str] = SUFFIXES) -> list[dict[str, Any]]:
    """List an account's files of some kinds, newest first, as `path`, `bytes` and `modified`.

    Left out, the kinds are those that may be offered for release.
    """
    root = workspace_of(settings, account)
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            file = Path(folder, name)
            # A sidecar goes along with its table and is not chosen by itself.
            if file.suffix.lower() not in suffixes or name.startswith(".") or name.endswith(ENDING):
                continue
            known = file.lstat()
            if stat.S_ISREG(known.st_mode):
                found.append((known.st_mtime, str(file.relative_to(root)), known.st_size))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [
        {"path": path, "bytes": size, "modified": datetime.fromtimestamp(modified, UTC).isoformat()}
        for modified, path, size in found[:MOST_FILES]
    ]


def read_workspace(settings: Settings, account: str, path: str, most_bytes: int = MOST_FILE_BYTES) -> tuple[str, bytes]:
    """Give the name and the content of one file of an account's workspace.

    Raises
    ------
    NotFound
        When there is no such file, or a link leads out of the workspace.
    InvalidInput
        When the file is larger than the caller takes.
    """
    root = workspace_of(settings, account)
    missing = NotFound(f"There is no file “{path[:200]}” in your workspace; choose it from the list again.")
    if "\0" in path or not inside(root, root / path):
        raise missing
    try:
        # Neither a link put there since the check above nor a pipe without a writer may be opened.
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise missing from None
    try:
        is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if not is_plain or not inside(root, os.readlink(f"/proc/self/fd/{descriptor}")):
            raise missing
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most_bytes + 1)
    finally:
        os.close(descriptor)
    if len(content) > most_bytes:
        size = f"{most_bytes // 1_000_000} MB"
        raise InvalidInput(f"“{Path(path).name}” is larger than {size}; make it smaller, or offer a summary of it.")
    return Path(path).name, content


def read_with_sidecar(settings: Settings, account: str, path: str) -> dict[str, bytes]:
    """Give a file of the workspace by its name and, of a table, the sidecar that lies beside it. Raises as above."""
    name, content = read_workspace(settings, account, path)
    found = {name: content}
    if kind_of(name) == "table":
        beside = sidecar_name(name)
        try:
            found[beside] = read_workspace(settings, account, str(Path(path).with_name(beside)))[1]
        except NotFound:
            # Most tables have none; the checks then go by the columns of counts that they recognise.
            return found
    return found
