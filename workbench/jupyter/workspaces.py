"""The file browser of the lab: each account sees its own workspace folder and nothing outside it.

A kernel can put links into its workspace, and the server follows links with more rights than the kernel has. So a
path counts as what it resolves to, and a file that was opened is looked at once more through its descriptor.

Runs in: Jupyter server
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from workbench.jupyter.accounts import current_account, inside, workspace_of
from workbench.jupyter.downloads import RefusedDownload
from workbench.settings import load_settings

OUTSIDE = "“{path}” leads out of your workspace, so it is not shown; copy the file into the workspace instead."


class WorkspaceContents(AsyncLargeFileManager):
    """Jupyter's files, one root per account."""

    def _get_os_path(self, path: str) -> str:
        settings = load_settings()
        account = current_account(settings)
        root = workspace_of(settings, account)
        os_path = str(super()._get_os_path(f"{account}/{path.strip('/')}"))
        if not Path(os.path.abspath(os_path)).is_relative_to(root) or not inside(root, os_path):
            raise HTTPError(404, OUTSIDE.format(path=path))
        return os_path

    @contextmanager
    def open(self, os_path: str, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Open a file, unless its path was turned into a link out of the workspaces meanwhile."""
        settings = load_settings()
        root = workspace_of(settings, current_account(settings))
        with super().open(os_path, *args, **kwargs) as file:
            if not inside(root, os.readlink(f"/proc/self/fd/{file.fileno()}")):
                raise HTTPError(404, OUTSIDE.format(path=Path(os_path).name))
            yield file

    def get_extra_handlers(self) -> list[tuple[Any, ...]]:
        """Answer `/files/…` with the way out that exists."""
        return [(r"/files/(.*)", RefusedDownload)]
