"""A small volume with known voxels, a server of its slices, and a page that hosts the widget with its own model."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright

from workbench.geometry import Geometry
from workbench.viewer.answering import shown_slice
from workbench.viewer.shown_volume import ArrayVolume
from workbench.viewer.widget import STATIC, CTView, Opened

# For `marked`, which several tests of saving share.
sys.path.insert(0, str(Path(__file__).parent))
MODELS = ("layout", "tooltip", "tabbable")
GEOMETRY = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5))
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>viewer</title>
<link rel="icon" href="data:,">
<script id="jupyter-config-data" type="application/json">{"baseUrl": "/base/"}</script></head>
<body style="margin:0"><div id="host" style="width:1000px"></div><script type="module">
import widget from "/ct-viewer.js";
const state = await (await fetch("/state.json")).json(), listeners = {}, unsaved = {}, latest = {};
const tell = (event, ...parts) => (listeners[event] ?? []).forEach(call => call(...parts));
const take = changed => {
  Object.assign(state, changed);
  Object.keys(changed).forEach(name => tell("change:" + name));
};
let posting = 0;
const post = async (path, body) => {
  posting += 1;
  try {
    return await (await fetch(path, { method: "POST", body: JSON.stringify(body) })).json();
  } finally {
    posting -= 1;
  }
};
// The widget sends what hands do at most every 120 ms; timers of a page fire in their order, however busy the machine.
window.settled = async () => {
  const wait = ms => new Promise(done => setTimeout(done, ms));
  for (await wait(200); posting > 0; await wait(10));
};
window.saves = 0;
window.model = {
  get: name => state[name],
  set(name, value) { state[name] = unsaved[name] = value; tell("change:" + name); },
  on(event, call) { (listeners[event] ??= []).push(call); },
  off(event, call) { listeners[event] = (listeners[event] ?? []).filter(one => one !== call); },
  // What Python makes of it comes back, as ipywidgets has it: but not over what has changed since.
  async save_changes() {
    const turn = ++window.saves, sent = { ...unsaved };
    Object.keys(unsaved).forEach(name => { delete unsaved[name]; latest[name] = turn; });
    const made = Object.entries(await post("/traits", sent));
    take(Object.fromEntries(made.filter(([name]) => latest[name] === turn && !(name in unsaved))));
  },
  async send(content) {
    for (const { message, buffers } of await post("/message", content)) {
      const views = buffers.map(text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer));
      tell("msg:custom", message, views);
    }
  },
};
// Something that Python sets.
window.from_python = take;
const parts = widget();
parts.initialize({ model: window.model });
window.close_view = parts.render({ model: window.model, el: document.getElementById("host") });
</script></body></html>"""


class CountedVolume(ArrayVolume):
    """An array with a grid, which counts what is read of it."""

    def __init__(self, array: NDArray[Any], geometry: Geometry = GEOMETRY) -> None:
        super().__init__(array, geometry, modality="CT", title="phantom S0001")
        self.reads: list[Any] = []

    def __getitem__(self, key: Any) -> Any:
        """Give voxels by index (z, y, x)."""
        self.reads.append(key)
        return super().__getitem__(key)


@pytest.fixture
def volume() -> CountedVolume:
    """Give air with a block of 40 HU whose every voxel in slice 20, row 30 is its column."""
    array = np.full(GEOMETRY.shape, -1000, dtype=np.int16)
    array[10:30, 20:40, 30:60] = 40
    array[20, 30, :] = np.arange(80)
    return CountedVolume(array)


@dataclass
class SliceServer:
    """The page's other side on loopback: a real widget, and the slices' protocol, with switches for what can fail."""

    view: CTView
    refusal: tuple[int, str] | None = None
    delay_s: float = 0.0
    requests: list[tuple[str, str | None, int]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def state(self) -> dict[str, Any]:
        """What the browser is told of the widget."""
        state = self.view.get_state()
        return {name: value for name, value in state.items() if not name.startswith("_") and name not in MODELS}

    def answer(self, path: str, known: str | None) -> tuple[int, dict[str, str], bytes]:
        """Give status, headers and body."""
        if path == "/":
            return 200, {"Content-Type": "text/html"}, PAGE.encode()
        file = path.split("?")[0].rpartition("/")[2]
        if path == "/ct-viewer.js" or path.startswith("/base/workbench/viewer/"):
            return 200, {"Content-Type": "text/javascript"}, (STATIC / file).read_bytes()
        if path == "/state.json":
            return 200, {"Content-Type": "application/json"}, json.dumps(self.state).encode()
        self.released.wait(self.delay_s)
        status, headers, body = self.slice_of(path, known)
        self.requests.append((path, known, status))
        return status, headers, body

    def post(self, path: str, body: dict[str, Any]) -> object:
        """Take changed traits, or a message to the kernel; give what comes back."""
        if path == "/traits":
            self.view.set_state(body)
            return {name: self.state[name] for name in body}
        self.messages.append(body)
        answerer = self.view._answerer
        answerer._send = lambda message, buffers: self.sent.append(
            {"message": message, "buffers": [base64.b64encode(one).decode() for one in buffers]}
        )
        answerer.take(body)
        answerer._worker.submit(lambda: None).result()
        # Several may be on their way at once; each takes its own answer.
        mine = [one for one in self.sent if one["message"].get("id") == body.get("id")]
        for one in mine:
            self.sent.remove(one)
        return mine

    def slice_of(self, path: str, known: str | None) -> tuple[int, dict[str, str], bytes]:
        """Answer as the gateway does."""
        prefix = "/base/workbench/api/views/V1/slices/"
        if self.refusal is not None:
            body = {"error": "access-denied", "code": "access-denied", "message": self.refusal[1]}
            return self.refusal[0], {"Content-Type": "application/json"}, json.dumps(body).encode()
        address, _, query = path.partition("?")
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        on = Geometry.from_dict(json.loads(asked["grid"])) if "grid" in asked else None
        if address.startswith(prefix.replace("slices/", "labels/")):
            name, _, plane, index = address.rsplit("/", 4)[1:]
            return self.label_slice_of(name, plane, int(index), on)
        if not address.startswith(prefix):
            return 404, {}, b"{}"
        etag = f'"{hashlib.sha256(path.encode()).hexdigest()[:16]}"'
        if known == etag:
            return 304, {"ETag": etag}, b""
        plane, index = address.removeprefix(prefix).split("/")
        pixels = shown_slice(
            self.view.volume, plane, int(index), level=int(asked.get("level", 0)),
            slab_mm=float(asked.get("slab_mm", 0)), mode=asked.get("mode", "mean"), on=on,
        )  # fmt: skip
        shape = ",".join(str(n) for n in pixels.shape)
        headers = {"X-Shape": shape, "ETag": etag, "Cache-Control": "private, no-cache"}
        return 200, headers, pixels.astype("<i2").tobytes()

    def label_slice_of(
        self, name: str, plane: str, index: int, on: Geometry | None
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer with a slice of the label set of a name."""
        found = [layer for layer in self.view.shelf.layers.values() if layer.name == name]
        pixels = found[0].read_slice(plane, index, on or self.view.volume.geometry)
        headers = {"X-Shape": ",".join(str(n) for n in pixels.shape), "ETag": f'"{name}/{plane}/{index}"'}
        return 200, headers, pixels.astype("<u2").tobytes()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with what the slices' protocol says."""
        server: Any = self.server
        self.reply(*server.slices.answer(self.path, self.headers.get("If-None-Match")))

    def do_POST(self) -> None:
        """Hand what the browser sends to the widget."""
        server: Any = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(server.slices.post(self.path, body)).encode()
        self.reply(200, {"Content-Type": "application/json"}, answer)

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Send an answer."""
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
def view_options() -> dict[str, Any]:
    """Give what the page's view is made with; a test module may give more by a fixture of the same name."""
    return {}


@pytest.fixture
def server(volume: CountedVolume, view_options: dict[str, Any]) -> Iterator[SliceServer]:
    """Serve the volume's slices and a page with the widget."""
    if not (STATIC / "viewer.js").is_file():
        pytest.skip("the viewer is not built; `npm ci && npm run build` in the folder extensions")
    box = {"centre_mm": (1.5, 4.0, 150.5), "size_mm": 14, "label": "nodule"}
    options = {"position_mm": (5.0, 4.0, 150.5), "window": "lung", "boxes": [box], **view_options}
    opened = options.pop("opened", Opened(volume, "V1"))
    view = CTView(opened, title=options.pop("title", "phantom S0001"), **options)
    http_server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http_server.daemon_threads = True
    http_server.slices = SliceServer(view)
    http_server.slices.address = f"http://127.0.0.1:{http_server.server_port}/"
    thread = threading.Thread(target=http_server.serve_forever, daemon=True)
    thread.start()
    yield http_server.slices
    http_server.slices.released.set()
    http_server.shutdown()
    http_server.server_close()
    thread.join()
    view.close()


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
