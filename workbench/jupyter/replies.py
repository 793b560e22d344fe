"""The one JSON form in which this door answers errors, whoever raised them.

Runs in: Jupyter server
"""

from __future__ import annotations

import json
from http.client import responses
from typing import Any

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado.web import HTTPError

from workbench.errors import ERRORS, InvalidInput, WorkbenchError

# What Jupyter's authorizer is asked about, for every address of this door.
RESOURCE = "workbench"
BY_STATUS = {cls.status: cls for cls in reversed(ERRORS.values())} | {401: ERRORS["not-signed-in"]}


def send_error(handler: JupyterHandler, error: WorkbenchError) -> None:
    """Answer a request with an error of the workbench."""
    handler.set_status(error.status)
    handler.set_header("Content-Type", "application/json")
    handler.set_header("Cache-Control", "no-store")
    handler.finish(json.dumps(error.as_dict(), ensure_ascii=False))


class WorkbenchHandler(APIHandler):
    """A handler whose every error, Jupyter's own included, has the workbench's form."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write an exception as JSON; of an unforeseen one only that it happened."""
        problem = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(problem, WorkbenchError):
            send_error(self, problem)
            return
        message = f"The lab server answered {status_code} ({responses.get(status_code, 'no name')})."
        if status_code in (401, 403) and not self.current_user:
            status_code, message = (
                403,
                "Nobody is signed in to this server; open the address that `workbench lab` printed.",
            )
            self.finish(json.dumps({"error": "not-signed-in", "code": "not-signed-in", "message": message}))
            return
        if isinstance(problem, HTTPError) and problem.log_message and status_code < 500:
            message = problem.log_message
        name = BY_STATUS.get(status_code, WorkbenchError).name
        self.finish(json.dumps({"error": name, "code": name, "message": message}, ensure_ascii=False))

    def form(self) -> dict[str, Any]:
        """Give the JSON object that was sent.

        Raises
        ------
        InvalidInput
            When the body is something else.
        """
        try:
            value = json.loads(self.request.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise InvalidInput("The body of the request is not a JSON object.")
        return value

    def compute_etag(self) -> str | None:
        """Leave the gateway's ETag alone; Tornado would compute its own over the body."""
        return None
