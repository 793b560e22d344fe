"""Refuses what would carry governed files out of the workspace past the airlock.

Runs in: Jupyter server
"""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import authenticated

from workbench.errors import AccessDenied
from workbench.jupyter.replies import send_error

REFUSAL = (
    "Files of a workspace are not downloaded directly, because they may hold governed data. Offer the file for release "
    'in a notebook: wb.offer("path/of/file", reason="…", controls="…"); two output checkers look at it first.'
)
TERMINALS = "Terminals are off here, because a terminal would run outside the sandbox; use a governed notebook."


class RefusedDownload(JupyterHandler):
    """Answers every method with the sentence that says what to do instead."""

    SENTENCE = REFUSAL
    SUPPORTED_METHODS = ("GET", "HEAD", "POST")

    @authenticated
    @authorized("read", "contents")
    def get(self, *_path: Any) -> None:
        """Refuse."""
        send_error(self, AccessDenied(self.SENTENCE))

    @authenticated
    @authorized("read", "contents")
    def head(self, *_path: Any) -> None:
        """Refuse."""
        send_error(self, AccessDenied(self.SENTENCE))

    @authenticated
    @authorized("execute", "contents")
    def post(self, *_path: Any) -> None:
        """Refuse."""
        send_error(self, AccessDenied(self.SENTENCE))


class RefusedTerminal(RefusedDownload):
    """The same for terminals."""

    SENTENCE = TERMINALS


REFUSED = (
    (r"/files/.*", RefusedDownload),
    (r"/view/.*", RefusedDownload),
    (r"/nbconvert(?:/.*)?", RefusedDownload),
    (r"/(?:api/)?terminals(?:/.*)?", RefusedTerminal),
)
