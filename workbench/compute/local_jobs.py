"""The jobs of this machine: each in a process of its own that outlives whoever asked, known by its folder.

A job has a folder below the home, where no kernel can reach it. This room writes what was asked for, the job's
process (`python -m workbench.jupyter.job_worker`) what becomes of it. That process holds the folder's lock from
before it starts until it ends, so a job without a living process is known as such, whatever its last word was.

Runs in: gateway
Source: flock(2): a lock belongs to the open file, so a child that inherits it keeps it. proc(5): boot_id.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.compute.jobs import CANCELLED, KILLED, LOST, STARTING, UNDER_WAY, JobRequest
from workbench.connection import FOLDER_VARIABLE, VERSIONS_VARIABLE
from workbench.errors import Conflict, DiskFull, InvalidInput, NotFound, RunFailed, cause_of
from workbench.governance.sandbox import require_bubblewrap
from workbench.settings import Settings

WORKER = "workbench.jupyter.job_worker"
REQUEST, STATE, LOCK, CANCEL, LOG, OLDER_LOG = "request.json", "state.json", "lock", "cancel", "log", "log.older"
# On a small machine more jobs at once would only wait for one another.
MOST_AT_ONCE, MOST_KEPT = 2, 40
MOST_HOURS = 168.0
MOST_ARGUMENT_BYTES, MOST_WORDS, MOST_NAME = 100_000, 200, 100
SHOWN_LOG_BYTES = 64 * 1024
FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
BOOT, FIRST = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/1/stat")
CANCELLED_WORD = "Cancelled. What it had written to the workspace until then is still there."
KILLED_WORD = (
    "The process that watches over this job was ended by a signal (SIGKILL, or the system for lack of memory), and the "
    "job ended with it. What it had written to the workspace is still there; start it again."
)
LOST_WORD = (
    "The machine restarted while this job ran, so it ended there and then. What it had written to the workspace is "
    "still there; start it again, and work that resumes goes on from its last checkpoint."
)


class LocalJobs:
    """The jobs of one account on this machine; the local form of `JobRunner`.

    Parameters
    ----------
    settings : Settings
        Of the home.
    account : str
        Whose jobs; an account sees no other's.
    """

    def __init__(self, settings: Settings, account: str) -> None:
        self._settings = settings
        self._account = account
        self._root = settings.home / "jobs" / account

    def start(self, request: JobRequest) -> dict[str, Any]:
        """Start a job in a sandbox of its own and give its state.

        Raises
        ------
        InvalidInput
            When the request is not one that can be run.
        Conflict
            When the account has as many under way as it may.
        SandboxMissing
            When this machine cannot isolate.
        DiskFull
            When there is no room for its folder.
        """
        checked = check(request)
        require_bubblewrap()
        with _STARTING:
            if sum(one["state"] in UNDER_WAY for one in self.list()) >= MOST_AT_ONCE:
                raise Conflict(f"{MOST_AT_ONCE} of your jobs are under way; wait for one to end, or cancel it.")
            now = datetime.now(UTC)
            job = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
            folder = self._root / job
            try:
                folder.mkdir(mode=0o700, parents=True)
                write_json(folder / STATE, {"state": STARTING, "machine": machine_mark()})
                self._begin(folder, {**checked, "id": job, "account": self._account, "created": now.isoformat()})
            except OSError as problem:
                shutil.rmtree(folder, ignore_errors=True)
                kind = DiskFull if problem.errno in (errno.ENOSPC, errno.EDQUOT) else RunFailed
                raise kind(f"The job could not be started: {cause_of(problem)}. Make room, then try again.") from None
        self._prune()
        return self.read(job)

    def list(self) -> list[dict[str, Any]]:
        """Give the states of the account's jobs, newest first."""
        names = sorted((entry.name for entry in self._root.iterdir()), reverse=True) if self._root.is_dir() else []
        return [_read(self._root / name) for name in names if (self._root / name / REQUEST).is_file()]

    def read(self, job: str) -> dict[str, Any]:
        """Give the state of one job.

        Raises
        ------
        NotFound
            When this account has no such job.
        """
        return _read(self.folder(job))

    def log(self, job: str) -> str:
        """Give the last part of what the job printed, at most 64 KiB."""
        folder, text = self.folder(job), b""
        for name in (OLDER_LOG, LOG):
            if (folder / name).is_file():
                text += (folder / name).read_bytes()
        return text[-SHOWN_LOG_BYTES:].decode(errors="replace")

    def cancel(self, job: str) -> dict[str, Any]:
        """Ask a job to end; one that has ended stays as it is."""
        folder = self.folder(job)
        if _read(folder)["state"] in UNDER_WAY:
            (folder / CANCEL).touch()
        return _read(folder)

    def folder(self, job: str) -> Path:
        """Give the folder of one job.

        Raises
        ------
        NotFound
            When this account has no such job.
        """
        folder = self._root / job
        if not job or "/" in job or "\0" in job or job.startswith(".") or not (folder / REQUEST).is_file():
            raise NotFound("You have no such job; it may have made room for newer ones. `workbench jobs` lists them.")
        return folder

    def _begin(self, folder: Path, request: Mapping[str, Any]) -> None:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Only now does the job exist for those who look: never without the lock that says it lives.
            write_json(folder / REQUEST, request)
            with (folder / "worker.log").open("wb") as output:
                process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                    [sys.executable, "-m", WORKER, str(folder)],
                    # A session of its own: no closed terminal reaches it. The lock goes along, so it has no gap.
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", start_new_session=True,
                    pass_fds=(lock,), env=_environment(self._settings),
                )  # fmt: skip
        finally:
            os.close(lock)
        # A long-lived parent must reap it when it ends, or it stays in the process table.
        threading.Thread(target=process.wait, name="job-ends", daemon=True).start()

    def _prune(self) -> None:
        for old in self.list()[MOST_KEPT:]:
            if old["state"] not in UNDER_WAY:
                shutil.rmtree(self._root / old["id"], ignore_errors=True)


_STARTING = threading.Lock()


def check(request: JobRequest) -> dict[str, Any]:
    """Give a request as JSON values once all of it is known to be in order.

    Raises
    ------
    InvalidInput
        When something in it is not.
    """
    name, work, hours = request.name, request.work, request.hours
    if not isinstance(name, str) or not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise InvalidInput(f"A job needs a name of 1 to {MOST_NAME} printable characters.")
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= MOST_HOURS:
        raise InvalidInput(f"hours must be above 0 and at most {MOST_HOURS:g}; got {hours!r}.")
    if not _is_function(work) and not _is_command(work):
        raise InvalidInput(
            "The work of a job is a function, written as module:function, or a command line whose first word is an "
            f"absolute path, of at most {MOST_WORDS} words."
        )
    if not isinstance(request.arguments, Mapping) or not all(isinstance(key, str) for key in request.arguments):
        raise InvalidInput("The arguments of a job are a JSON object: name and value.")
    if _size(request.arguments) > MOST_ARGUMENT_BYTES:
        raise InvalidInput(
            f"The arguments of a job take at most {MOST_ARGUMENT_BYTES} characters of JSON; put the rest into a file "
            "of the workspace and give its name."
        )
    if not _are_versions(request.versions):
        raise InvalidInput("The versions of a job are a JSON object: dataset and version.")
    return request.as_dict()


def machine_mark(boot: Path = BOOT, first: Path = FIRST) -> str:
    """Name this run of this machine: another one follows after a restart, of the machine or of its container."""
    # The 22nd field: when the first process started; a container that restarts has the boot of its host.
    return f"{boot.read_text().strip()} {first.read_text().rpartition(')')[2].split()[19]}"


def write_json(file: Path, value: object) -> None:
    """Write a file in one step, so that whoever reads it sees the old or the new."""
    draft = file.with_name(f".{file.name}")
    draft.write_text(json.dumps(value), encoding="utf-8")
    draft.replace(file)


def _size(arguments: Mapping[str, Any]) -> int:
    try:
        return len(json.dumps(dict(arguments), ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput("The arguments of a job are JSON in UTF-8, without NaN and infinity.") from None


def _are_versions(text: object) -> bool:
    if text == "":
        return True
    try:
        named = json.loads(text) if isinstance(text, str) and text.isascii() else None
    except (ValueError, RecursionError):
        return False
    return isinstance(named, dict) and all(isinstance(version, str) for version in named.values())


def _is_function(work: str | Sequence[str]) -> bool:
    return isinstance(work, str) and len(work) <= 200 and FUNCTION.fullmatch(work) is not None


def _is_command(work: str | Sequence[str]) -> bool:
    if isinstance(work, str) or not 0 < len(work) <= MOST_WORDS:
        return False
    return all(isinstance(word, str) and _is_word(word) for word in work) and work[0][:1] == "/"


def _is_word(word: str) -> bool:
    return "\0" not in word and len(word) <= 4096 and not any("\ud800" <= sign <= "\udfff" for sign in word)


def _environment(settings: Settings) -> dict[str, str]:
    # Whoever started the gateway may have repeated a notebook, for which these hold; not for the jobs of others.
    kept = {name: value for name, value in os.environ.items() if name not in (VERSIONS_VARIABLE, FOLDER_VARIABLE)}
    return {**kept, "WORKBENCH_HOME": str(settings.home)}


def _read(folder: Path) -> dict[str, Any]:
    # First whether it lives, then its word: the other way round, one that ends in between would seem to have said none.
    is_alive = _is_alive(folder)
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if state["state"] in UNDER_WAY and not is_alive:
        state |= _unsaid_end(folder, state)
    return {**request, **state, "is_cancelling": (folder / CANCEL).exists() and state["state"] in UNDER_WAY}


def _unsaid_end(folder: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    if state.get("machine") != machine_mark():
        return {"state": LOST, "message": LOST_WORD}
    if (folder / CANCEL).exists():
        return {"state": CANCELLED, "message": CANCELLED_WORD}
    return {"state": KILLED, "message": KILLED_WORD}


def _is_alive(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
