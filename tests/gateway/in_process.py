"""A gateway without a process of its own: the same application, asked through ASGI, for tests that ask it often."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workbench.gateway.app import build_app
from workbench.gateway.routes import ROUTES, SCHEMAS
from workbench.gateway.state import State, open_state
from workbench.gateway.tokens import Token, new_id
from workbench.governance.store import stamped
from workbench.settings import Settings

Reply = tuple[int, dict[str, str], bytes]


class Door:
    """The application of one home, and somebody's token."""

    def __init__(self, state: State, runner: asyncio.Runner, token: str) -> None:
        self.state, self._runner, self._token = state, runner, token
        self._app = build_app(state, ROUTES)

    def as_person(self, person: str) -> Door:
        """Give another person's way in, from a browser or terminal."""
        return Door(self.state, self._runner, token_of(self.state, person, "person"))

    def ask(self, method: str, url: str, body: object = None, **headers: str) -> Reply:
        """Send one request through the whole application."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self._runner.run(self._ask(method, url, content, headers))

    def get(self, url: str) -> Any:
        """Give the JSON of an answer that must be a yes."""
        status, _, body = self.ask("GET", url)
        assert status == 200, body
        return json.loads(body)

    async def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        path, _, query = url.partition("?")
        sent = {"authorization": f"Bearer {self._token}", **{n.replace("_", "-"): v for n, v in headers.items()}}
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(n.encode(), v.encode()) for n, v in sent.items()], "http_version": "1.1", "scheme": "http",
            "server": ("gateway", 80), "client": None, "root_path": "",
        }  # fmt: skip
        replies: list[dict[str, Any]] = []
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else await asyncio.Event().wait()  # type: ignore[return-value]

        async def send(message: dict[str, Any]) -> None:
            replies.append(message)

        await self._app(scope, receive, send)  # type: ignore[arg-type]
        received = {n.decode().lower(): v.decode() for n, v in replies[0]["headers"]}
        return replies[0]["status"], received, b"".join(message.get("body", b"") for message in replies[1:])


@contextmanager
def opened(settings: Settings) -> Iterator[State]:
    """Have a home open in this process."""
    state = open_state(settings, SCHEMAS)
    yield state
    state.reads.close()
    state.store.close()


def token_of(state: State, person: str, kind: str = "kernel") -> str:
    """Give the token of a person's isolated kernel, or of the person."""
    name = new_id(kind)
    if kind == "kernel":
        with state.store.change(person, "kernel.start", name) as db:
            db.execute(
                "INSERT INTO kernels (id, person, isolation, started) VALUES (?, ?, 'bubblewrap', ?)",
                (name, person, stamped(state.store)),
            )
    isolation = "bubblewrap" if kind == "kernel" else "none"
    return state.tokens.make(Token(person, kind, name, isolation, time.time() + 3600))
