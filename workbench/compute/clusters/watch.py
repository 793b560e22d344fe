"""Looks after a running cluster: wanted against actual workers, its hours, its idle time, and who wants it to end.

A worker that dies is started again by its nanny within seconds. What a nanny cannot mend (it died as well, or gave up)
is mended here: every look compares the workers that the scheduler sees with those that are wanted.

Runs in: kernel
Source: distributed, `SpecCluster._correct_state` and `_update_worker_status`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.compute.clusters.line import Record

LOOK_S = 1.0
# The gateway hears less often than we look.
BEAT_S = 3.0
# A nanny starts a worker again by itself; we step in when workers were missing for so long.
MISSING_S = 20.0
ASK_S = 10.0
MOST_TELLING = 5


@dataclass(frozen=True)
class Look:
    """What a cluster looked like.

    Parameters
    ----------
    wanted, actual : int
        Workers that shall be there, and those that the scheduler sees.
    memory_bytes : int
        Resident memory of all workers.
    tasks : int
        Tasks that wait or run.
    idle_s : float
        Since when nothing is to do, seconds; 0 while there is.
    left_s : float
        Seconds until its hours run out.
    """

    wanted: int = 0
    actual: int = 0
    memory_bytes: int = 0
    tasks: int = 0
    idle_s: float = 0.0
    left_s: float = 0.0

    def as_said(self) -> dict[str, Any]:
        """Give what the gateway hears."""
        return {
            "actual": self.actual, "memory_bytes": self.memory_bytes, "tasks": self.tasks,
            "idle_s": round(self.idle_s, 1),
        }  # fmt: skip


class Watch:
    """One thread that looks after one cluster until it ends.

    Parameters
    ----------
    engine : object
        The dask cluster.
    workers : int
        How many are wanted at first.
    ends : float
        When its hours run out, on the monotonic clock.
    idle_minutes : float or None
        After how long with nothing to do it closes; None never.
    record : Record or None
        Where the gateway hears of it.
    close : callable
        Called with the reason when it shall end.
    """

    def __init__(
        self, engine: Any, workers: int, ends: float, *, idle_minutes: float | None, record: Record | None,
        close: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.wanted = workers
        self.last = Look(wanted=workers, left_s=ends - time.monotonic())
        self.listeners: list[Callable[[Look], None]] = []
        self._engine, self._ends, self._idle_minutes = engine, ends, idle_minutes
        self._record, self._close = record, close
        self._stop = threading.Event()
        self._missing_since: float | None = None
        self._told = 0.0
        self._thread = threading.Thread(target=self._run, name="cluster-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch; called from within itself it ends after this look."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=ASK_S + LOOK_S)

    def look(self) -> Look:
        """Look now."""
        self.last = self._look()
        return self.last

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            why = self._why_it_ends()
            if why is None:
                self._mend()
                for tell in list(self.listeners)[:MOST_TELLING]:
                    tell(self.last)
                continue
            self._close(why)
            return

    def _why_it_ends(self) -> str | None:
        """Give why the cluster shall end now, or None."""
        if time.monotonic() >= self._ends:
            return "its hours ran out"
        self.look()
        if self._idle_minutes is not None and self.last.idle_s >= 60 * self._idle_minutes:
            return f"it had nothing to do for {self._idle_minutes:g} minutes"
        if not is_alive(self._engine):
            return LOST
        if self._record is not None and time.monotonic() - self._told >= BEAT_S:
            self._told = time.monotonic()
            return self._record.beat(self.last.as_said())
        return None

    def _look(self) -> Look:
        found: dict[str, Any] = {}
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            # The loop may be closing, or busy under a notebook that holds the interpreter; the next look is soon.
            found = self._engine.sync(_facts, self._engine, callback_timeout=ASK_S)
        now = time.monotonic()
        return Look(
            self.wanted, int(found.get("actual", 0)), int(found.get("memory_bytes", 0)), int(found.get("tasks", 0)),
            float(found.get("idle_s", 0.0)), max(self._ends - now, 0.0),
        )  # fmt: skip

    def _mend(self) -> None:
        """Have the engine start what is missing once its nannies had their time to."""
        now = time.monotonic()
        if self.last.actual >= self.wanted:
            self._missing_since = None
            return
        self._missing_since = self._missing_since or now
        if now - self._missing_since > MISSING_S:
            self._missing_since = now
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                # The next look tries again; what cannot be mended shows as fewer actual workers.
                self._engine.sync(_correct, self._engine, callback_timeout=60)


LOST = "its scheduler is gone (it was killed, mostly for lack of memory); what the workers held is lost, files stay"


def is_alive(engine: Any) -> bool:
    """Whether an engine and its scheduler run still."""
    scheduler = getattr(engine, "scheduler", None)
    process = getattr(scheduler, "process", None)
    if process is not None and (process.returncode is not None or not _runs(process.pid)):
        return False
    statuses = [getattr(getattr(one, "status", None), "name", "running") for one in (engine, scheduler)]
    return not {"closed", "closing", "failed", "stopped"} & set(statuses)


def _runs(pid: int) -> bool:
    """Whether a child runs; it stays a zombie until the event loop comes to note its end."""
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    return False


async def _facts(engine: Any) -> dict[str, Any]:
    scheduler = engine.scheduler
    workers = list(getattr(scheduler, "workers", {}).values())
    if not hasattr(scheduler, "tasks"):
        return {"actual": len(engine.scheduler_info["workers"])}
    return {
        "actual": len(workers),
        "idle_s": time.time() - scheduler.idle_since if scheduler.idle_since else 0.0,
        "memory_bytes": sum(worker.metrics.get("memory", 0) for worker in workers),
        "tasks": sum(len(worker.processing) for worker in workers) + len(scheduler.queued) + len(scheduler.unrunnable),
    }


async def _correct(engine: Any) -> None:
    """Forget workers whose nanny has ended, then start those that are wanted and not there."""
    for name, worker in list(engine.workers.items()):
        if getattr(worker.status, "name", "") in ("closed", "failed"):
            del engine.workers[name]
    await asyncio.wait_for(engine._correct_state(), 60)
