"""Bytes of one zarr key through the gateway: whole, or several ranges in one request.

Runs in: kernel
Source: RFC 9110 section 14.6 (multipart/byteranges).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from workbench.data.line import line
from workbench.data.shard import Span
from workbench.errors import IntegrityError

_HEAD_END = b"\r\n\r\n"


def scan_url(dataset: str, scan: str, version: str, key: str) -> str:
    """Give the address of a zarr key of a scan."""
    return f"/v1/datasets/{quote(dataset)}/scans/{quote(scan)}/zarr/{quote(key)}?{urlencode({'version': version})}"


def label_url(dataset: str, scan: str, version: str, name: str, key: str) -> str:
    """Give the address of a zarr key of a scan's labels."""
    place = f"/v1/datasets/{quote(dataset)}/scans/{quote(scan)}/labels/{quote(name)}/zarr/{quote(key)}"
    return f"{place}?{urlencode({'version': version})}"


def fetch_json(url: str) -> Any:
    """Give the JSON value of a key."""
    return json.loads(line().request("GET", url)[2])


def fetch_end(url: str, size: int) -> bytes:
    """Give the last bytes of a key."""
    return line().request("GET", url, headers={"Range": f"bytes=-{size}"})[2]


def fetch_spans(url: str, spans: Sequence[Span]) -> list[memoryview]:
    """Give the bytes of each span, fetched with one request."""
    wanted = ",".join(f"{span.start}-{span.stop - 1}" for span in spans)
    _, headers, body = line().request("GET", url, headers={"Range": f"bytes={wanted}"})
    sizes = [span.stop - span.start for span in spans]
    parts = [memoryview(body)] if len(spans) == 1 else _parts(headers.get("content-type", ""), body, sizes)
    if [len(part) for part in parts] != sizes:
        raise IntegrityError("The gateway sent other ranges than were asked for; read again.")
    return parts


def _parts(kind: str, body: bytes, sizes: Sequence[int]) -> list[memoryview]:
    """Cut a multipart body whose parts have known sizes."""
    if not kind.startswith("multipart/byteranges"):
        raise IntegrityError("The gateway sent one range where several were asked for; read again.")
    view, at, parts = memoryview(body), 0, []
    for size in sizes:
        at = body.index(_HEAD_END, at) + len(_HEAD_END)
        parts.append(view[at : at + size])
        at += size
    return parts
