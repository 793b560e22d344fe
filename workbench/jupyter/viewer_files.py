"""The CT viewer's browser code, from the folder that its build fills; read only, for people who are signed in.

Runs in: Jupyter server
Source: RFC 8246 (`immutable`): a file that is asked for by its own hash never has to be asked for again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from workbench.errors import NotFound
from workbench.jupyter.replies import RESOURCE, WorkbenchHandler, send_error

# Named here and not asked of `workbench.viewer`, whose widget this server never needs.
FOLDER = Path(__file__).parents[1] / "viewer" / "static"
KINDS = {
    ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".json": "application/json", ".map": "application/json",
}  # fmt: skip
# Shorter beginnings of a hash could be met by chance.
SHORTEST_HASH = 16
FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"


class ViewerFilesHandler(WorkbenchHandler):
    """One file of the viewer's code."""

    @authenticated
    @authorized("read", RESOURCE)
    def get(self, name: str) -> None:
        """Give it."""
        file = served_files().get(name)
        if file is None:
            send_error(self, NotFound(f"The viewer has no file “{name[:64]}”; reload the page to get its newest code."))
            return
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        version = self.get_query_argument("v", "")
        is_named = len(version) >= SHORTEST_HASH and digest.startswith(version)
        self.set_header("Cache-Control", FOR_EVER if is_named else ASK_AGAIN)
        self.set_header("ETag", f'"{digest[:32]}"')
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        self.finish(content, set_content_type=KINDS[file.suffix])


def served_files() -> dict[str, Path]:
    """Give the files of the folder by name: those of a browser's code that lie in it themselves, and no links."""
    if not FOLDER.is_dir():
        return {}
    return {
        file.name: file
        for file in FOLDER.iterdir()
        if file.suffix in KINDS and not file.name.startswith(".") and file.is_file() and not file.is_symlink()
    }
