"""A client that dribbles or falls silent gets a plain refusal, and nobody else waits for it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from workbench.connection import gateway_answers, operator_secret
from workbench.settings import Settings

IMPATIENT = """
from workbench.gateway import app, protocol
protocol.HEAD_TIMEOUT_S = app.PIECE_TIMEOUT_S = 2.0
from workbench.gateway.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give a home whose gateway waits two seconds instead of twenty."""
    settings = Settings(tmp_path_factory.mktemp("slow") / "home")
    environment = {**os.environ, "WORKBENCH_HOME": str(settings.home)}
    process = subprocess.Popen([sys.executable, "-c", IMPATIENT], env=environment)
    deadline = time.monotonic() + 60
    while not gateway_answers(settings):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    yield settings
    process.terminate()
    process.wait(timeout=20)


def dribble(settings: Settings, pieces: list[bytes], pause_s: float = 0.2) -> bytes:
    """Send pieces with pauses until the gateway hangs up, and give what it said."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(120)
        line.connect(str(settings.socket))
        for piece in pieces:
            try:
                line.sendall(piece)
            except BrokenPipeError:
                break
            time.sleep(pause_s)
        said = b""
        try:
            while more := line.recv(65536):
                said += more
        except ConnectionResetError:
            pass
        return said


def refusal(said: bytes) -> tuple[bytes, str]:
    head, _, body = said.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], json.loads(body)["error"]


def head(settings: Settings, length: int) -> bytes:
    token = operator_secret(settings)
    text = f"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n"
    return f"{text}Connection: close\r\n\r\n".encode()


@pytest.mark.parametrize("pieces", [[], [b"GET /v1/whoami HTT"], [b"GET / HTTP/1.1\r\n", *[b"X-A: 1\r\n"] * 14]],
                         ids=["nothing", "half a line", "a header now and then"])  # fmt: skip
def test_a_head_that_does_not_arrive_is_refused(impatient: Settings, pieces: list[bytes]) -> None:
    assert refusal(dribble(impatient, pieces)) == (b"HTTP/1.1 408 Request Timeout", "too-slow")


@pytest.mark.parametrize("body", [[b"{"], [b" "] * 14], ids=["silence", "a byte now and then"])
def test_a_body_that_does_not_arrive_is_refused(impatient: Settings, body: list[bytes]) -> None:
    said = dribble(impatient, [head(impatient, 1000), *body])
    assert refusal(said) == (b"HTTP/1.1 408 Request Timeout", "too-slow")


def test_others_are_served_while_many_dribble(impatient: Settings) -> None:
    lines = []
    for _ in range(200):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.connect(str(impatient.socket))
        line.send(b"GET /v1/who")
        lines.append(line)
    assert gateway_answers(impatient)
    for line in lines:
        line.close()


def test_a_client_that_sends_in_time_is_served_however_often(impatient: Settings) -> None:
    body = b'{"person": "researcher"}'
    said = dribble(impatient, [head(impatient, len(body)), body[:10], body[10:]], 0.1)
    assert said.startswith(b"HTTP/1.1 200")
