"""Runs of reports as jobs of the lab server: each in a process of its own, which goes on when the tab is closed.

A job has a folder below the home, where no kernel can reach it. The server writes what was asked for, the job's
process what became of it; a job without a living process has ended, whatever its last word was.

Runs in: Jupyter server
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import Conflict, NotFound
from workbench.settings import Settings

REQUEST, STATE, LOCK, CANCELLED, LOG = "request.json", "state.json", "lock", "cancelled", "log"
RUNNING = "running"
# On a small machine more kernels at once would only wait for one another.
MOST_AT_ONCE, MOST_KEPT = 2, 40
# Until then a cancelled run may shut down its kernel in good order; killed, it leaves the kernel's folder behind.
PATIENCE_S = 30.0
STOPPED = "The lab server ended before this did; start it again."
WITHOUT_A_WORD = "It ended without saying why, perhaps for lack of memory; start it again."
CANCELLED_WORD = "Cancelled. What its cells had written to the workspace until then is still there."


class ReportRuns:
    """The jobs of one home, each with an account that alone sees it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def start(self, account: str, request: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
        """Start a job.

        Parameters
        ----------
        account : str
            For whom it runs.
        request : mapping
            `kind` (``run`` or ``reproduce``) and what that kind needs; kept and shown as it is.
        files : mapping of str to bytes
            What it works on, laid into its folder under these plain names.

        Raises
        ------
        Conflict
            When the account has as many under way as it may.
        """
        with self._lock:
            running = [one for one in self.list(account) if one["state"] == RUNNING]
            if len(running) >= MOST_AT_ONCE:
                raise Conflict(f"{MOST_AT_ONCE} of your runs are under way; wait for one to end, or cancel it.")
            twin = next((one for one in running if request.get("crate") and one.get("crate") == request["crate"]), None)
            if twin is not None:
                raise Conflict("This crate is being run again already; its verdict comes when that ends.")
            now = datetime.now(UTC)
            run = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
            folder = self._folder(account, run)
            folder.mkdir(mode=0o700, parents=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            whole = {**request, "run": run, "account": account, "created": now.isoformat()}
            write_json(folder / REQUEST, whole)
            self._begin(run, folder)
        self._prune(account)
        return self.read(account, run)

    def list(self, account: str) -> list[dict[str, Any]]:
        """List an account's jobs, newest first."""
        root = self._folder(account, "")
        names = sorted((entry.name for entry in root.iterdir()), reverse=True) if root.is_dir() else []
        return [self._read(root / name) for name in names if (root / name / REQUEST).is_file()]

    def read(self, account: str, run: str) -> dict[str, Any]:
        """Give one job as it stands now: what was asked, `state`, `cells`, `message` and what it made."""
        return self._read(self.folder(account, run))

    def folder(self, account: str, run: str) -> Path:
        """Give the folder of one job.

        Raises
        ------
        NotFound
            When this account has no such job.
        """
        folder = self._folder(account, run)
        if not run or "/" in run or run.startswith(".") or not (folder / REQUEST).is_file():
            raise NotFound("You have no such run; it may have made room for newer ones.")
        return folder

    def cancel(self, account: str, run: str) -> dict[str, Any]:
        """End a job; one that has ended already stays as it is."""
        folder = self.folder(account, run)
        process = self._processes.get(run)
        if process is not None and process.poll() is None:
            (folder / CANCELLED).touch()
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                _kill(process)
        return self._read(folder)

    def _begin(self, run: str, folder: Path) -> None:
        with (folder / LOG).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", "workbench.jupyter.report_worker", str(folder)],
                # It ends when this pipe does, so it never outlives the server.
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd="/", start_new_session=True,
                env={**os.environ, "WORKBENCH_HOME": str(self._settings.home)},
            )  # fmt: skip
        self._processes[run] = process

    def _folder(self, account: str, run: str) -> Path:
        return self._settings.home / "report-runs" / account / run

    def _read(self, folder: Path) -> dict[str, Any]:
        request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
        is_alive = self._is_alive(folder)
        try:
            state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            state = {"state": RUNNING}
        if state["state"] == RUNNING and not is_alive:
            state |= self._unsaid_end(folder)
        return {**request, **state}

    def _unsaid_end(self, folder: Path) -> dict[str, Any]:
        if (folder / CANCELLED).exists():
            return {"state": "cancelled", "message": CANCELLED_WORD}
        known = folder.name in self._processes
        return {"state": "failed", "message": WITHOUT_A_WORD if known else STOPPED}

    def _is_alive(self, folder: Path) -> bool:
        process = self._processes.get(folder.name)
        if process is not None:
            return process.poll() is None
        # Started by another server of this home: its process holds the lock for as long as it lives.
        try:
            with (folder / LOCK).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def _prune(self, account: str) -> None:
        for old in self.list(account)[MOST_KEPT:]:
            if old["state"] != RUNNING:
                shutil.rmtree(self._folder(account, old["run"]), ignore_errors=True)
                self._processes.pop(old["run"], None)


def write_json(file: Path, value: object) -> None:
    """Write a file in one step, so that whoever reads it sees the old or the new."""
    draft = file.with_name(f".{file.name}")
    draft.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    draft.replace(file)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
