"""The kernel's lines to the gateway: one for each thread, opened when first needed.

Runs in: kernel
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection, connect_from_environment

READERS = 2

_lines = threading.local()


def line() -> Connection:
    """Give this thread's line to the gateway, with the token of this kernel."""
    signed = (os.environ.get(SOCKET_VARIABLE), os.environ.get(TOKEN_VARIABLE), os.getpid())
    if getattr(_lines, "signed", None) != signed:
        _lines.line, _lines.signed = connect_from_environment(), signed
    held: Connection = _lines.line
    return held


def readers() -> ThreadPoolExecutor:
    """Give the threads that read volumes: one fetches while the other decodes."""
    return _readers_of(os.getpid())


@lru_cache(maxsize=1)
def _readers_of(_: int) -> ThreadPoolExecutor:
    # Threads do not survive a fork, so each process has its own.
    return ThreadPoolExecutor(READERS, thread_name_prefix="volume")
