"""Routes of views: a kernel opens one, its person's browser reads slices through it while the grant lives.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.responses import Response

from workbench.errors import InvalidInput, NotFound
from workbench.gateway.call import Call, Route, dataset_in_body
from workbench.gateway.packing import PACKED, pack
from workbench.gateway.reading_routes import matches
from workbench.gateway.slice_query import read_slice_query
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
    """Give one slice or slab as raw little-endian int16, rows × columns; −32768 where a grid leaves the scan."""
    return _answer(call, "")


def read_label_slice(call: Call) -> Response:
    """Give one slice of a label set as raw little-endian uint16, rows × columns; 0 where there is no label."""
    if call.query.get("slab_mm", "0") != "0":
        raise InvalidInput(
            "Labels are shown of one slice, since a slab of them would mix regions; leave “slab_mm” out."
        )
    return _answer(call, call.path["label"])


def _answer(call: Call, labels: str) -> Response:
    view = _view(call)
    query = read_slice_query(call.path, call.query)
    scan, version = view["scan"], view["version"]
    shown = call.shown(version)
    # Before the ETag is compared: that of a scan which is withheld tells nothing.
    shown.shard(scan, labels, query.level)
    headers = {"ETag": shown.etag(scan, labels, query), "Cache-Control": "private, no-cache"}
    if matches(call.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    pixels = call.state.slices.read(shown, scan, query, labels=labels, still=call.require_still)
    what = f"label {labels} of {scan}" if labels else scan
    reading = Reading(call.person, call.token.id, view["dataset"], version, what, call.reason)
    call.state.reads.record(reading, pixels.nbytes)
    # A slab takes a while; its reader may read no more by now.
    call.require_still()
    headers["X-Shape"] = f"{pixels.shape[0]},{pixels.shape[1]}"
    numbers = np.ascontiguousarray(pixels, dtype="<u2" if labels else "<i2")
    if query.is_packed:
        headers |= {"Content-Encoding": "deflate", "X-Packed": PACKED}
    body = pack(numbers) if query.is_packed else numbers.tobytes()
    return Response(body, 200, headers, "application/octet-stream")


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


def _described(view: str, dataset: str, facts: dict[str, Any]) -> dict[str, Any]:
    names = ("scan", "shape", "spacing_mm", "origin_mm", "direction", "levels", "window")
    return {"view": view, "dataset": dataset, **{name: facts.get(name) for name in names}}


_SLICE = "slices/{plane}/{index}"
ROUTES = (
    Route("GET", "/v1/views/{view}/" + _SLICE, read_slice, VIEWERS, "dataset.view", dataset_of_view),
    Route(
        "GET", "/v1/views/{view}/labels/{label}/" + _SLICE, read_label_slice, VIEWERS, "dataset.view", dataset_of_view
    ),
    Route("GET", "/v1/views/{view}", get_view, VIEWERS, "dataset.view", dataset_of_view),
    Route("POST", "/v1/views", open_view, ("kernel",), "dataset.read", dataset_in_body),
)
