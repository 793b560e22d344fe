"""Works off the queue of submissions: one evaluator process each, watched until the submission has ended.

Whatever happens to the process, its submission comes to an end: by the result it sends, by the end of the process
(noticed at once), by its silence, or by its deadline. What was under way when a gateway was killed is taken up at the
next start.

Runs in: gateway
"""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.benchmark.board import final
from workbench.benchmark.submissions import leases
from workbench.benchmark.submissions.payloads import Payloads
from workbench.benchmark.submissions.records import find_row
from workbench.benchmark.submissions.states import SCORED, SILENCE_S, UNDER_WAY
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, WORKERS_VARIABLE
from workbench.errors import WorkbenchError
from workbench.gateway.tokens import Token
from workbench.governance.canonical import moment
from workbench.governance.sandbox import sandbox_environment

if TYPE_CHECKING:
    from workbench.gateway.state import State

EVALUATOR = "workbench.benchmark.evaluation.evaluator"
LOOK_S, CLOCK_S = 0.2, 1.0
GOODBYE_S = 5.0
# Each evaluation uses two cores: more at once would run into each other's time limits.
MOST_WORKERS, CORES_EACH = 4, 2
# A token is refused a little after the deadline that the row itself has.
TOKEN_SPARE_S = 60.0
MENDED_LATER = (WorkbenchError, OSError, sqlite3.Error)

log = logging.getLogger("workbench.gateway.evaluating")


class Evaluating:
    """The workers of one gateway."""

    def __init__(self, state: State, workers: int | None = None) -> None:
        self._state = state
        self._payloads = payloads_of(state)
        self._running: dict[str, tuple[subprocess.Popen[bytes], str]] = {}
        self._is_over, self._handing = threading.Event(), threading.Lock()
        cores = os.cpu_count() or 1
        count = workers or min(MOST_WORKERS, max(1, cores // CORES_EACH))
        self._spread_over = int(state.settings.evaluation_workers) or max(1, cores // count // CORES_EACH)
        self._threads = [threading.Thread(target=self._work, name=f"evaluating-{n}", daemon=True) for n in range(count)]
        self._threads.append(threading.Thread(target=self._tell_time, name="evaluating-clock", daemon=True))

    def start(self) -> None:
        """Take up what an earlier gateway left, and begin."""
        leases.recover(self._state.store)
        kept = self._state.store.read().execute(
            "SELECT id FROM submissions WHERE state IN ('queued', 'running', 'scored')"
        )
        self._payloads.sweep({row["id"] for row in kept.fetchall()})
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End in good order: what runs waits again, as if it had not started."""
        self._is_over.set()
        self._state.heartbeats.ring()
        for submission in list(self._running):
            self._hand_back(submission)
        for thread in self._threads:
            thread.join(GOODBYE_S)

    def is_busy(self) -> bool:
        """Whether anything waits or runs."""
        marks = ", ".join("?" * len(UNDER_WAY))
        found = self._state.store.read().execute(
            f"SELECT 1 FROM submissions WHERE state IN ({marks}) LIMIT 1",  # noqa: S608 - only question marks
            UNDER_WAY,
        )
        return found.fetchone() is not None

    def _work(self) -> None:
        while not self._is_over.is_set():
            try:
                job = leases.take_next(self._state.store)
                if job is None:
                    self._state.heartbeats.wait(CLOCK_S)
                else:
                    self._evaluate(job)
            except MENDED_LATER as problem:
                # A worker that died of it would leave the queue standing; the clock ends what it had begun.
                log.error("a worker of the queue: %s", problem)
                self._is_over.wait(CLOCK_S)

    def _tell_time(self) -> None:
        while not self._is_over.wait(CLOCK_S):
            try:
                leases.expire(self._state.store)
                # What an opened final test still has to run, after a crash between its opening and its queue.
                if final.advance(self._state.store):
                    self._state.heartbeats.ring()
            except MENDED_LATER as problem:
                log.error("the clock of the queue: %s", problem)

    def _evaluate(self, job: dict[str, Any]) -> None:
        """Run one evaluator and see to it that the submission does not run when it is gone."""
        submission, lease = job["id"], job["lease"]
        why = "the evaluator did not start"
        try:
            process = self._begin(job)
            self._running[submission] = (process, lease)
            if self._is_over.is_set():
                # `stop` may have looked before this one was among those that run.
                self._hand_back(submission)
            why = self._watch(process, submission, lease)
        finally:
            self._running.pop(submission, None)
            self._state.heartbeats.forget(lease)
            if not self._is_over.is_set():
                state = leases.lose(self._state.store, submission, lease, why)
                if state not in (*UNDER_WAY, SCORED):
                    self._payloads.drop(submission, job["kind"])

    def _hand_back(self, submission: str) -> None:
        """End an evaluator and have its submission wait again, once, whoever asks for it."""
        with self._handing:
            process, lease = self._running.get(submission, (None, ""))
            if process is not None:
                with suppress(*MENDED_LATER):
                    leases.hand_back(self._state.store, submission, lease)
                process.kill()

    def _begin(self, job: dict[str, Any]) -> subprocess.Popen[bytes]:
        state, submission = self._state, job["id"]
        left_s = (moment(job["deadline"]) - datetime.now(UTC)).total_seconds()
        token = Token(
            job["person"], "evaluator", job["lease"], "bubblewrap", time.time() + left_s + TOKEN_SPARE_S,
            task=job["task"], submission=submission,
        )  # fmt: skip
        given = {
            SOCKET_VARIABLE: str(state.settings.socket), TOKEN_VARIABLE: state.tokens.make(token),
            WORKERS_VARIABLE: str(self._spread_over),
        }  # fmt: skip
        with (state.settings.run / "evaluator.log").open("ab") as output:
            # It ends by itself when its standard input closes, so it never outlives the gateway.
            return subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", EVALUATOR, submission],
                stdin=subprocess.PIPE, stdout=output, stderr=output, cwd="/", env=sandbox_environment(given),
            )  # fmt: skip

    def _watch(self, process: subprocess.Popen[bytes], submission: str, lease: str) -> str:
        """Wait until an evaluator is gone, or end it; give why it is gone."""
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return f"the evaluator ended with status {process.wait(LOOK_S)}"
                if self._state.heartbeats.silence_s(lease) > SILENCE_S:
                    return "the evaluator was silent"
                if not leases.holds(find_row(self._state.store, submission), lease):
                    # It has ended: by its result, by its author, or by its deadline. The process may say goodbye.
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(GOODBYE_S)
                    return "the submission has ended"
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def payloads_of(state: State) -> Payloads:
    """Give the files of a home's submissions."""
    return Payloads(state.settings.home / "submissions")
