"""Fixtures that every room's tests share: a home of its own, a real gateway, real medical files where mounted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from workbench.connection import gateway_answers, sign_in
from workbench.demo import Journey, prepare_data
from workbench.ingest.signing import decide_waiting
from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def missing(reason: str) -> None:
    """Skip loudly; under CI=true what should be installed and is not fails the run."""
    if IN_CI:
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Play a test that sits before a real browser once more when it fails; the summary names it as rerun.

    JupyterLab's parts start in an order of their own, which a busy machine can stretch beyond any wait.
    """
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def bubblewrap() -> None:
    """Skip (fail in CI) where bubblewrap is not installed."""
    if shutil.which("bwrap") is None:
        missing("bubblewrap is not installed; `apt-get install bubblewrap`")


@pytest.fixture
def chromium() -> str:
    """Give the path of Chromium, or skip (fail in CI)."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("chromium is not installed; `apt-get install chromium fonts-dejavu`")
    return str(path)


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Give the folder of real medical files of a name, or skip: they are mounted, never part of the project."""

    def find(name: str) -> Path:
        root = Path(os.environ.get("WORKBENCH_TEST_DATA") or ROOT.parent / "shared" / "data")
        if not (root / name).is_dir():
            pytest.skip(f"the real data “{name}” are not mounted (set WORKBENCH_TEST_DATA)")
        return root / name

    return find


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the exported checkpoints of every home of this run in one folder of the run's own."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give the settings of an empty home of this test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    for name in ("WORKBENCH_GATEWAY", "WORKBENCH_TOKEN", "WORKBENCH_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    return load_settings()


def start_gateway(settings: Settings) -> subprocess.Popen[bytes]:
    """Start a real gateway of a home and wait until it answers."""
    settings.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = (settings.run / "gateway-test.log").open("ab")
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.gateway"], stdout=log, stderr=log,
            env={**os.environ, "WORKBENCH_HOME": str(settings.home)},
        )  # fmt: skip
    deadline = time.monotonic() + 120
    while not gateway_answers(settings):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the gateway did not start: {(settings.run / 'gateway-test.log').read_text()}")
        time.sleep(0.02)
    return process


def stop_gateway(process: subprocess.Popen[bytes]) -> None:
    """Stop a gateway that this test started, by its process id."""
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def sign_off(settings: Settings, dataset: str, account: str = "checker-1") -> None:
    """Have the version of a dataset that waits published by a second person."""
    with closing(sign_in(settings, account)) as line:
        decide_waiting(line, dataset, "publish", "a test")


@pytest.fixture
def gateway(home: Settings) -> Iterator[Settings]:
    """Have a real gateway for an empty home, stopped at the end of the test."""
    process = start_gateway(home)
    yield home
    stop_gateway(process)


@pytest.fixture
def signed_off(gateway: Settings) -> Callable[[str], None]:
    """Give a function that has the waiting version of a dataset published by a second person."""
    return lambda dataset: sign_off(gateway, dataset)


SMALL_PLAN = (
    ("train", 11),
    ("train", 12),
    ("train", 13),
    ("validation", 22),
    ("validation", 23),
    ("public_test", 31),
    ("final_test", 41),
)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give one home for the whole run, filled as the demo fills it but with fewer phantoms, and its gateway.

    Tests that change what others rely on (the tier of a dataset, a grant they did not ask for) take `home` instead.
    """
    settings = load_settings(tmp_path_factory.mktemp("demo") / "home")
    process = start_gateway(settings)
    journey = Journey(settings, is_quiet=True)
    prepare_data(journey, plan=SMALL_PLAN)
    for line in journey.lines.values():
        line.close()
    yield settings
    stop_gateway(process)
