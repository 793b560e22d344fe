"""dask-gateway serves kernels that may read open data alone; a real one, on loopback, with two people."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import workbench as wb
from tests.conftest import missing, start_gateway, stop_gateway
from workbench.compute.cluster_beyond import beyond_engine, hang_up, require_open_only
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection, operator_secret, sign_in
from workbench.errors import (
    AccessDenied,
    GatewayUnavailable,
    InvalidInput,
    MissingDependency,
    NotSignedIn,
)
from workbench.settings import Settings, load_settings

PASSWORD = "of-this-test"  # noqa: S105 - made up for the test
PATIENCE_S = 120.0
# The packaged commands `dask-scheduler` and `dask-worker` are gone from distributed.
CONFIG = """
from dask_gateway_server.options import Integer, Options, Select
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.SimpleAuthenticator.password = {password!r}
c.DaskGateway.address = "127.0.0.1:{private}"
c.Proxy.address = "127.0.0.1:{public}"
c.LocalBackend.clusters_directory = {folder!r}
c.LocalBackend.sigint_timeout = 2
c.LocalClusterConfig.scheduler_cmd = ["dask", "scheduler"]
c.LocalClusterConfig.worker_cmd = ["dask", "worker"]
c.LocalClusterConfig.cluster_max_workers = 2
c.Backend.cluster_options = Options(
    Integer("worker_threads", default=1, min=1, max=2, target="worker_threads"),
    Select("kind", ["small"], default="small"),
    handler=lambda options: {{"worker_threads": options.worker_threads}},
)
"""


@dataclass(frozen=True)
class Served:
    """A dask-gateway that runs."""

    address: str
    log: Path


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Have a real dask-gateway with its proxy; whatever it started is ended by process id."""
    pytest.importorskip("dask_gateway")
    if not (Path(sys.executable).parent / "dask-gateway-server").is_file():
        missing("dask-gateway-server is not installed; install the extra `test`")
    folder = tmp_path_factory.mktemp("dask-gateway")
    public, log = free_port(), folder / "log"
    text = CONFIG.format(password=PASSWORD, private=free_port(), public=public, folder=str(folder / "clusters"))
    (folder / "config.py").write_text(text)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "dask-gateway-server", "-f", folder / "config.py"], cwd=folder,
            stdout=output, stderr=output, env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.defpath}"},
        )  # fmt: skip
    watch = psutil.Process(process.pid)
    deadline = time.monotonic() + PATIENCE_S
    while _status(public) != 200:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    yield Served(f"http://127.0.0.1:{public}", log)
    started = watch.children(recursive=True)
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    for left in [*started, watch]:
        with suppress(psutil.NoSuchProcess):
            left.kill()
    psutil.wait_procs(started, timeout=10)


def _status(port: int) -> int:
    """Ask for the version, which needs no sign-in; the proxy answers 404 until it knows where to ask."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as line:
        try:
            line.request("GET", "/api/version")
            return line.getresponse().status
        except OSError:
            return 0


@pytest.fixture(scope="module")
def plain_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Have a gateway of an empty home."""
    settings = load_settings(tmp_path_factory.mktemp("beyond") / "home")
    process = start_gateway(settings)
    yield settings
    stop_gateway(process)


@pytest.fixture
def kernel(plain_home: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give a function that makes this Python one that holds the token of a kernel with some isolation."""

    def become(isolation: str) -> None:
        with closing(Connection(plain_home.socket, operator_secret(plain_home))) as operator:
            started = operator.post("/v1/kernels", {"person": "researcher", "isolation": isolation})
        monkeypatch.setenv(SOCKET_VARIABLE, str(plain_home.socket))
        monkeypatch.setenv(TOKEN_VARIABLE, started["token"])

    return become


@contextmanager
def line_of(served: Served, person: str) -> Iterator[Any]:
    """Have a person's own line to the dask-gateway."""
    from dask_gateway import BasicAuth, Gateway

    gateway = Gateway(served.address, auth=BasicAuth(person, PASSWORD))
    yield gateway
    hang_up(gateway)


def square(number: int) -> int:
    return number * number


def start(served: Served, person: str, workers: int = 1, **options: Any) -> Any:
    return beyond_engine(served.address, workers, sign_in=(person, PASSWORD), options=options)


def test_a_kernel_that_may_read_governed_data_is_refused(kernel: Callable[[str], None]) -> None:
    kernel("bubblewrap")

    with pytest.raises(AccessDenied, match="governed data") as caught:
        beyond_engine("http://127.0.0.1:9", 1)
    assert caught.value.code == "engine-not-isolated"


def test_what_the_environment_says_of_isolation_does_not_count(
    kernel: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel("bubblewrap")
    monkeypatch.setenv("WORKBENCH_ISOLATION", "none")

    with pytest.raises(AccessDenied, match="governed data"):
        require_open_only()


def test_a_person_at_a_terminal_is_refused(plain_home: Settings) -> None:
    with closing(sign_in(plain_home, "researcher")) as line, pytest.raises(AccessDenied, match="governed data"):
        require_open_only(line)


def test_a_python_that_the_workbench_did_not_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)

    with pytest.raises(NotSignedIn):
        beyond_engine("http://127.0.0.1:9", 1)


def test_a_missing_package_is_named(kernel: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    kernel("none")
    monkeypatch.setitem(sys.modules, "dask_gateway", None)

    with pytest.raises(MissingDependency, match=r"ai4h-workbench\[gateway\]"):
        beyond_engine("http://127.0.0.1:9", 1)


@pytest.mark.parametrize(("workers", "sign_in_as"), [(0, "jupyterhub"), (True, "jupyterhub"), (1, "kerberos")])
def test_values_out_of_their_range_are_refused(kernel: Callable[[str], None], workers: int, sign_in_as: str) -> None:
    pytest.importorskip("dask_gateway")
    kernel("none")

    with pytest.raises(InvalidInput):
        beyond_engine("http://127.0.0.1:9", workers, sign_in=sign_in_as)


def test_a_gateway_that_does_not_answer_is_named(kernel: Callable[[str], None]) -> None:
    pytest.importorskip("dask_gateway")
    kernel("none")

    with pytest.raises(GatewayUnavailable, match="does not answer"):
        beyond_engine(f"http://127.0.0.1:{free_port()}", 1, sign_in=("alice", PASSWORD))


def test_a_wrong_password_is_refused(kernel: Callable[[str], None], served: Served) -> None:
    kernel("none")

    with pytest.raises(NotSignedIn, match="does not know who asks"):
        beyond_engine(served.address, 1, sign_in=("alice", "wrong"))


@pytest.mark.parametrize("options", [{"colour": 1}, {"worker_threads": 3}, {"worker_threads": "x"}, {"kind": "huge"}])
def test_options_are_typed_and_bounded(kernel: Callable[[str], None], served: Served, options: dict[str, Any]) -> None:
    kernel("none")

    with pytest.raises(InvalidInput):
        start(served, "alice", **options)


def test_two_people_compute_and_do_not_see_each_other(kernel: Callable[[str], None], served: Served) -> None:
    from aiohttp import ClientResponseError

    kernel("none")
    words = {"address": served.address, "sign_in": ("alice", PASSWORD), "options": {"worker_threads": 2}}
    with wb.cluster(1, **words) as alice:  # type: ignore[arg-type]
        assert alice.map(square, [1, 2, 3]) == [1, 4, 9]
        assert set(alice.client.nthreads().values()) == {2}
        assert alice.actual == 1
        assert "for open data alone" in alice._repr_html_()
        with line_of(served, "alice") as own:
            (name,) = [report.name for report in own.list_clusters()]
        with line_of(served, "bob") as other:
            assert other.list_clusters() == []
            for ask in (other.get_cluster, other.stop_cluster):
                with pytest.raises(ClientResponseError, match="Forbidden"):
                    ask(name)
        with pytest.raises(InvalidInput, match="fewer workers"):
            alice.scale(3)
    with line_of(served, "alice") as own:
        assert own.list_clusters() == []
