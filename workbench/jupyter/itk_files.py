"""The browser's part of itkwidgets, from the installed Python package, for the lab extension that shows it.

Runs in: Jupyter server
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import StaticFileHandler, authenticated

from workbench.errors import MissingDependency
from workbench.jupyter.replies import RESOURCE, send_error

ABSENT = (
    "itkwidgets is not installed where JupyterLab runs, so there is nothing to show it with. Install the extra: "
    'pip install "ai4h-workbench[itk]", and start JupyterLab again.'
)


class ItkFilesHandler(JupyterHandler, StaticFileHandler):
    """Its script, its worker and its decoder; read only, and only for people who are signed in."""

    SUPPORTED_METHODS = ("GET", "HEAD")

    def initialize(self) -> None:
        """Find the files, without importing the package, which takes seconds."""
        self.folder = files_of_itkwidgets()
        StaticFileHandler.initialize(self, path=str(self.folder or Path("/nonexistent")))

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self, path: str, include_body: bool = True) -> None:
        """Give a file."""
        if self.folder is None:
            send_error(self, MissingDependency(ABSENT))
            return
        await StaticFileHandler.get(self, path, include_body)

    @authenticated
    @authorized("read", RESOURCE)
    async def head(self, path: str) -> None:
        """Say what a file is."""
        await self.get(path, include_body=False)


def files_of_itkwidgets() -> Path | None:
    """Give the folder of its browser files, or None where it is not installed."""
    found = find_spec("itkwidgets")
    for place in (found and found.submodule_search_locations) or ():
        folder = Path(place) / "static"
        if (folder / "index.js").is_file():
            return folder
    return None
