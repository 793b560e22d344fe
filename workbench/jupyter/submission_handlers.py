"""Submitting from the workspace: the files that a task could take, and sending one to the hidden test.

Runs in: Jupyter server
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.jupyter.accounts import workspace_of
from workbench.jupyter.airlock_handlers import AirlockHandler
from workbench.jupyter.lines import GatewayLines
from workbench.jupyter.replies import RESOURCE, send_error
from workbench.jupyter.workspace_files import list_workspace, read_workspace
from workbench.settings import Settings

SUFFIXES = frozenset({".csv", ".json", ".onnx", ".zip"})
PROGRAM = "predict.py"
MOST_BYTES = 256_000_000
MOST_FILES, MOST_FOLDERS = 500, 50
LEFT_OUT = ("__pycache__", ".ipynb_checkpoints")
# The same moment for every file, so that the same folder is the same submission.
MOMENT = (2000, 1, 1, 0, 0, 0)


class SubmittableHandler(AirlockHandler):
    """What of the workspace a task could take."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """List files, newest first, and before them the folders with a `predict.py`."""
        try:
            found = await asyncio.to_thread(list_submittable, self.settings_of_home, self.account)
            self.finish(json.dumps({"files": found}))
        except WorkbenchError as error:
            send_error(self, error)


class SubmitHandler(AirlockHandler):
    """Sending a file or a folder of the workspace to a task."""

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self, task: str) -> None:
        """Send it; what comes of it is asked for by its id."""
        try:
            form = self.form()
            path, intent, note = (str(form.get(name, "")) for name in ("path", "intent", "note"))
            content = await asyncio.to_thread(read_submittable, self.settings_of_home, self.account, path)
            kind = {"kind": "folder"} if path.endswith("/") else {}
            url = f"/v1/tasks/{quote(task, safe='')}/submissions?{urlencode({'intent': intent, 'note': note, **kind})}"
            headers = {"Content-Type": "application/octet-stream"}
            self.finish((await self.lines.ask(self.account, "POST", url, body=content, headers=headers))[2])
        except WorkbenchError as error:
            send_error(self, error)


def list_submittable(settings: Settings, account: str) -> list[dict[str, Any]]:
    """List what could be submitted as `path`, `bytes` and `modified`; a folder's path ends with a slash."""
    root = workspace_of(settings, account)
    folders: list[dict[str, Any]] = []
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in LEFT_OUT)
        if PROGRAM in names and folder != str(root) and len(folders) < MOST_FOLDERS:
            folders.append({"path": f"{Path(folder).relative_to(root)}/", "bytes": 0, "modified": ""})
            below.clear()
    return [*folders, *list_workspace(settings, account, SUFFIXES)]


def read_submittable(settings: Settings, account: str, path: str) -> bytes:
    """Give the bytes of a file, or of a folder as a zip.

    Raises
    ------
    NotFound
        When the workspace has no such file, or the folder no `predict.py`.
    InvalidInput
        When it is too large.
    """
    if not path.endswith("/"):
        return read_workspace(settings, account, path, MOST_BYTES)[1]
    root = workspace_of(settings, account)
    top = root / path
    if ".." in Path(path).parts or Path(path).is_absolute():
        raise NotFound(f"There is no folder “{path[:200]}” in your workspace; choose it from the list again.")
    packed = io.BytesIO()
    size = count = 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, below, names in os.walk(top):
            below[:] = sorted(name for name in below if not name.startswith(".") and name not in LEFT_OUT)
            for name in sorted(names):
                content = read_workspace(settings, account, str(Path(folder, name).relative_to(root)), MOST_BYTES)[1]
                size, count = size + len(content), count + 1
                if size > MOST_BYTES or count > MOST_FILES:
                    raise InvalidInput(
                        f"“{path[:200]}” holds more than {MOST_FILES} files or {MOST_BYTES // 1_000_000} MB; "
                        "keep in it only what predict.py needs."
                    )
                archive.writestr(zipfile.ZipInfo(str(Path(folder, name).relative_to(top)), MOMENT), content)
        if PROGRAM not in archive.namelist():
            raise NotFound(f"“{path[:200]}” holds no {PROGRAM}; a folder is submitted by the program that it holds.")
    return packed.getvalue()


def submission_handlers(root: str, lines: GatewayLines) -> list[tuple[Any, ...]]:
    """Give these handlers for a Tornado application whose API begins at `root`."""
    table: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("workspace/submittable", SubmittableHandler),
        (r"tasks/(?P<task>[^/?]+)/submissions", SubmitHandler),
    )
    return [(root + pattern, handler, {"lines": lines}) for pattern, handler in table]
