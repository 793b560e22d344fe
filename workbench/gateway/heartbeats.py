"""When each evaluator last said that it lives, and the bell that wakes whoever waits for work.

Kept in memory alone: an evaluator never outlives its gateway, so a new one has nothing to remember.

Runs in: gateway
"""

from __future__ import annotations

import threading
import time


class Heartbeats:
    """The heartbeats of the leases that run."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._bell = threading.Condition()

    def beat(self, lease: str) -> None:
        """Note that the holder of a lease lives."""
        self._last[lease] = time.monotonic()

    def silence_s(self, lease: str) -> float:
        """Give for how many seconds nothing was heard from a lease's holder; counting begins at the first question."""
        return time.monotonic() - self._last.setdefault(lease, time.monotonic())

    def forget(self, lease: str) -> None:
        """Forget a lease that is over."""
        self._last.pop(lease, None)

    def ring(self) -> None:
        """Wake whoever waits for work."""
        with self._bell:
            self._bell.notify_all()

    def wait(self, longest_s: float) -> None:
        """Wait until the bell rings, or for as long as is given."""
        with self._bell:
            self._bell.wait(longest_s)
