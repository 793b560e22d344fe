"""Routes of views: a kernel opens one, its person's browser reads slices through it while the grant lives.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from workbench.errors import NotFound
from workbench.gateway.call import Call, Route, dataset_in_body
from workbench.gateway.reading_routes import matches
from workbench.gateway.tokens import new_id
from workbench.governance.record.reads import Reading
from workbench.governance.store import stamped

VIEWERS = ("person", "kernel")


def open_view(call: Call) -> dict[str, Any]:
    """Open a view on a scan and give what a viewer must know of it."""
    dataset, state = call.text("dataset"), call.state
    version = state.archive.version(dataset, call.json().get("version"))
    facts = call.shown(version).scan(call.text("scan"))
    view = new_id("view")
    with state.store.change(call.person, "view.open", dataset, version=version, scan=facts["scan"]) as db:
        db.details["view"] = view
        db.execute(
            "INSERT INTO views (id, person, kernel, dataset, version, scan, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (view, call.person, call.token.id, dataset, version, facts["scan"], stamped(state.store)),
        )
    return _described(view, dataset, facts)


def get_view(call: Call) -> dict[str, Any]:
    """Give what a viewer must know of an open view."""
    view = _view(call)
    facts = call.shown(view["version"]).scan(view["scan"])
    return _described(call.path["view"], view["dataset"], facts)


def read_slice(call: Call) -> Response:
    """Give one slice as raw little-endian int16, rows × columns."""
    view, plane, index = _view(call), call.path["plane"], _index(call.path["index"])
    place = (view["dataset"], view["version"], view["scan"])
    shown = call.shown(view["version"])
    # Before the ETag is compared: that of a scan which is withheld tells nothing.
    shown.shard(view["scan"])
    headers = {"ETag": shown.etag(view["scan"], plane, index), "Cache-Control": "private, no-cache"}
    if matches(call.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    pixels = call.state.slices.read(shown, view["scan"], plane, index)
    call.state.reads.record(Reading(call.person, call.token.id, *place, call.reason), pixels.nbytes)
    headers["X-Shape"] = f"{pixels.shape[0]},{pixels.shape[1]}"
    return Response(pixels.astype("<i2", copy=False).tobytes(), 200, headers, "application/octet-stream")


def dataset_of_view(call: Call) -> str:
    """Give the dataset of the caller's own, open view; anybody else's does not exist."""
    row = call.state.store.read().execute(
        "SELECT views.*, kernels.purpose FROM views JOIN kernels ON kernels.id = views.kernel "
        "WHERE views.id = ? AND views.person = ? AND kernels.ended IS NULL",
        (call.path["view"], call.person),
    ).fetchone()  # fmt: skip
    if row is None or (call.token.kind == "kernel" and row["kernel"] != call.token.id):
        raise NotFound("This view is closed, because its kernel has ended or it is not yours; run its cell again.")
    call.found = dict(row)
    # A browser sees through a view exactly what the kernel that opened it was started for.
    call.purpose = str(row["purpose"])
    return str(row["dataset"])


def _view(call: Call) -> dict[str, Any]:
    return call.found


def _index(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotFound("A slice is named by a whole number from 0.")
    return int(text)


def _described(view: str, dataset: str, facts: dict[str, Any]) -> dict[str, Any]:
    names = ("scan", "shape", "spacing_mm", "origin_mm", "direction", "levels", "window")
    return {"view": view, "dataset": dataset, **{name: facts.get(name) for name in names}}


ROUTES = (
    Route("GET", "/v1/views/{view}/slices/{plane}/{index}", read_slice, VIEWERS, "dataset.view", dataset_of_view),
    Route("GET", "/v1/views/{view}", get_view, VIEWERS, "dataset.view", dataset_of_view),
    Route("POST", "/v1/views", open_view, ("kernel",), "dataset.read", dataset_in_body),
)
