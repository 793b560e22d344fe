"""Real governed kernels and a real lab server, in a home that the tests of one module share."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

from workbench.connection import gateway_answers, sign_in
from workbench.geometry import Geometry
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.ingest.signing import decide_waiting
from workbench.settings import Settings, load_settings

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).resolve().parents[2]
KERNEL = "workbench-python"
# Only the process that starts kernels holds it; no kernel may ever find it.
SERVER_SECRET = "only-the-server-knows-f3a1"  # noqa: S105 - made up for the tests
LAB_TOKEN = "lab-token-of-this-test"  # noqa: S105 - the same


@pytest.fixture(scope="module")
def governed_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give a demo home with a running gateway; this process, which starts the kernels, holds a secret."""
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder / "home"))
        patch.setenv("SERVER_SECRET", SERVER_SECRET)
        patch.setenv("JUPYTER_PATH", str(ROOT / "workbench" / "jupyter"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        patch.setenv("JUPYTER_CONFIG_DIR", str(folder / "config"))
        for name in ("WORKBENCH_GATEWAY", "WORKBENCH_TOKEN", "WORKBENCH_ACCOUNT"):
            patch.delenv(name, raising=False)
        settings = load_settings()
        settings.run.mkdir(mode=0o700, parents=True)
        with (settings.run / "gateway-test.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "workbench.gateway"], stdout=log, stderr=log)
        while not gateway_answers(settings):
            assert process.poll() is None, (settings.run / "gateway-test.log").read_text()
            time.sleep(0.05)
        yield settings
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def make_dataset(governed_home: Settings) -> Callable[[str], None]:
    """Give a function that publishes one small volume as a controlled dataset."""
    return lambda name: make_controlled_dataset(governed_home, name)


def make_controlled_dataset(settings: Settings, name: str) -> None:
    """Publish one small volume as a controlled dataset and grant it to the researcher."""
    grid = Geometry((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    keys, levels = write_ome_zarr(np.zeros((4, 4, 4), np.int16), grid)
    scan = {"scan": "S0001", "subject": "P0001", "split": "train", "modality": "CT", "shape": [4, 4, 4],
            "spacing_mm": [1, 1, 1], "origin_mm": [0, 0, 0], "direction": [1, 0, 0, 0, 1, 0, 0, 0, 1],
            "sha256": hashlib.sha256(bytes(128)).hexdigest(), "levels": levels, "window": [40, 400]}  # fmt: skip
    with closing(sign_in(settings, "custodian")) as custodian, closing(sign_in(settings, "researcher")) as researcher:
        ingest = custodian.post("/v1/ingests", {"dataset": name, "tier": "controlled"})["ingest"]
        for key, data in keys.items():
            url = f"/v1/ingests/{ingest}/objects/scans/S0001/image.zarr/{key}?subject=P0001"
            custodian.request("PUT", url, body=data)
        custodian.request("PUT", f"/v1/ingests/{ingest}/objects/report.html", body=b"<!doctype html>")
        custodian.post(f"/v1/ingests/{ingest}/commit", {"scans": [scan], "card": {}, "findings": []})
        with closing(sign_in(settings, "checker-1")) as checker:
            decide_waiting(checker, name, "publish", "a test")
        form = {"purpose": "method development", "days": 1, "note": ""}
        request = researcher.post(f"/v1/datasets/{name}/requests", form)
        custodian.post(f"/v1/requests/{request['id']}/approve", {"reason": "a test"})


class Notebook:
    """A running kernel that cells can be sent to."""

    def __init__(self, name: str = KERNEL) -> None:
        started = time.perf_counter()
        self.manager: KernelManager
        self.manager, self.client = start_new_kernel(kernel_name=name, startup_timeout=180)
        self.start_s = time.perf_counter() - started

    def run(self, code: str, timeout: float = 180, *, hear: Callable[[str], None] | None = None) -> str:
        """Run a cell; give what it printed, or `Error: message` when it raised. `hear` is told what it prints."""
        said: list[str] = []

        def take(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
                if hear is not None:
                    hear(content["text"])
            elif message["msg_type"] == "error":
                said.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(code, timeout=timeout, output_hook=take)
        return "".join(said).strip()

    def close(self) -> None:
        """End the kernel; a second time does nothing."""
        if not self.manager.has_kernel:
            return
        self.client.stop_channels()
        self.manager.shutdown_kernel()


@pytest.fixture
def open_notebook(governed_home: Settings, bubblewrap: None) -> Iterator[Callable[..., Notebook]]:
    """Give a function that starts kernels, which end with the test."""
    opened: list[Notebook] = []

    def start(name: str = KERNEL) -> Notebook:
        opened.append(Notebook(name))
        return opened[-1]

    yield start
    for notebook in opened:
        notebook.close()


@pytest.fixture(scope="module")
def notebook(governed_home: Settings) -> Iterator[Notebook]:
    """Give one governed kernel for all cells of a module."""
    notebook = Notebook()
    yield notebook
    notebook.close()


class Browser:
    """A browser without a screen: keeps cookies, sends the anti-forgery token back when told to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None, *, token: bool = False, forged: bool = False) -> Any:
        """Send a request; give (status, headers, text)."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if token:
            headers["Authorization"] = f"token {LAB_TOKEN}"
        if method != "GET" and not forged:
            headers["X-XSRFToken"] = self.cookies.get("_xsrf", "")
        content = None
        if isinstance(body, dict):
            content, headers["Content-Type"] = urlencode(body), "application/x-www-form-urlencoded"
        elif body is not None:
            content, headers["Content-Type"] = json.dumps(body[0]), "application/json"
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        line.request(method, path, body=content, headers=headers)
        reply = line.getresponse()
        text = reply.read().decode(errors="replace")
        for name, value in reply.getheaders():
            if name.lower() == "set-cookie":
                self.cookies.update({key: morsel.value for key, morsel in SimpleCookie(value).items()})
        line.close()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}, text

    def sign_in(self, account: str) -> None:
        """Come in with the address that was printed, then choose an account."""
        self.ask("GET", f"/workbench/sign-in?token={LAB_TOKEN}")
        status, _, _ = self.ask("POST", "/workbench/sign-in", {"account": account})
        assert status == 302

    def json(self, method: str, path: str, value: Any = None) -> Any:
        """Send and receive JSON; fails the test on a refusal."""
        status, _, text = self.ask(method, path, None if value is None else [value])
        assert status < 400, text
        return json.loads(text) if text else None


@pytest.fixture(scope="module")
def lab(governed_home: Settings) -> Iterator[int]:
    """Have `workbench lab` on a free port of the loopback; give the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    log = (governed_home.home / "lab.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "lab", "--no-browser", "--port", str(port)],
        env={**os.environ, "JUPYTER_TOKEN": LAB_TOKEN}, stdout=log, stderr=log,
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    else:
        pytest.fail((governed_home.home / "lab.log").read_text())
    yield port
    process.terminate()
    process.wait(timeout=120)
    log.close()


@pytest.fixture(scope="module")
def lab_token(lab: int) -> str:
    """Give the token that opens the lab."""
    return LAB_TOKEN


@pytest.fixture
def signed_in(lab: int) -> Callable[[str], Browser]:
    """Give a function that opens a browser in which an account is signed in."""

    def open_browser(account: str) -> Browser:
        browser = Browser(lab)
        browser.sign_in(account)
        return browser

    return open_browser


@pytest.fixture
def stranger(lab: int) -> Browser:
    """Give a browser in which nobody is signed in."""
    return Browser(lab)
