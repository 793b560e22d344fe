"""What the benchmark of viewers sees of a page: the clock, the traffic and the memory, the same for every viewer."""

from __future__ import annotations

from typing import Any

import psutil
from playwright.sync_api import Browser, Page

# A peer's picture can only be read back when its drawing buffer is kept; this changes nothing that is drawn.
KEEP_DRAWING = """const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  return get.call(this, kind, kind.startsWith('webgl') ? { ...options, preserveDrawingBuffer: true } : options);
};
// Counted here: handing 157 MB of frames to a watcher outside would slow down who sends them.
window.socketBytes = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', ({ data }) => {
      window.socketBytes += data.byteLength ?? data.size ?? data.length;
    });
  }
};
window.thumbnail = canvas => {
  const small = Object.assign(document.createElement('canvas'), { width: 64, height: 64 });
  const pen = small.getContext('2d', { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0, 64, 64);
  return pen.getImageData(0, 0, 64, 64).data;
};
window.greys = canvas => new Set(window.thumbnail(canvas).filter((_, i) => i % 4 === 0)).size;
window.firstPicture = isThere => new Promise((done, late) => {
  let start = 0;
  const onKey = event => { if (event.key === 'Enter') start ||= performance.now(); };
  addEventListener('keydown', onKey, true);
  const look = () => {
    if (!start || !isThere()) return setTimeout(look, 10);
    removeEventListener('keydown', onKey, true);
    done(performance.now() - start);
  };
  look();
  setTimeout(() => late(new Error('no picture came')), 170000);
});
// A hand acts at any moment between two frames, not just after one.
let phase = 0;
window.anyMoment = () => new Promise(done => requestAnimationFrame(() => {
  phase = (phase + 0.618) % 1;
  setTimeout(done, phase * 16);
}));
// From a key or a notch of the wheel to the moment the canvas shows something else.
window.step = async (canvas, act) => {
  await window.anyMoment();
  const before = window.thumbnail(canvas).join();
  return new Promise((done, late) => {
    const start = performance.now();
    act();
    const look = () => window.thumbnail(canvas).join() !== before ? done(performance.now() - start)
      : performance.now() - start > 20000 ? late(new Error('nothing moved')) : requestAnimationFrame(look);
    look();
  });
};"""


class Traffic:
    """What a page receives: over the kernel's socket, and over HTTP."""

    def __init__(self, page: Page) -> None:
        self._page, self._http_bytes, self._socket_start = page, 0, 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._on_finished)

    def clear(self) -> None:
        """Begin again."""
        self._http_bytes, self._socket_start = 0, self._socket_bytes()

    @property
    def kernel_mb(self) -> float:
        """Received over the kernel's socket, MB."""
        return (self._socket_bytes() - self._socket_start) / 1e6

    @property
    def http_mb(self) -> float:
        """Received over HTTP, MB."""
        return self._http_bytes / 1e6

    def _socket_bytes(self) -> int:
        return int(self._page.evaluate("window.socketBytes"))

    def _on_finished(self, event: dict[str, Any]) -> None:
        self._http_bytes += int(event["encodedDataLength"])


def memory_mb(browser: Browser, page: Page) -> float:
    """Give the memory that belongs to the browser's pages and its graphics process alone, MB, after a collection."""
    page.context.new_cdp_session(page).send("HeapProfiler.collectGarbage")
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    kept = [process["id"] for process in told if process["type"] in ("renderer", "GPU")]
    return sum(psutil.Process(number).memory_full_info().uss for number in kept) / 1e6
