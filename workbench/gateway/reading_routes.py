"""Routes that give data: a dataset's scans, its tables as Arrow, and image bytes by zarr key and range.

Runs in: gateway
Source: RFC 9110 (ranges, conditional requests); OME-Zarr 0.5 and zarr v3 for the keys; Arrow IPC streaming format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.gateway.ranges import BOUNDARY, PARTS_END, Range, part_head, read_ranges
from workbench.gateway.tables import to_stream
from workbench.governance.record.reads import Reading
from workbench.vault.vault import ObjectEntry

READERS = ("person", "kernel", "evaluator")
ARROW_STREAM = "application/vnd.apache.arrow.stream"
# Answers up to this size are sent in one piece; longer ones are decrypted while the piece before them is sent.
PIECE_BYTES = 1024 * 1024


def list_scans(call: Call) -> dict[str, Any]:
    """Give what is known of each scan of a version, of one split or all."""
    version, split = asked_version(call), call.query.get("split")
    scans = call.shown(version).scans()
    record(call, version, "scans", 0)
    return {"version": version, "scans": [scan for scan in scans if split in (None, scan.get("split"))]}


def list_tables(call: Call) -> dict[str, Any]:
    """Give the name, title and columns of each table of a version."""
    version = asked_version(call)
    found = call.shown(version).tables()
    record(call, version, "tables", 0)
    return {"version": version, "tables": found}


def read_table(call: Call) -> Response:
    """Give a table as an Arrow IPC stream."""
    version, name = asked_version(call), call.path["table"]
    shown = call.shown(version)
    data = to_stream(shown.table(name))
    headers = {"ETag": shown.etag("table", name), "Cache-Control": "no-store", "X-Version": version}
    if matches(call.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    record(call, version, f"table {name}", len(data))
    return Response(data, media_type=ARROW_STREAM, headers=headers)


def read_key(call: Call) -> Response:
    """Give one zarr key of a scan, or ranges of it."""
    scan = call.path["scan"]
    return answer_with_object(call, scan, f"image.zarr/{call.path['key']}", scan)


def answer_with_object(call: Call, scan: str, path: str, what: str) -> Response:
    """Give the object at a path below a scan, or ranges of it; `what` goes on record."""
    version = asked_version(call)
    entry = call.shown(version).entry(scan, path)
    etag = f'"{entry.sha256}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache", "X-Version": version}
    if matches(call.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    wanted = call.headers.get("range") if call.headers.get("if-range") in (None, etag) else None
    ranges = read_ranges(wanted, entry.size)
    if call.method == "HEAD":
        # The length must be that of the body which a GET would have had.
        return Response(headers={**headers, "Content-Length": str(entry.size)}, media_type="application/octet-stream")
    record(call, version, what, sum(stop - start for start, stop in ranges or [(0, entry.size)]))
    if ranges is not None and len(ranges) > 1:
        return _several(call, entry, ranges, headers)
    start, stop = ranges[0] if ranges else (0, entry.size)
    if ranges:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{entry.size}"
    return _one(call, entry, (start, stop), headers, 206 if ranges else 200)


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this ETag."""
    return header is not None and etag in (piece.strip() for piece in header.split(","))


def _one(call: Call, entry: ObjectEntry, wanted: Range, headers: dict[str, str], status: int) -> Response:
    """Answer with one run of bytes; the first piece is decrypted and verified before the answer begins."""
    vault, dataset, (start, stop) = call.state.vault, call.dataset, wanted
    first = vault.read(dataset, entry, start, min(stop, start + PIECE_BYTES))
    if len(first) == stop - start:
        return Response(first, status, headers, "application/octet-stream")

    def pieces() -> Iterator[bytes]:
        yield first
        for at in range(start + PIECE_BYTES, stop, PIECE_BYTES):
            call.require_still()
            yield vault.read(dataset, entry, at, min(stop, at + PIECE_BYTES))

    return StreamingResponse(
        pieces(), status, {**headers, "Content-Length": str(stop - start)}, "application/octet-stream"
    )


def _several(call: Call, entry: ObjectEntry, ranges: list[Range], headers: dict[str, str]) -> Response:
    """Answer with several runs of bytes in one multipart body."""
    vault, dataset = call.state.vault, call.dataset
    heads = [part_head(start, stop, entry.size) for start, stop in ranges]
    length = sum(map(len, heads)) + sum(stop - start for start, stop in ranges) + len(PARTS_END)
    parts = [
        (head if at == start else b"", at, min(stop, at + PIECE_BYTES))
        for head, (start, stop) in zip(heads, ranges, strict=True)
        for at in range(start, stop, PIECE_BYTES)
    ]
    first = vault.read(dataset, entry, *parts[0][1:])

    def pieces() -> Iterator[bytes]:
        waiting = [parts[0][0], first]
        for head, start, stop in parts[1:]:
            if sum(map(len, waiting)) >= PIECE_BYTES:
                yield b"".join(waiting)
                call.require_still()
                waiting = []
            waiting += [head, vault.read(dataset, entry, start, stop)]
        yield b"".join([*waiting, PARTS_END])

    kind = f"multipart/byteranges; boundary={BOUNDARY}"
    return StreamingResponse(pieces(), 206, {**headers, "Content-Length": str(length)}, kind)


def asked_version(call: Call) -> str:
    """Give the id of the version that the caller asks for, or of the newest."""
    return call.state.archive.version(call.dataset, call.query.get("version"))


def record(call: Call, version: str, what: str, size: int) -> None:
    """Have the read on record before its first byte leaves."""
    reading = Reading(call.person, call.token.id, call.dataset, version, what, call.reason)
    call.state.reads.record(reading, size)


_BASE = "/v1/datasets/{dataset}"
ROUTES = (
    Route("GET", _BASE + "/scans/{scan}/zarr/{key:path}", read_key, READERS, "dataset.read", dataset_in_path),
    Route("GET", _BASE + "/scans", list_scans, READERS, "dataset.read", dataset_in_path),
    Route("GET", _BASE + "/tables", list_tables, READERS, "dataset.read", dataset_in_path),
    Route("GET", _BASE + "/tables/{table}", read_table, READERS, "dataset.read", dataset_in_path),
)
