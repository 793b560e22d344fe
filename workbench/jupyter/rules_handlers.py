"""The check of a custodian's policy text, which needs neither a key nor a datum and so never goes to the gateway.

Runs in: Jupyter server
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from workbench.errors import InvalidInput, WorkbenchError
from workbench.jupyter.replies import RESOURCE, WorkbenchHandler, send_error


class PolicyCheckHandler(WorkbenchHandler):
    """A policy text that is not in force yet."""

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self) -> None:
        """Give its mistakes and how its examples come out."""
        try:
            self.finish(json.dumps(await asyncio.to_thread(_check, self.request.body)))
        except WorkbenchError as error:
            send_error(self, error)


def _check(body: bytes) -> dict[str, Any]:
    from workbench.governance.policy.checking import check_text  # noqa: PLC0415 - heavy, loaded on first use

    try:
        form = json.loads(body)
        text, dataset = form["text"], form.get("dataset", "")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidInput("The body needs “text”: the policy, and may name its “dataset”.") from None
    if not isinstance(text, str) or not isinstance(dataset, str):
        raise InvalidInput("“text” and “dataset” are texts.")
    return check_text(text, dataset=dataset).as_dict()


def rules_handlers(root: str) -> list[tuple[Any, ...]]:
    """Give these handlers for a Tornado application whose API begins at `root`."""
    return [(root + "policy/check", PolicyCheckHandler)]
