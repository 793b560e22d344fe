"""Hostile input gets a plain JSON refusal: never a trace, never a hang, never a path out of the vault."""

from __future__ import annotations

import json
import socket

import pytest
from homes import Lines

ZARR = "/v1/datasets/open-ct/scans/S0001/zarr"


def ask(
    lines: Lines, method: str, path: str, *, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str]]:
    """Send a request as it stands and give the status and the JSON that came back."""
    line = lines.kernel()
    named = {"Authorization": f"Bearer {line.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    status, _, content = line._exchange(method, path, body, named)
    return status, json.loads(content)


def raw(lines: Lines, data: bytes) -> bytes:
    """Write bytes on the socket and give what comes back until the gateway hangs up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(10)
        line.connect(str(lines.settings.socket))
        try:
            line.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while piece := line.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


@pytest.mark.parametrize("key", [
    "../scan.json", "..%2fscan.json", "%2e%2e/scan.json", "0/../../scan.json", "0%2fzarr.json", "0//zarr.json",
    "0\\zarr.json", "%00", "0/c/0/0/9", "....//scan.json", "zarr.json%0a", "%ff", "a" * 3000, "manifest.json", "",
])  # fmt: skip
def test_strange_zarr_keys_give_nothing(shared: Lines, key: str) -> None:
    status, body = ask(shared, "GET", f"{ZARR}/{key}")
    assert status in (400, 404)
    assert "Traceback" not in body["message"]


@pytest.mark.parametrize("path", [
    "/v1/datasets/..", "/v1/datasets/open-ct/tables/..", "/v1/datasets/open-ct/scans/..%2f..%2fx/zarr/0/zarr.json",
    "/v1/datasets/%20", "/v1/datasets/open-ct'--", "/v1/views/x/slices/axial/-1",
    "/v1/datasets/open-ct/tables/..%5cscans",
    "/v1/datasets/open-ct/scans/S0001'/zarr/0/zarr.json", "/v1/datasets/open-ct/scans?version=%00",
    "/v1/datasets/open-ct/scans?version=../x",
])  # fmt: skip
def test_strange_names_give_nothing(shared: Lines, path: str) -> None:
    status, body = ask(shared, "GET", path)
    assert status in (400, 404)
    assert body["message"]


@pytest.mark.parametrize("spec", [
    "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=-0", "bytes=99999999999999-", "items=0-1", "bytes 0-1",
    "bytes=0-1,0-1", "bytes=10-20,5-8", "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(300)), "bytes=0-9" * 9,
    "bytes=-1-2", "bytes=٣-٤", "bytes=" + "9" * 40 + "-",
])  # fmt: skip
def test_bad_ranges_are_not_satisfiable(shared: Lines, spec: str) -> None:
    status, body = ask(shared, "GET", f"{ZARR}/0/c/0/0/0", Range=spec.encode().decode("latin-1"))
    assert status == 416
    assert body["error"] == "range-not-satisfiable"


@pytest.mark.parametrize("body", [
    b"{", b"[]", b"3", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"dataset": 3}', b"{}", b"",
    b'{"dataset": "open-ct", "scan": {"a": 1}}', b'{"dataset": "open\\u0000ct", "scan": "x"}',
])  # fmt: skip
def test_bad_json_is_invalid_input(shared: Lines, body: bytes) -> None:
    status, answer = ask(shared, "POST", "/v1/views", body=body)
    assert status in (400, 404)
    assert answer["message"]


def test_oversized_body_is_refused(shared: Lines) -> None:
    status, answer = ask(shared, "POST", "/v1/views", body=b" " * (5 * 1024 * 1024))
    assert (status, answer["error"]) == (413, "too-large")


def test_announced_oversized_body_is_refused_before_it_is_sent(shared: Lines) -> None:
    token = shared.kernel().token
    head = f"POST /v1/views HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 99999999999\r\n"
    assert raw(shared, head.encode() + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("data", [
    b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n",
    b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(5000)) + b"\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/whoami HTTP/1.1\r\nX-Endless: " + b"a" * 2_000_000,
])  # fmt: skip
def test_huge_heads_are_refused_and_hung_up(shared: Lines, data: bytes) -> None:
    answer = raw(shared, data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00", b"nonsense\r\n\r\n", b"GET HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_gets_a_plain_answer(shared: Lines, data: bytes) -> None:
    answer = raw(shared, data)
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"] == "invalid-input"


def test_the_gateway_logs_no_trace_and_no_token(shared: Lines) -> None:
    log = (shared.settings.run / "gateway.log").read_text()
    assert "Traceback" not in log
    assert shared.operator().token not in log
