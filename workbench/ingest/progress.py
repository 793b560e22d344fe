"""A bar on the terminal for long work; silent where nobody watches.

Runs in: ingest host
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 28
REDRAW_S = 0.1
# Called with (done, total, what is being done).
Progress = Callable[[int, int, str], None]


def quiet(done: int, total: int, what: str) -> None:
    """Show nothing."""


class Bar:
    """Draws `what ████░░░ 12/107` on one line, at most ten times a second."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._drawn = 0.0
        self._what = ""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show how far the work is."""
        now = time.monotonic()
        if done < total and what == self._what and now - self._drawn < REDRAW_S:
            return
        self._drawn, self._what = now, what
        filled = WIDTH * done // max(total, 1)
        self._stream.write(f"\r{what:<10} {'█' * filled}{'░' * (WIDTH - filled)} {done}/{total}\033[K")
        self._stream.flush()

    def clear(self) -> None:
        """Remove the bar, so that the next line starts clean."""
        if self._what:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._what = ""
