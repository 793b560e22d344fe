"""The gateway as an ASGI application: the route table behind one guard, and every refusal as plain JSON.

Runs in: gateway
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from workbench.errors import InvalidInput, NotFound, TooLarge, WorkbenchError
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.gateway.state import State

MAX_PATH_CHARACTERS = 1024
MAX_QUERY_CHARACTERS = 4096
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
    """Give an error as the JSON that every client understands."""
    return JSONResponse(error.as_dict(), status or error.status, headers=_NO_STORE)


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
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise TooLarge(f"The body is larger than the {most} bytes that this door takes.")
        pieces.append(piece)
    return b"".join(pieces)


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
