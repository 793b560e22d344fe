"""The viewer beside ipyniivue and itkwidgets: one volume, one JupyterLab, headless Chromium with software WebGL.

A controlled dataset, a grant, the kernel in its sandbox, gateway and vault. The clock starts at the key that runs the
cell. This viewer's stops when three planes show full resolution; a peer's when its canvas shows a picture at all.
itkwidgets first shows an overview of at most 192 voxels an axis. For this viewer a volume of 2 GB is measured too.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright
from run import load

from workbench.connection import running_gateway
from workbench.geometry import Geometry
from workbench.imaging.phantom import make_phantom
from workbench.ingest.phantom_series import write_series
from workbench.settings import load_settings

page_tools = load(Path(__file__).with_name("viewer_page.py"), "bench_viewer_page")
SHAPE, SPACING_MM = (300, 512, 512), (1.0, 0.7, 0.7)
LARGE_SHAPE, LARGE_SPACING_MM = (1000, 1024, 1024), (0.35, 0.35, 0.35)
REPEATS, PEER_REPEATS, STEPS = 5, 3, 20
PROMISED_S, PROMISED_KERNEL_MB, PROMISED_MEMORY_MB = 1.0, 0.1, 64.0
PROMISED_CACHED_MS, PROMISED_UNCACHED_MS = 16.0, 50.0
WAIT_MS = 180_000
LOAD = "import workbench as wb\nscan = wb.dataset('{}').volume('S0001')\nwb.view"
OURS = "document.querySelector('.ctv[data-complete]') && document.querySelectorAll('.ctv').length === 1"
NIIVUE = """from ipyniivue import NiiVue
from workbench.imaging.nifti import write_nifti
from pathlib import Path
Path('bench.nii').write_bytes(write_nifti(scan.read(), scan.geometry, packed=False))"""
SHOW_NIIVUE = "nv = NiiVue(height=600)\nnv.load_volumes([{'path': 'bench.nii'}])\nnv"
SHOW_ITK = "shown = wb.view(scan, engine='itkwidgets')\nshown"
DRAWN = """[...document.querySelectorAll('.jp-OutputArea canvas')]
  .some(canvas => canvas.width > 200 && window.greys(canvas) > 12)"""
LARGEST = """[...document.querySelectorAll('.jp-OutputArea canvas')].sort((a, b) => b.width - a.width)[0]"""
# The key goes to the axial plane; the canvas says itself which slice it shows.
OWN_STEP = """key => window.anyMoment().then(() => new Promise(done => {
  const canvas = document.querySelector('.ctv canvas[data-plane=axial]');
  canvas.focus();
  const start = performance.now(), wanted = () => canvas.dataset.shown === canvas.getAttribute('aria-valuenow');
  const watch = new MutationObserver(() => {
    if (canvas.dataset.shown !== before && canvas.dataset.level === '0' && wanted()) {
      watch.disconnect(); done(performance.now() - start);
    }
  });
  const before = canvas.dataset.shown;
  watch.observe(canvas, { attributes: true });
  canvas.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
}))"""
WHEEL = """canvas => { const box = canvas.getBoundingClientRect();
  return window.step(canvas, () => canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, bubbles: true,
    cancelable: true, clientX: box.left + box.width / 4, clientY: box.top + box.height / 4 }))); }"""


def run() -> list[dict[str, Any]]:
    """Measure, and give the rows of the table."""
    browser_tests = load(Path(__file__).resolve().parents[1] / "browser" / "conftest.py", "workbench_browser_tests")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, _own_home(Path(name)):
        settings, folder = load_settings(), Path(name)
        with running_gateway(settings):
            _prepare(folder, browser_tests.run_workbench)
            notebooks = settings.workspaces / "researcher"
            notebooks.mkdir(parents=True, exist_ok=True)
            process, url, token = browser_tests._start_lab("researcher", folder)
            try:
                with sync_playwright() as playwright:
                    desk = _Desk(playwright, browser_tests, url, token, notebooks)
                    ours = desk.ours("bench-ct")
                    large = desk.ours("bench-large")
                    niivue = desk.peer("niivue", [NIIVUE], SHOW_NIIVUE) if find_spec("ipyniivue") else {}
                    itk = desk.peer("itkwidgets", [], SHOW_ITK) if find_spec("itkwidgets") else {}
            finally:
                process.terminate()
                process.wait(timeout=30)
    return [*_rows(ours, {"ipyniivue": niivue, "itkwidgets (overview)": itk}), *_large_rows(large, ours)]


class _Desk:
    """One JupyterLab, and a fresh Chromium for each viewer."""

    def __init__(self, playwright: Any, browser_tests: Any, url: str, token: str, notebooks: Path) -> None:
        self.playwright, self.browser_tests, self.notebooks = playwright, browser_tests, notebooks
        self.url, self.token = url, token

    def ours(self, dataset: str) -> dict[str, float]:
        """Measure this viewer on a dataset's scan."""
        with self.page(dataset, [LOAD.format(dataset), *["wb.view(scan)"] * 2]) as (browser, page, traffic):
            result = self.first_pictures(browser, page, traffic, cell=1, there=OURS, repeats=REPEATS)
            page.locator(".ctv").scroll_into_view_if_needed()
            page.wait_for_timeout(1500)
            # Ten slices further at each press: none of them was fetched ahead.
            page.evaluate(OWN_STEP, "Home")
            uncached = []
            for _ in range(STEPS):
                uncached.append(float(page.evaluate(OWN_STEP, "PageUp")))
            page.evaluate(OWN_STEP, "Home")
            page.wait_for_timeout(1500)
            for key in ["ArrowUp"] * 8:
                page.evaluate(OWN_STEP, key)
                page.wait_for_timeout(150)
            page.wait_for_timeout(1000)
            cached = [float(page.evaluate(OWN_STEP, key)) for key in ["ArrowDown", "ArrowUp"] * (STEPS // 2)]
            buffers = float(page.locator(".ctv").get_attribute("data-cache-bytes") or 0) / 1e6
        result["uncached_ms"] = statistics.median(uncached)
        result["uncached_p95_ms"] = float(np.percentile(uncached, 95))
        result["cached_ms"] = statistics.median(cached)
        result["buffers_mb"] = buffers
        return result

    def peer(self, name: str, before: list[str], show: str) -> dict[str, float]:
        """Measure a peer on the same scan."""
        cells = [LOAD.format("bench-ct"), *before, show]
        with self.page(name, cells) as (browser, page, traffic):
            for number in range(1, len(cells) - 1):
                self.run_and_wait(page, number)
            there = f"({DRAWN})"
            result = self.first_pictures(browser, page, traffic, cell=len(cells) - 1, there=there, repeats=PEER_REPEATS)
            if name == "niivue":
                canvas = page.evaluate_handle(LARGEST)
                steps = [float(page.evaluate(WHEEL, canvas)) for _ in range(STEPS)]
                result["cached_ms"] = result["uncached_ms"] = statistics.median(steps)
        return result

    def first_pictures(
        self, browser: Browser, page: Page, traffic: Any, *, cell: int, there: str, repeats: int
    ) -> dict[str, float]:
        """Run a cell several times and give medians; the first run warms up, the last one's memory is taken."""
        empty = page_tools.memory_mb(browser, page)
        seconds, kernel_mb, http_mb = [], [], []
        for number in range(repeats + 1):
            page.wait_for_timeout(1500)
            self.clear(page, cell)
            traffic.clear()
            page.evaluate(f"window.seen = window.firstPicture(() => {there}); 0")
            _run_cell(page, cell)
            took = float(page.evaluate("window.seen")) / 1000
            page.wait_for_timeout(700)
            if number > 0:
                seconds.append(took)
                kernel_mb.append(traffic.kernel_mb)
                http_mb.append(traffic.http_mb)
        return {
            "seconds": statistics.median(seconds), "kernel_mb": statistics.median(kernel_mb),
            "http_mb": statistics.median(http_mb), "memory_mb": page_tools.memory_mb(browser, page) - empty,
        }  # fmt: skip

    def clear(self, page: Page, cell: int) -> None:
        """Take the output of a cell away, so that no old picture is taken for the new one."""
        page.locator(".jp-Cell").nth(cell).locator(".cm-content").click()
        page.keyboard.press("Escape")
        page.locator(".jp-Cell").nth(cell).locator(".jp-InputPrompt").click()
        page.get_by_role("menuitem", name="Edit", exact=True).click()
        page.locator(".lm-Menu").get_by_text("Clear Cell Output", exact=True).click()
        expect(page.locator(".jp-Cell").nth(cell).locator("canvas")).to_have_count(0)

    def run_and_wait(self, page: Page, number: int) -> None:
        """Run a cell and wait until it has ended."""
        _run_cell(page, number)
        prompt = page.locator(".jp-Cell").nth(number).locator(".jp-InputPrompt")
        expect(prompt).to_have_text(f"[{number + 1}]:", timeout=WAIT_MS)

    @contextmanager
    def page(self, name: str, cells: list[str]) -> Iterator[tuple[Browser, Page, Any]]:
        """Open a notebook of these cells in a fresh browser, its first cell run."""
        (self.notebooks / f"{name}.ipynb").write_text(json.dumps(_notebook(cells)))
        flags = self.browser_tests.FLAGS
        browser = self.playwright.chromium.launch(executable_path=_chromium(), args=flags)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(page_tools.KEEP_DRAWING)
        self.browser_tests.Lab(page, self.url, self.token).open(f"lab/workspaces/{name}/tree/{name}.ipynb")
        traffic = page_tools.Traffic(page)
        idle = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator")
        expect(idle).to_have_attribute("data-status", "idle", timeout=WAIT_MS)
        self.run_and_wait(page, 0)
        yield browser, page, traffic
        browser.close()


MEASURES = (
    ("seconds", "first picture", "s", PROMISED_S),
    ("kernel_mb", "kernel socket", "MB", PROMISED_KERNEL_MB),
    ("http_mb", "HTTP", "MB", None),
    ("memory_mb", "browser memory", "MB", None),
    ("buffers_mb", "slices held", "MB", PROMISED_MEMORY_MB),
    ("cached_ms", "cached scroll step", "ms", PROMISED_CACHED_MS),
    ("uncached_ms", "uncached scroll step", "ms", None),
    ("uncached_p95_ms", "uncached scroll step, p95", "ms", PROMISED_UNCACHED_MS),
)


def _rows(ours: dict[str, float], peers: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    rows = []
    for key, words, unit, promised in MEASURES:
        subject = f"157 MB, {words}"
        if promised is not None:
            rows.append(_row(subject, ours[key], unit, "promise", promised))
        rows += [_row(subject, ours[key], unit, name, got[key]) for name, got in peers.items() if key in got]
    return rows


def _large_rows(large: dict[str, float], ours: dict[str, float]) -> list[dict[str, Any]]:
    return [_row(f"2.1 GB, {words}", large[key], unit, "157 MB", ours[key]) for key, words, unit, _ in MEASURES]


def _row(subject: str, value: float, unit: str, peer: str, peer_value: float) -> dict[str, Any]:
    ratio = value / peer_value if peer_value else None
    return {
        "bench": "viewer", "subject": subject, "value": value, "unit": unit,
        "peer": peer, "peer_value": peer_value, "ratio": ratio,
    }  # fmt: skip


def _run_cell(page: Page, number: int) -> None:
    page.locator(".jp-Cell").nth(number).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def _prepare(folder: Path, workbench: Any) -> None:
    """Bring two phantoms, one of 157 MB and one of 2.1 GB, in through the same door as a real series; grant them."""
    for number, (name, shape, spacing) in enumerate(
        [("bench-ct", SHAPE, SPACING_MM), ("bench-large", LARGE_SHAPE, LARGE_SPACING_MM)], 1
    ):
        small = make_phantom(1)
        index = [np.arange(n) * m // n for n, m in zip(shape, small.hu.shape, strict=True)]
        large = small.hu[np.ix_(*index)].astype(np.int16)
        rng = np.random.default_rng(0)
        for plane in large:
            plane += rng.normal(0, 20, plane.shape).astype(np.int16)
        np.clip(large, -1024, 3071, out=large)
        geometry = Geometry(shape, spacing, small.geometry.origin_mm)
        write_series(dataclasses.replace(small, hu=large, geometry=geometry), folder / name)
        workbench("ingest", str(folder / name), "--dataset", name, "--as", "custodian")
        workbench("sign-off", name, "--as", "checker-1")
        workbench("request", name, "--purpose", "method development", "--days", "1", "--as", "researcher")
        workbench("approve", f"R{number}", "--as", "custodian")


def _notebook(cells: list[str]) -> dict[str, Any]:
    kernel = {"name": "workbench-python", "display_name": "Governed Python", "language": "python"}
    code = [
        {"id": f"c{i}", "cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        for i, text in enumerate(cells)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": code}


@contextmanager
def _own_home(folder: Path) -> Iterator[None]:
    before = os.environ.get("WORKBENCH_HOME")
    os.environ["WORKBENCH_HOME"] = str(folder / "home")
    try:
        yield
    finally:
        if before is None:
            del os.environ["WORKBENCH_HOME"]
        else:
            os.environ["WORKBENCH_HOME"] = before


def _chromium() -> str:
    return next(path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists())


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
