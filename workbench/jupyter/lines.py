"""The lab server's lines to the gateway: one person token per account, kept here and never sent to a browser.

Runs in: Jupyter server
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from workbench.connection import Connection, operator_secret, running_gateway, sign_in
from workbench.errors import GatewayUnavailable, NotSignedIn
from workbench.settings import Settings

Reply = tuple[int, dict[str, str], bytes]
# A viewer asks for a handful of slices at once; more threads would only wait for the same gateway.
THREADS = 6
TIMEOUT_S = 60.0


class GatewayLines:
    """Sends requests to the gateway on behalf of accounts, from threads, with the lines kept open."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="gateway-line")
        self._held = ExitStack()

    async def ask(
        self, account: str, method: str, url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send one request and give status, headers and body; raise what the gateway refused with."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, account, method, url, body, headers)

    async def accounts(self) -> list[str]:
        """List the demo accounts of this home; empty when it is no demo home."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._accounts)

    def close(self) -> None:
        """Hang up and let the gateway end when nobody else holds it."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._held.close()

    def _ask(self, account: str, method: str, url: str, body: bytes | None, headers: dict[str, str] | None) -> Reply:
        try:
            return self._line(account).request(method, url, body=body, headers=headers)
        except NotSignedIn:
            # A token lives for an hour, the lab for days.
            self._forget(account)
        except GatewayUnavailable:
            if method != "GET":
                raise
            self._forget(account)
            self._have_gateway()
        return self._line(account).request(method, url, body=body, headers=headers)

    def _line(self, account: str) -> Connection:
        with self._lock:
            token = self._tokens.get(account)
        if token is None:
            self._have_gateway()
            opened = sign_in(self.settings, account)
            token = opened.token
            opened.close()
            with self._lock:
                self._tokens[account] = token
        lines: dict[str, Connection] = self._own.__dict__.setdefault("lines", {})
        if account not in lines or lines[account].token != token:
            lines[account] = Connection(self.settings.socket, token, timeout_s=TIMEOUT_S)
        return lines[account]

    def _forget(self, account: str) -> None:
        with self._lock:
            self._tokens.pop(account, None)

    def _accounts(self) -> list[str]:
        if not self.settings.demo_accounts:
            return []
        self._have_gateway()
        line = Connection(self.settings.socket, operator_secret(self.settings), timeout_s=TIMEOUT_S)
        try:
            return [str(name) for name in line.get("/v1/whoami").get("accounts", [])]
        finally:
            line.close()

    def _have_gateway(self) -> None:
        """Start the gateway when nobody has, and hold it as long as this server lives."""
        with self._lock:
            held = ExitStack()
            held.enter_context(running_gateway(self.settings))
            self._held.close()
            self._held = held
