"""What a browser has given up before its turn came is never asked of the gateway; what changes something always is."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workbench.jupyter.handlers import ForwardHandler
from workbench.jupyter.lines import THREADS, GatewayLines, Reply
from workbench.settings import load_settings


class BusyLines(GatewayLines):
    """Lines whose gateway answers when the test lets it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(load_settings(folder))
        self.asked: list[str] = []
        self.may_answer = threading.Event()

    def _ask(self, account: str, method: str, url: str, body: bytes | None, headers: dict[str, str] | None) -> Reply:
        self.asked.append(url)
        self.may_answer.wait(30)
        return 200, {}, url.encode()


def handler_of(method: str, asking: asyncio.Future[Reply]) -> ForwardHandler:
    handler = cast(Any, object.__new__(ForwardHandler))
    handler.request, handler.asking = SimpleNamespace(method=method), asking
    return cast(ForwardHandler, handler)


@pytest.mark.parametrize(("method", "is_asked"), [("GET", False), ("POST", True)])
def test_a_read_that_waits_is_dropped_and_a_change_is_not(method: str, is_asked: bool, tmp_path: Path) -> None:
    lines = BusyLines(tmp_path / "home")

    async def scroll() -> list[Reply | BaseException]:
        busy = [asyncio.ensure_future(lines.ask("ada", "GET", f"/busy/{n}")) for n in range(THREADS)]
        waiting = asyncio.ensure_future(lines.ask("ada", method, "/waiting"))
        # Around the loop, so that each has taken its place, and again, so that the word has got about.
        await asyncio.sleep(0)
        handler_of(method, waiting).on_connection_close()
        for _ in range(5):
            await asyncio.sleep(0)
        lines.may_answer.set()
        return await asyncio.gather(*busy, waiting, return_exceptions=True)

    *answers, last = asyncio.run(scroll())
    lines.close()
    assert [cast(Reply, answer)[0] for answer in answers] == [200] * THREADS
    assert ("/waiting" in lines.asked, isinstance(last, asyncio.CancelledError)) == (is_asked, not is_asked)


def test_a_connection_that_closes_before_anything_was_asked_is_no_error() -> None:
    handler = handler_of("GET", cast(Any, None))
    handler.on_connection_close()
    assert handler.asking is None
