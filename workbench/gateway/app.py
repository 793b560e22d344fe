"""The gateway as an ASGI application: the route table behind one guard, and every refusal as plain JSON.

Runs in: gateway
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from workbench.errors import InvalidInput, NotFound, TooLarge, TooSlow, WorkbenchError
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.gateway.state import State

MAX_PATH_CHARACTERS = 1024
MAX_QUERY_CHARACTERS = 4096
# A large body may take long; a client that says nothing, or dribbles, may not.
PIECE_TIMEOUT_S = 20.0
SLOWEST_BYTES_PER_S = 16 * 1024
# Encoded separators would be decoded after routing and mean another path to the handler than to the router.
_FORBIDDEN_IN_PATH = ("%2f", "%5c", "%00", "\\", "//")
_NO_STORE = {"Cache-Control": "no-store"}

log = logging.getLogger("workbench.gateway")


def build_app(state: State, routes: Sequence[Route]) -> ASGIApp:
    """Give the application that serves a table of routes."""
    app = Starlette(
        routes=[
            StarletteRoute(route.path, _endpoint(state, route), methods=[route.method]) for route in routes
        ],
        exception_handlers={
            WorkbenchError: _refused,
            HTTPException: _not_served,
            ClientDisconnect: _hung_up,
            Exception: _failed,
        },
    )  # fmt: skip
    app.router.redirect_slashes = False
    return _PathGuard(app)


def refusal(error: WorkbenchError, status: int | None = None) -> JSONResponse:
    """Give an error as the JSON that every client understands; a slow body is not waited for."""
    hang_up = {"Connection": "close"} if isinstance(error, TooSlow) else {}
    return JSONResponse(error.as_dict(), status or error.status, headers={**_NO_STORE, **hang_up})


def _endpoint(state: State, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        token = state.tokens.read(_bearer(request))
        guard.check_kind(route, token)
        body = await _read_body(request, route.max_body)
        call = Call(
            state, token, request.path_params, request.query_params, request.headers, body, request.method
        )  # fmt: skip
        answer = await run_in_threadpool(guard.run, route, call)
        return answer if isinstance(answer, Response) else JSONResponse(answer, headers=_NO_STORE)

    return serve


def _bearer(request: Request) -> str | None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else None


async def _read_body(request: Request, most: int) -> bytes:
    """Give the body, refused as soon as it is known to be larger than the route takes."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > most:
        raise TooLarge(f"The body has {announced} bytes; this door takes at most {most}.")
    pieces: list[bytes] = []
    size = 0
    stream, started = aiter(request.stream()), time.monotonic()
    while True:
        try:
            async with asyncio.timeout(PIECE_TIMEOUT_S):
                piece = await anext(stream)
        except StopAsyncIteration:
            return b"".join(pieces)
        except TimeoutError:
            raise TooSlow(f"Nothing of the body arrived for {PIECE_TIMEOUT_S:g} s; send the request again.") from None
        size += len(piece)
        if size > most:
            raise TooLarge(f"The body is larger than the {most} bytes that this door takes.")
        if time.monotonic() - started > PIECE_TIMEOUT_S + size / SLOWEST_BYTES_PER_S:
            raise TooSlow(f"The body arrives at less than {SLOWEST_BYTES_PER_S} bytes a second; send it again.")
        pieces.append(piece)


class _PathGuard:
    """Refuses paths that could mean one thing to the router and another to a handler."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_plain(scope):
            await self._app(scope, receive, send)
        else:
            await refusal(InvalidInput("The path of this request is not plain; nothing is served there."))(
                scope, receive, send
            )


def _is_plain(scope: Scope) -> bool:
    raw = scope["raw_path"].decode("latin-1").lower()
    if len(raw) > MAX_PATH_CHARACTERS or len(scope["query_string"]) > MAX_QUERY_CHARACTERS:
        return False
    if any(piece in raw for piece in _FORBIDDEN_IN_PATH):
        return False
    path = unquote(raw, errors="replace")
    names = path.split("/")
    return (
        path.isprintable()
        and "�" not in path
        and not any(name in (".", "..") or name != name.strip() for name in names)
    )


async def _refused(request: Request, error: Exception) -> Response:
    return refusal(error) if isinstance(error, WorkbenchError) else await _failed(request, error)


async def _not_served(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        return refusal(InvalidInput("This path exists, but not for this method."), 405)
    return refusal(NotFound("Nothing is served at this path."), status)


async def _hung_up(_: Request, __: Exception) -> Response:
    return Response(status_code=400)


async def _failed(_: Request, __: Exception) -> Response:
    # Starlette raises the exception again after this answer, and the server writes its trace to the log only.
    return refusal(WorkbenchError("The gateway failed at this request; its log in the home's run folder says why."))
