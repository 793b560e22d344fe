"""The line to the gateway: HTTP over its unix socket, with a token, and errors as their own classes.

Runs in: anywhere
"""

from __future__ import annotations

import fcntl
import getpass
import http.client
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import GatewayUnavailable, NotSignedIn, error_from_dict
from workbench.settings import Settings, load_settings

SOCKET_VARIABLE = "WORKBENCH_GATEWAY"
TOKEN_VARIABLE = "WORKBENCH_TOKEN"  # noqa: S105 - the name of a variable, not a secret
# Which dataset versions a run that is repeated reads, as JSON; a kernel's own code may look at any it may read.
VERSIONS_VARIABLE = "WORKBENCH_DATA_VERSIONS"
# Over how many workers an evaluator spreads a hidden test.
WORKERS_VARIABLE = "WORKBENCH_EVALUATION_WORKERS"
# A folder that a kernel gets as its workspace, in place of its account's own; for code that somebody else wrote.
FOLDER_VARIABLE = "WORKBENCH_KERNEL_FOLDER"
SECRET_VARIABLE = "WORKBENCH_SECRET"  # noqa: S105 - the name of a variable, not a secret
START_TIMEOUT_S = 120.0


class _UnixHTTPConnection(http.client.HTTPConnection):
    """`http.client` over a unix socket; faster per request than the usual client libraries."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("gateway", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Connection:
    """A reusable line to the gateway for one token; one per thread and process.

    A connection inherited across a fork would mix replies, so it is bound to the process that opened it.
    """

    def __init__(self, path: Path, token: str, *, timeout_s: float = 600.0) -> None:
        self.path = path
        self.token = token
        self.timeout_s = timeout_s
        self._line: _UnixHTTPConnection | None = None
        self._pid = 0

    def request(
        self, method: str, url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request and give (status, lower-case headers, body); raise the error the gateway sent."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        status, received, content = self._exchange(method, url, body, sent)
        if status >= 400:
            raise error_from_dict(_as_object(content))
        return status, received, content

    def get(self, url: str) -> Any:
        """GET a JSON value."""
        return json.loads(self.request("GET", url)[2])

    def post(self, url: str, value: object = None) -> Any:
        """POST a JSON value and give the JSON answer."""
        body = json.dumps(value if value is not None else {}).encode()
        return json.loads(self.request("POST", url, body=body, headers={"Content-Type": "application/json"})[2])

    def delete(self, url: str) -> Any:
        """DELETE and give the JSON answer."""
        return json.loads(self.request("DELETE", url)[2])

    def close(self) -> None:
        """Hang up."""
        if self._line is not None and self._pid == os.getpid():
            self._line.close()
        self._line = None

    def __del__(self) -> None:
        """Hang up a line that nobody holds any more, such as that of a thread that has ended."""
        if getattr(self, "_line", None) is not None:
            self.close()

    def _exchange(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        reused = self._line is not None and self._pid == os.getpid()
        try:
            return self._once(method, url, body, headers)
        except (http.client.HTTPException, OSError) as problem:
            self.close()
            # The server may have hung up an idle line between two requests; only a reused line is tried again. It
            # also hangs up in the middle of an answer whose reader may read no more: asking again brings the reason.
            is_cut = isinstance(problem, http.client.IncompleteRead)
            if (reused or is_cut) and method in ("GET", "HEAD"):
                try:
                    return self._once(method, url, body, headers)
                except (http.client.HTTPException, OSError):
                    self.close()
            raise GatewayUnavailable(
                f"The gateway does not answer ({type(problem).__name__}); start it with `workbench serve`, "
                "then try again."
            ) from None

    def _once(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if self._line is None or self._pid != os.getpid() or _has_hung_up(self._line.sock):
            self.close()
            self._line, self._pid = _UnixHTTPConnection(self.path, self.timeout_s), os.getpid()
        self._line.request(method, url, body=body, headers=headers)
        reply = self._line.getresponse()
        content = reply.read()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}, content


def _has_hung_up(line: socket.socket | None) -> bool:
    """Whether the other end closed an idle line; a POST sent into it would be lost and could not be sent again."""
    if line is None:
        return False
    waiting = select.poll()
    waiting.register(line, select.POLLIN)
    # Between two requests nothing is due, so whatever can be read is the end.
    return bool(waiting.poll(0))


def _as_object(content: bytes) -> dict[str, str]:
    try:
        value = json.loads(content)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"message": "The gateway answered with something that is not JSON."}


def connect_from_environment() -> Connection:
    """Give a line with the token that this kernel was started with.

    Raises
    ------
    NotSignedIn
        When the process holds no token, so was not started by the workbench.
    """
    path, token = os.environ.get(SOCKET_VARIABLE), os.environ.get(TOKEN_VARIABLE)
    if not path or not token:
        raise NotSignedIn(
            "This Python was not started by the workbench, so nobody is signed in. "
            "Open the notebook with the kernel “Governed Python”, or use `workbench run NOTEBOOK.ipynb`."
        )
    return Connection(Path(path), token)


def gateway_answers(settings: Settings) -> bool:
    """Whether somebody listens on the gateway's socket."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(2.0)
    try:
        line.connect(str(settings.socket))
    except OSError:
        return False
    finally:
        line.close()
    return True


@contextmanager
def running_gateway(settings: Settings) -> Iterator[None]:
    """Have a gateway for as long as the block runs; start one when none answers.

    A gateway that was started here ends by itself when nobody holds `clients.lock` any more, so commands that
    run at the same time share one and the last to leave turns off the light.
    """
    settings.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.run / "clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if not gateway_answers(settings):
            _start(settings)
        yield


def _start(settings: Settings) -> None:
    log = settings.run / "gateway.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.gateway", "--until-unused"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            env={**os.environ, "WORKBENCH_HOME": str(settings.home)},
        )  # fmt: skip
    # A long-lived parent must reap it when it ends, or it stays in the process table.
    threading.Thread(target=process.wait, name="gateway-ends", daemon=True).start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if gateway_answers(settings):
            return
        # Exit code 0 means another gateway of this home was faster; wait for its socket.
        if process.poll() not in (None, 0):
            break
        time.sleep(0.02)
    raise GatewayUnavailable(f"The gateway did not start; its log is {log.name} in the run folder of the home.")


def operator_secret(settings: Settings) -> str:
    """Read the secret with which the owner of the home opens sessions; only the owner can read the file."""
    try:
        return (settings.keys / "operator.key").read_text().strip()
    except OSError:
        raise NotSignedIn("This home has no operator key yet; start its gateway once with `workbench serve`.") from None


def default_account(settings: Settings, role: str = "researcher") -> str:
    """Name who acts when nobody is named: the demo account of the role, or the owner of the home."""
    return role if settings.demo_accounts else getpass.getuser()


def sign_in(settings: Settings, account: str) -> Connection:
    """Open a session for an account as the owner of the home and give its line.

    Raises
    ------
    NotSignedIn
        When somebody other than the owner of a home with real people is named, and their secret is not given.
    NotFound
        When the home has no such account.
    """
    form = {"person": account}
    if not settings.demo_accounts and account != getpass.getuser():
        form["secret"] = _secret_of(account)
    operator = Connection(settings.socket, operator_secret(settings))
    try:
        token = operator.post("/v1/sessions", form)["token"]
    finally:
        operator.close()
    return Connection(settings.socket, token)


def _secret_of(account: str) -> str:
    """Give the secret of a person who sits at this terminal, asked for or taken from the environment."""
    given = os.environ.get(SECRET_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise NotSignedIn(
            f"To act as “{account}” their secret is needed, and there is no terminal to ask for it: put it into "
            f"{SECRET_VARIABLE}. `workbench people add` shows it when the account is made."
        )
    return getpass.getpass(f"Secret of {account}: ")


@contextmanager
def terminal(account: str, settings: Settings | None = None) -> Iterator[Connection]:
    """Have a signed-in line for one command, with the gateway started when needed."""
    settings = settings or load_settings()
    with running_gateway(settings):
        line = sign_in(settings, account)
        try:
            yield line
        finally:
            line.close()
