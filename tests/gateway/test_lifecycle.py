"""One gateway per home, which keeps tokens over a restart and leaves when nobody needs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from homes import Lines, lines_of

from workbench.connection import Connection, gateway_answers, running_gateway
from workbench.errors import GatewayUnavailable
from workbench.settings import Settings, load_settings

PATIENCE_S = 120.0


def start(settings: Settings, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "WORKBENCH_HOME": str(settings.home)}
    return subprocess.Popen(
        [sys.executable, "-m", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def gone_within(settings: Settings, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while gateway_answers(settings) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not gateway_answers(settings)


def test_gateway_leaves_when_the_last_client_has(home: Settings) -> None:
    with running_gateway(home):
        with running_gateway(home):
            assert gateway_answers(home)
        time.sleep(1.2)
        assert gateway_answers(home)
    assert gone_within(home, PATIENCE_S)
    assert not home.socket.exists()


def test_tokens_outlive_a_restart(home: Settings) -> None:
    with running_gateway(home), lines_of(home) as lines:
        token = lines.kernel("researcher").token
    assert gone_within(home, PATIENCE_S)
    with running_gateway(home):
        line = Connection(home.socket, token)
        assert line.get("/v1/whoami")["person"] == "researcher"
        line.close()


def test_clients_that_come_and_go_always_find_a_gateway(home: Settings) -> None:
    def visit(_: int) -> str:
        with running_gateway(home), lines_of(home) as lines:
            return str(lines.operator().get("/v1/whoami")["kind"])

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(visit, range(8))) == {"operator"}
    assert gone_within(home, PATIENCE_S)


def test_second_gateway_leaves_quietly(gateway: Settings) -> None:
    second = start(gateway, "workbench.gateway")
    assert second.communicate(timeout=PATIENCE_S) == ("", "")
    assert second.returncode == 0
    assert gateway_answers(gateway)


def test_socket_and_keys_are_the_owners_alone(gateway: Settings) -> None:
    for folder in (gateway.home, gateway.run, gateway.gateway_folder, gateway.keys):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(gateway.socket.stat().st_mode) == 0o600
    for key in gateway.keys.glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(gateway.arena_socket.stat().st_mode) == 0o600
    assert sorted(file.name for file in gateway.gateway_folder.iterdir()) == ["arena.sock", "gateway.sock"]


@pytest.mark.parametrize("length", range(2, 200))
def test_every_socket_of_a_home_has_room_for_its_path(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(Path("/" + "h" * (length - 1)))
    longest = settings.run / "kernels" / "0a1b2c3d" / "sockets" / "ipc-65535"
    for path in (settings.socket, settings.arena_socket, longest):
        assert len(os.fsencode(path)) <= 107
    monkeypatch.setenv("TMPDIR", f"/{'t' * 90}")
    assert load_settings(settings.home).run == settings.run


def test_serve_says_where_it_listens_and_stops_at_ctrl_c(home: Settings) -> None:
    server = start(home, "workbench.cli", "serve", "--json")
    assert server.stdout is not None
    assert json.loads(server.stdout.readline())["socket"] == str(home.socket)
    deadline = time.monotonic() + PATIENCE_S
    while not gateway_answers(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    server.send_signal(signal.SIGINT)
    output, errors = server.communicate(timeout=PATIENCE_S)
    assert (server.returncode, output, errors) == (0, "", "")
    assert not home.socket.exists()


def test_serve_refuses_beside_a_running_gateway(gateway: Settings) -> None:
    server = start(gateway, "workbench.cli", "serve")
    _, errors = server.communicate(timeout=PATIENCE_S)
    assert server.returncode == 6
    assert "already runs" in errors


def test_idle_line_is_opened_again(gateway: Settings, lines: Lines) -> None:
    line = lines.kernel()
    line.get("/v1/whoami")
    assert line._line is not None and line._line.sock is not None
    line._line.sock.shutdown(socket.SHUT_RDWR)
    assert line.get("/v1/whoami")["person"] == "researcher"


def test_absent_gateway_is_named(home: Settings) -> None:
    with pytest.raises(GatewayUnavailable, match="workbench serve"):
        Connection(home.socket, "x").get("/v1/whoami")
