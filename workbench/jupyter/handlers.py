"""`/workbench/api/…`: a table of what the browser may ask, each entry forwarded to the gateway as the signed-in person.

Runs in: Jupyter server
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.jupyter.accounts import current_account
from workbench.jupyter.airlock_handlers import airlock_handlers
from workbench.jupyter.lines import GatewayLines, Reply
from workbench.jupyter.notebooks import place_notebook, shipped_notebooks
from workbench.jupyter.replies import RESOURCE, WorkbenchHandler, send_error
from workbench.jupyter.report_handlers import report_handlers
from workbench.jupyter.submission_handlers import submission_handlers
from workbench.settings import load_settings

LARGEST_BODY = 64 * 1024
UNKNOWN = "There is no such address below /workbench/api; reload the page to get its newest version."
# A report is HTML: the policy that lets it run and fetch nothing must come with it.
PASSED_HEADERS = (
    "etag", "cache-control", "content-encoding", "content-security-policy", "x-content-type-options", "x-packed",
    "x-shape",
)  # fmt: skip

# Path below /workbench/api -> path at the gateway, and the methods that are let through.
READ, WRITE, BOTH, END = ("GET",), ("POST",), ("GET", "POST"), ("DELETE",)
FORWARDED = (
    ("me", "/v1/whoami", READ),
    ("purposes", "/v1/purposes", READ),
    ("datasets", "/v1/datasets", READ),
    ("datasets/{dataset}", "/v1/datasets/{dataset}", READ),
    ("datasets/{dataset}/requests", "/v1/datasets/{dataset}/requests", WRITE),
    ("datasets/{dataset}/checklist", "/v1/datasets/{dataset}/checklist", READ),
    ("datasets/{dataset}/agreement", "/v1/datasets/{dataset}/agreement", BOTH),
    ("datasets/{dataset}/agreement/accept", "/v1/datasets/{dataset}/agreement/accept", WRITE),
    ("datasets/{dataset}/usage", "/v1/datasets/{dataset}/usage", BOTH),
    ("datasets/{dataset}/policy", "/v1/datasets/{dataset}/policy", BOTH),
    ("explain", "/v1/explain", READ),
    ("training", "/v1/training", BOTH),
    ("training/{record}/end", "/v1/training/{record}/end", WRITE),
    ("visas", "/v1/visas", BOTH),
    ("visas/trusted", "/v1/visas/trusted", WRITE),
    ("visas/trusted/{trusted}/end", "/v1/visas/trusted/{trusted}/end", WRITE),
    ("visas/identities", "/v1/visas/identities", WRITE),
    ("projects", "/v1/projects", BOTH),
    ("requests", "/v1/requests", READ),
    ("requests/{request}/approve", "/v1/requests/{request}/approve", WRITE),
    ("requests/{request}/refuse", "/v1/requests/{request}/refuse", WRITE),
    ("grants", "/v1/grants", READ),
    ("grants/{grant}/revoke", "/v1/grants/{grant}/revoke", WRITE),
    ("versions/waiting", "/v1/versions/waiting", READ),
    ("datasets/{dataset}/versions/{version}/report", "/v1/datasets/{dataset}/versions/{version}/report", READ),
    ("datasets/{dataset}/versions/{version}/sign-off", "/v1/datasets/{dataset}/versions/{version}/sign-off", WRITE),
    ("audit", "/v1/audit", READ),
    ("audit/verify", "/v1/audit/verify", READ),
    ("audit/checkpoint", "/v1/audit/checkpoint", READ),
    ("audit/proof/{event}", "/v1/audit/proof/{event}", READ),
    ("offers/{offer}", "/v1/offers/{offer}", READ),
    ("offers/{offer}/{verb}", "/v1/offers/{offer}/{verb}", WRITE),
    ("packages", "/v1/packages", BOTH),
    ("packages/remove", "/v1/packages/remove", WRITE),
    ("packages/requests/{request}", "/v1/packages/requests/{request}", READ),
    ("packages/requests/{request}/approve", "/v1/packages/requests/{request}/approve", WRITE),
    ("packages/requests/{request}/refuse", "/v1/packages/requests/{request}/refuse", WRITE),
    ("tasks", "/v1/tasks", READ),
    ("tasks/{task}", "/v1/tasks/{task}", READ),
    ("tasks/{task}/leaderboard", "/v1/tasks/{task}/leaderboard", READ),
    ("clusters", "/v1/clusters", READ),
    ("clusters/{cluster}/stop", "/v1/clusters/{cluster}/stop", WRITE),
    ("jobs", "/v1/jobs", READ),
    ("jobs/{job}", "/v1/jobs/{job}", END),
    ("jobs/{job}/log", "/v1/jobs/{job}/log", READ),
    ("submissions", "/v1/submissions", READ),
    ("submissions/{submission}", "/v1/submissions/{submission}", READ),
    ("submissions/{submission}/withdraw", "/v1/submissions/{submission}/withdraw", WRITE),
    ("views/{view}", "/v1/views/{view}", READ),
    ("views/{view}/slices/{plane}/{index}", "/v1/views/{view}/slices/{plane}/{index}", READ),
    (
        "views/{view}/labels/{label}/slices/{plane}/{index}",
        "/v1/views/{view}/labels/{label}/slices/{plane}/{index}",
        READ,
    ),
)


class ForwardHandler(WorkbenchHandler):
    """One entry of the table."""

    def initialize(self, lines: GatewayLines, target: str, methods: tuple[str, ...]) -> None:
        """Take the entry."""
        self.lines, self.target, self.methods = lines, target, methods
        self.asking: asyncio.Future[Reply] | None = None

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self, **parts: str) -> None:
        """Read."""
        await self._forward("GET", parts)

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self, **parts: str) -> None:
        """Change."""
        await self._forward("POST", parts)

    @authenticated
    @authorized("write", RESOURCE)
    async def delete(self, **parts: str) -> None:
        """End."""
        await self._forward("DELETE", parts)

    def on_connection_close(self) -> None:
        """Drop a read that waits for its turn: a viewer that scrolls on gives up what it asked for before."""
        if self.asking is not None and self.request.method == "GET":
            self.asking.cancel()

    async def _forward(self, method: str, parts: dict[str, str]) -> None:
        if method not in self.methods:
            raise HTTPError(405, f"This address answers {' and '.join(self.methods)} only.")
        try:
            url = self.target.format(**{name: quote(part, safe="") for name, part in parts.items()})
            query = f"?{self.request.query}" if self.request.query and method == "GET" else ""
            body, headers = self._body(method), self._sent_headers()
            account = current_account(self.lines.settings)
            self.asking = asyncio.ensure_future(
                self.lines.ask(account, method, url + query, body=body, headers=headers)
            )
            status, received, content = await self.asking
        except asyncio.CancelledError:
            # Nobody waits for the answer any more.
            return
        except WorkbenchError as error:
            send_error(self, error)
            return
        self.set_status(status)
        for name in PASSED_HEADERS:
            if name in received:
                self.set_header(name, received[name])
        self.finish(content or None, set_content_type=received.get("content-type", "application/json"))

    def _body(self, method: str) -> bytes | None:
        if method != "POST":
            return None
        if len(self.request.body) > LARGEST_BODY:
            raise InvalidInput("The form is larger than 64 KiB; shorten the note.")
        try:
            return json.dumps(json.loads(self.request.body or b"{}")).encode()
        except ValueError:
            raise InvalidInput("The body of the request is not JSON.") from None

    def _sent_headers(self) -> dict[str, str]:
        known = self.request.headers.get("If-None-Match")
        kind = {"Content-Type": "application/json"} if self.request.method == "POST" else {}
        return {**kind, **({"If-None-Match": known} if known else {})}


class NotebooksHandler(WorkbenchHandler):
    """The notebooks that come with the workbench."""

    @authenticated
    @authorized("read", RESOURCE)
    def get(self) -> None:
        """List them."""
        self.finish(json.dumps({"notebooks": shipped_notebooks()}))


class NotebookHandler(WorkbenchHandler):
    """One notebook that comes with the workbench."""

    @authenticated
    @authorized("write", RESOURCE)
    def post(self, folder: str, name: str) -> None:
        """Copy it into the workspace unless it is there, and give its path."""
        settings = load_settings()
        try:
            self.finish(json.dumps({"path": place_notebook(settings, current_account(settings), folder, name)}))
        except WorkbenchError as error:
            send_error(self, error)


class UnknownHandler(WorkbenchHandler):
    """Whatever else is asked below `/workbench/api`."""

    @authenticated
    @authorized("read", RESOURCE)
    def get(self) -> None:
        """Say that there is no such address."""
        send_error(self, NotFound(UNKNOWN))

    @authenticated
    @authorized("write", RESOURCE)
    def post(self) -> None:
        """Say the same."""
        send_error(self, NotFound(UNKNOWN))


def api_handlers(base_url: str, lines: GatewayLines) -> list[tuple[Any, ...]]:
    """Give the handlers of `/workbench/api` for a Tornado application."""
    root = f"{base_url.rstrip('/')}/workbench/api/"
    handlers: list[tuple[Any, ...]] = [
        (root + "notebooks", NotebooksHandler),
        (root + r"notebooks/(?P<folder>[\w-]+)/(?P<name>[\w.-]+)", NotebookHandler),
        *airlock_handlers(root, lines),
        *report_handlers(root, lines.settings),
        *submission_handlers(root, lines),
    ]
    for path, target, methods in FORWARDED:
        pattern = root + "/".join(_pattern(part) for part in path.split("/"))
        handlers.append((pattern, ForwardHandler, {"lines": lines, "target": target, "methods": methods}))
    return [*handlers, (root + ".*", UnknownHandler)]


def _pattern(part: str) -> str:
    return rf"(?P<{part[1:-1]}>[^/?]+)" if part.startswith("{") else part
