"""A real JupyterLab on a home with one controlled scan, a real Chromium before it, and verbs a person would use."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "build" / "screens"
LABEXTENSION = ROOT / "workbench" / "jupyter" / "labextension" / "static"
AXE = ROOT / "extensions" / "node_modules" / "axe-core" / "axe.min.js"
DATASET, TITLE = "clinic-ct", "Clinic CT"
# Software WebGL, and no traffic of the browser's own. The page itself is put together by the processor: through
# software WebGL a frame of JupyterLab takes 200 ms and more.
FLAGS = (
    "--headless --no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --disable-gpu-compositing --use-angle=swiftshader --enable-unsafe-swiftshader"
).split()
START_S = 60.0


def run_workbench(*arguments: str) -> str:
    """Run a verb of the command line in this test's home and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "workbench.cli", *arguments], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, f"workbench {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Lab:
    """JupyterLab as somebody sits in front of it."""

    page: Page
    url: str
    token: str
    troubles: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)

    def open(self, path: str = "lab") -> Lab:
        """Open a page of the lab and wait until the workbench is in its sidebar."""
        self.page.goto(f"{self.url}{path}{'&' if '?' in path else '?'}token={self.token}")
        # The launcher or a page takes the focus when it appears, so nothing is typed before.
        front = self.page.locator("#jp-main-dock-panel > .lm-DockPanel-widget:not(.lm-mod-hidden)")
        expect(front.first).to_be_visible(timeout=START_S * 1000)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=START_S * 1000)
        expect(self.page.get_by_role("button", name=re.compile("^Workbench: "))).to_be_visible(timeout=START_S * 1000)
        return self

    def open_sidebar(self) -> Locator:
        """Open the workbench's sidebar and give it."""
        sidebar = self.page.locator("#ai4h-workbench")
        if not sidebar.is_visible():
            # Not its tab: a click there closes a sidebar that opened itself in the meantime.
            self.page.get_by_role("button", name=re.compile("^Workbench: ")).click()
            self.page.locator(".lm-Menu").get_by_text("Show the workbench", exact=True).click()
        expect(sidebar).to_be_visible()
        return sidebar

    def section(self, name: str | re.Pattern[str]) -> Locator:
        """Give the content of a section of the sidebar, opened."""
        title = self.open_sidebar().locator(".jp-AccordionPanel-title", has_text=name)
        if title.get_attribute("aria-expanded") == "false":
            title.click()
        return self.page.locator(f"#ai4h-workbench [aria-labelledby='{title.get_attribute('id')}']")

    def dataset(self, name: str = DATASET) -> Locator:
        """Give the sidebar's row of a dataset, opened."""
        row = self.open_sidebar().locator(f"[data-dataset='{name}']")
        head = row.locator("button[aria-expanded]")
        if head.get_attribute("aria-expanded") == "false":
            head.click()
        return row

    def run_all_once_the_kernel_is_ready(self) -> None:
        """Run every cell of the notebook in front, which must have the governed kernel."""
        kernel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-KernelName")
        expect(kernel).to_contain_text("Governed Python", timeout=START_S * 1000)
        idle = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator")
        expect(idle).to_have_attribute("data-status", "idle", timeout=START_S * 1000)
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator(".lm-Menu").get_by_text("Run All Cells", exact=True).click()

    def choose_theme(self, name: str) -> None:
        """Change the theme by the menu."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        self.page.locator(".lm-Menu-item", has_text=re.compile(f"^{name}$")).click()
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=START_S * 1000)

    def keep(self, name: str) -> None:
        """Keep a picture of the page for eyes."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png")

    def serious_barriers(self, *selectors: str) -> list[str]:
        """Scan parts of the page with axe-core and give what would keep somebody out."""
        if not AXE.is_file():
            stop = pytest.fail if os.environ.get("CI", "").lower() in ("1", "true", "yes") else pytest.skip
            stop("axe-core is not installed; `npm ci` in extensions/")
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("include => axe.run({include})", [[selector] for selector in selectors])
        return [
            f"{barrier['id']}: {node['html']}"
            for barrier in found["violations"]
            if barrier["impact"] in ("serious", "critical")
            for node in barrier["nodes"]
        ]

    def forgive(self, text: str) -> None:
        """Forget one trouble that the test made on purpose; it must have been noticed."""
        self.troubles.remove(next(trouble for trouble in self.troubles if text in trouble))

    def untolerated(self) -> list[str]:
        """Give the troubles that are this project's own."""
        return [trouble for trouble in self.troubles if not any(text in trouble for text in self.tolerated)]

    def watch(self) -> None:
        """Note every error on the console and every request to another host."""
        own = urlsplit(self.url).netloc

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.troubles.append(f"console: {message.text}")

        def on_request(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in ("data", "blob", "about") and parts.netloc != own:
                self.troubles.append(f"request to another host: {request.url}")

        self.page.on("console", on_console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"page: {error}"))
        self.page.on("request", on_request)


@pytest.fixture
def workbench() -> Callable[..., str]:
    """Give the command line, as somebody else in another window would use it."""
    return run_workbench


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have one phantom scan, brought in from a folder and therefore controlled; made once, copied for each test."""
    folder = tmp_path_factory.mktemp("browser")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder / "home"))
        run_workbench("phantoms", str(folder / "scans"), "--seed", "11", "--count", "1")
        run_workbench("ingest", str(folder / "scans"), "--dataset", DATASET, "--title", TITLE, "--as", "custodian")
        run_workbench("sign-off", DATASET, "--as", "checker-1")
        settings = load_settings()
    deadline = time.monotonic() + START_S
    while settings.socket.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return folder / "home"


@pytest.fixture
def clinic(home: Settings, filled_home: Path) -> Settings:
    """Have the filled home as this test's own."""
    shutil.copytree(filled_home, home.home, ignore=shutil.ignore_patterns("run"))
    return home


@pytest.fixture
def lab_as(chromium: str, bubblewrap: None, clinic: Settings, tmp_path: Path) -> Iterator[Callable[[str], Lab]]:
    """Start JupyterLab with somebody signed in; at the end nothing may have gone wrong in the browser."""
    if not any(LABEXTENSION.glob("remoteEntry*.js")):
        pytest.fail("the JupyterLab extension is not built; `npm run build` in extensions/")
    started: list[subprocess.Popen[bytes]] = []
    labs: list[Lab] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)

        def start(account: str) -> Lab:
            process, url, token = _start_lab(account, tmp_path)
            started.append(process)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.set_default_timeout(30_000)
            labs.append(Lab(page, url, token))
            labs[-1].watch()
            labs[-1].open()
            # It shows itself to whoever comes for the first time.
            expect(page.locator("#ai4h-workbench")).to_be_visible(timeout=START_S * 1000)
            return labs[-1]

        yield start
        browser.close()
    for process in started:
        process.terminate()
        process.wait(timeout=30)
    assert [trouble for lab in labs for trouble in lab.untolerated()] == []


def _start_lab(account: str, folder: Path) -> tuple[subprocess.Popen[bytes], str, str]:
    """Start `workbench lab` apart from this user's own Jupyter settings; give its address and token."""
    runtime = folder / f"runtime-{account}"
    own = {"JUPYTER_RUNTIME_DIR": runtime, "JUPYTER_CONFIG_DIR": folder / "config", "JUPYTER_DATA_DIR": folder / "data"}
    command = [sys.executable, "-m", "workbench.cli", "lab", "--as", account, "--port", _free_port(), "--no-browser"]
    log = folder / f"lab-{account}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **{name: str(path) for name, path in own.items()}}
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            server = json.loads(file.read_text() or "{}")
            if _answers(server.get("port", 0)):
                return process, server["url"], server["token"]
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-3000:]}")


def _free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0
