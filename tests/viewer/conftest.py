"""A small volume with known voxels, a server of its slices, and a page that hosts the widget with its own model."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright

from workbench.geometry import Geometry

GEOMETRY = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5))
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>viewer</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/ct-viewer.css">
<script id="jupyter-config-data" type="application/json">{"baseUrl": "/base/"}</script></head>
<body style="margin:0"><div id="host" style="width:1000px"></div><script type="module">
import widget from "/ct-viewer.js";
const state = await (await fetch("/state.json")).json(), listeners = {};
window.saves = 0;
window.model = {
  get: name => state[name],
  set(name, value) { state[name] = value; (listeners["change:" + name] ?? []).forEach(call => call()); },
  on(event, call) { (listeners[event] ??= []).push(call); },
  off(event, call) { listeners[event] = (listeners[event] ?? []).filter(one => one !== call); },
  save_changes() { window.saves += 1; },
};
const parts = widget();
parts.initialize({ model: window.model });
window.close_view = parts.render({ model: window.model, el: document.getElementById("host") });
</script></body></html>"""


@dataclass
class ArrayVolume:
    """An array with a grid, which counts what is read of it."""

    array: NDArray[np.int16]
    geometry: Geometry = GEOMETRY
    reads: list[Any] = field(default_factory=list)

    def __getitem__(self, key: Any) -> NDArray[np.int16]:
        """Give voxels by index (z, y, x)."""
        self.reads.append(key)
        return self.array[key]


@pytest.fixture
def volume() -> ArrayVolume:
    """Give air with a block of 40 HU whose every voxel in slice 20, row 30 is its column."""
    array = np.full(GEOMETRY.shape, -1000, dtype=np.int16)
    array[10:30, 20:40, 30:60] = 40
    array[20, 30, :] = np.arange(80)
    return ArrayVolume(array)


@dataclass
class SliceServer:
    """The slices' protocol from an array, on loopback, with switches for what can go wrong."""

    volume: ArrayVolume
    state: dict[str, Any]
    refusal: tuple[int, str] | None = None
    delay_s: float = 0.0
    requests: list[tuple[str, str | None, int]] = field(default_factory=list)
    address: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, known: str | None) -> tuple[int, dict[str, str], bytes]:
        """Give status, headers and body."""
        from workbench.viewer.view import STATIC

        if path == "/":
            return 200, {"Content-Type": "text/html"}, PAGE.encode()
        if path in ("/ct-viewer.js", "/ct-viewer.css"):
            kind = "text/javascript" if path.endswith("js") else "text/css"
            return 200, {"Content-Type": kind}, (STATIC / path[1:]).read_bytes()
        if path == "/state.json":
            return 200, {"Content-Type": "application/json"}, json.dumps(self.state).encode()
        self.released.wait(self.delay_s)
        status, headers, body = self.slice_of(path, known)
        self.requests.append((path, known, status))
        return status, headers, body

    def slice_of(self, path: str, known: str | None) -> tuple[int, dict[str, str], bytes]:
        """Answer as the gateway does."""
        prefix = "/base/workbench/api/views/V1/slices/"
        if self.refusal is not None:
            body = {"error": "access-denied", "code": "access-denied", "message": self.refusal[1]}
            return self.refusal[0], {"Content-Type": "application/json"}, json.dumps(body).encode()
        if not path.startswith(prefix):
            return 404, {}, b"{}"
        plane, index = path.removeprefix(prefix).split("/")
        axis = ("axial", "coronal", "sagittal").index(plane)
        etag = f'"{plane}-{index}"'
        if known == etag:
            return 304, {"ETag": etag}, b""
        pixels = np.ascontiguousarray(np.take(self.volume.array, int(index), axis=axis)).astype("<i2")
        shape = ",".join(str(n) for n in pixels.shape)
        return 200, {"X-Shape": shape, "ETag": etag, "Cache-Control": "private, no-cache"}, pixels.tobytes()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with what the slices' protocol says."""
        server: Any = self.server
        status, headers, body = server.slices.answer(self.path, self.headers.get("If-None-Match"))
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            # The viewer cancels what nobody looks at any more.
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server calls
        """Stay silent."""


@pytest.fixture
def server(volume: ArrayVolume) -> Iterator[SliceServer]:
    """Serve the volume's slices and a page with the widget."""
    from workbench.viewer.view import STATIC, CTView

    if not (STATIC / "ct-viewer.js").is_file():
        pytest.skip("the viewer is not built; `npm ci && npm run build` in the folder extensions")
    box = {"centre_mm": (1.5, 4.0, 150.5), "size_mm": 14, "label": "nodule"}
    view = CTView(volume, "V1", "phantom S0001", position_mm=(5.0, 4.0, 150.5), window="lung", boxes=[box])
    shown = {name: value for name, value in view.get_state().items() if not name.startswith("_")}
    http_server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http_server.daemon_threads = True
    http_server.slices = SliceServer(volume, {k: v for k, v in shown.items() if not isinstance(v, type(view.layout))})
    http_server.slices.address = f"http://127.0.0.1:{http_server.server_port}/"
    thread = threading.Thread(target=http_server.serve_forever, daemon=True)
    thread.start()
    yield http_server.slices
    http_server.slices.released.set()
    http_server.shutdown()
    http_server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give one Chromium for a module's tests; Playwright allows only one at a time in a process."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        yield None
        return
    with sync_playwright() as session:
        browser = session.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(server: SliceServer, chromium: str, browser: Any) -> Iterator[Any]:
    """Open the widget's page in Chromium; console errors and requests to other hosts fail the test."""
    page = browser.new_page(viewport={"width": 1040, "height": 820})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    at_home = (server.address, "data:")
    page.on("request", lambda sent: None if sent.url.startswith(at_home) else troubles.append(sent.url))
    page.goto(server.address)
    page.wait_for_selector(".ctv[data-complete]")
    yield page
    page.close()
    # Chromium itself reports each refused request; the refusal is what those tests are about.
    assert [one for one in troubles if "status of 403" not in one and "status of 503" not in one] == []
