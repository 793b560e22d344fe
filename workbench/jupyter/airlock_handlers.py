"""The airlock's addresses that take more than passing on: workspace files go in, safe looks and releases come out.

Runs in: Jupyter server
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from workbench.airlock.sidecar import sidecar_name
from workbench.errors import AccessDenied, Conflict, InvalidInput, WorkbenchError
from workbench.jupyter.accounts import current_account
from workbench.jupyter.lines import GatewayLines
from workbench.jupyter.previews import preview
from workbench.jupyter.replies import RESOURCE, WorkbenchHandler, send_error
from workbench.jupyter.workspace_files import list_workspace, read_with_sidecar

MOST_FILES = 50
# A released file is carried away by its author; nothing in it may run in the lab's own origin on the way.
CARRIED_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)


class AirlockHandler(WorkbenchHandler):
    """What these handlers share: the account, the gateway, and files read away from the event loop."""

    def initialize(self, lines: GatewayLines) -> None:
        """Take the lines to the gateway."""
        self.lines = lines
        self.settings_of_home = lines.settings

    @property
    def account(self) -> str:
        """Who acts."""
        return current_account(self.settings_of_home)

    async def read(self, path: object) -> dict[str, bytes]:
        """Read a file of the workspace with what helps to judge it; the file itself comes first."""
        if not isinstance(path, str) or not path:
            raise InvalidInput("Name a file of your workspace.")
        return await asyncio.to_thread(read_with_sidecar, self.settings_of_home, self.account, path)

    async def ask(self, method: str, url: str, value: object = None) -> bytes:
        """Ask the gateway as the signed-in person."""
        body = None if value is None else json.dumps(value).encode()
        headers = {} if value is None else {"Content-Type": "application/json"}
        return (await self.lines.ask(self.account, method, url, body=body, headers=headers))[2]


class FilesHandler(AirlockHandler):
    """The files of the workspace that may be offered."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """List them."""
        try:
            files = await asyncio.to_thread(list_workspace, self.settings_of_home, self.account)
            self.finish(json.dumps({"files": files}))
        except WorkbenchError as error:
            send_error(self, error)


class ScanHandler(AirlockHandler):
    """The automatic checks of one file, before it is offered."""

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self) -> None:
        """Check it."""
        try:
            (name, content), *beside = _encoded(await self.read(self.form().get("path"))).items()
            form = {"name": name, "content": content, **({"evidence": dict(beside)} if beside else {})}
            self.finish(await self.ask("POST", "/v1/scan", form))
        except WorkbenchError as error:
            send_error(self, error)


class OffersHandler(AirlockHandler):
    """The offers that this person may see, and a new one."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """List them."""
        try:
            self.finish(await self.ask("GET", "/v1/offers"))
        except WorkbenchError as error:
            send_error(self, error)

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self) -> None:
        """Offer files of the workspace, which are named by their paths."""
        try:
            form = self.form()
            paths = form.pop("files", None)
            if not isinstance(paths, list) or not 1 <= len(paths) <= MOST_FILES:
                raise InvalidInput(f"Choose 1 to {MOST_FILES} files of your workspace.")
            contents: dict[str, str] = {}
            for path in paths:
                found = _encoded(await self.read(path))
                twice = next((name for name in found if name in contents), None)
                if twice is not None:
                    raise Conflict(f"Two files are called “{twice}”; rename one, so that they can be told apart.")
                contents |= found
            self.finish(await self.ask("POST", "/v1/offers", {**form, "files": contents}))
        except WorkbenchError as error:
            send_error(self, error)


class OfferFileHandler(AirlockHandler):
    """One file of an offer: put in from the workspace, taken out of the offer, or carried away once released."""

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self, offer: str, name: str) -> None:
        """Put a file of the workspace in the place of this one, or beside the others."""
        try:
            (_, content), *beside = (await self.read(self.form().get("path"))).items()
            # Together: a table and its sidecar fit each other only.
            files = {name: content, **{sidecar_name(name): sidecar for _, sidecar in beside}}
            coded = {one: base64.b64encode(body).decode() for one, body in files.items()}
            self.finish(await self.ask("POST", f"/v1/offers/{quote(offer, safe='')}/files", {"files": coded}))
        except WorkbenchError as error:
            send_error(self, error)

    @authenticated
    @authorized("write", RESOURCE)
    async def delete(self, offer: str, name: str) -> None:
        """Take this file out of the offer."""
        try:
            self.finish(await self.ask("DELETE", _file_url(offer, name)))
        except WorkbenchError as error:
            send_error(self, error)

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self, offer: str, name: str) -> None:
        """Give a released file to its author, to keep; everybody else looks at it in its safe form."""
        try:
            known = json.loads(await self.ask("GET", f"/v1/offers/{quote(offer, safe='')}"))
            if known["person"] != self.account or known["state"] != "released":
                raise AccessDenied(
                    f"Files of {offer} are not carried away from here: they leave with their author, once released."
                )
            content = await self.ask("GET", _file_url(offer, name))
        except WorkbenchError as error:
            send_error(self, error)
            return
        for header, value in CARRIED_HEADERS:
            self.set_header(header, value)
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(name)}")
        self.finish(content, set_content_type="application/octet-stream")


class PreviewHandler(AirlockHandler):
    """A look at one file of an offer; the gateway records it."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self, offer: str, name: str) -> None:
        """Give the file in its safe form, a page at a time."""
        try:
            start = self.get_query_argument("start", "0")
            if not (start.isascii() and start.isdecimal() and len(start) < 8):
                raise InvalidInput("“start” must be the number of a part, from 0.")
            content = await self.ask("GET", _file_url(offer, name))
            shown = await asyncio.to_thread(preview, name, content, int(start))
            self.finish(json.dumps(shown))
        except WorkbenchError as error:
            send_error(self, error)


def _encoded(files: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


def _file_url(offer: str, name: str) -> str:
    return f"/v1/offers/{quote(offer, safe='')}/files/{quote(name, safe='')}"


def airlock_handlers(root: str, lines: GatewayLines) -> list[tuple[Any, ...]]:
    """Give these handlers for a Tornado application whose API begins at `root`."""
    offer, file = r"offers/(?P<offer>[^/?]+)", r"files/(?P<name>[^/?]+)"
    table: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("workspace/files", FilesHandler),
        ("scan", ScanHandler),
        ("offers", OffersHandler),
        (f"{offer}/{file}", OfferFileHandler),
        (f"{offer}/{file}/preview", PreviewHandler),
    )
    return [(root + pattern, handler, {"lines": lines}) for pattern, handler in table]
