"""Jobs: work that goes on in a governed sandbox of its own when the tab, kernel or terminal that asked is closed.

`run_job` starts one, from a notebook or a verb; `jobs` lists them; `Job` tells, waits, cancels and gives the result.
A job is a function of a module (`"module:function"`, called with JSON arguments) or a command line. It runs as a
kernel does: in bubblewrap, in the account's workspace, the gateway its only way out. Inside, the function says how far
it is with `workbench.compute.job_inside.report_progress(done, total, text)` and returns a JSON value, its result::

    job = run_job("lungs", "workbench.compute.preprocessing:prepare", {"dataset": "chest-ct", "out": "lungs"})
    job.follow()          # a progress bar; stopping it leaves the job alone
    job.result()          # what the function returned, or the error that says how it ended

A verb gives its signed-in line: `run_job(…, line=line)` inside `with terminal(account) as line:`. What the job writes
lies in the workspace; `jobs/ID/` there holds its request, progress, log and end (`state.json`).

Runs in: anywhere
"""

from __future__ import annotations

import html
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.connection import VERSIONS_VARIABLE, Connection, connect_from_environment
from workbench.errors import AccessDenied, RunFailed

# How a job can stand. `refused`: the gateway said no to a read; `killed`: the job, or the process that watches over
# it, was ended by a signal; `lost`: the machine it ran on has restarted since.
STARTING, RUNNING, DONE, FAILED, REFUSED = "starting", "running", "done", "failed", "refused"
OUT_OF_MEMORY, KILLED, CANCELLED, LOST = "out-of-memory", "killed", "cancelled", "lost"
UNDER_WAY = (STARTING, RUNNING)
STATES = (*UNDER_WAY, DONE, FAILED, REFUSED, OUT_OF_MEMORY, KILLED, CANCELLED, LOST)
LOOK_S = 0.5


@dataclass(frozen=True)
class JobRequest:
    """What a job shall do.

    Parameters
    ----------
    name : str
        What people call it, at most 100 characters.
    work : str or sequence of str
        ``"module:function"``, or a command line whose first word is an absolute path inside the sandbox.
    arguments : mapping
        JSON values for the function; empty for a command line.
    hours : float
        After how many hours it is ended; at most the setting `kernel_hours`.
    purpose : str
        The purpose it reads data for, by name or label; empty for none in particular.
    versions : str
        Which dataset versions it reads, as JSON; empty for the newest. A job of a notebook that is repeated reads those
        of the notebook.
    """

    name: str
    work: str | Sequence[str]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    hours: float = 12.0
    purpose: str = ""
    versions: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        work = self.work if isinstance(self.work, str) else list(self.work)
        return {
            "name": self.name, "work": work, "arguments": dict(self.arguments), "hours": self.hours,
            "purpose": self.purpose, "versions": self.versions,
        }  # fmt: skip


class JobRunner(Protocol):
    """What an engine of jobs offers; another engine (a Kubernetes Job, SLURM's sbatch) has the same five doors.

    An engine that cannot keep a job from the network and from other people's files may not run governed data: its
    `start` raises `SandboxMissing` then.
    """

    def start(self, request: JobRequest) -> dict[str, Any]:
        """Start a job and give its state; it does not end with the caller."""

    def list(self) -> list[dict[str, Any]]:
        """Give the states of the account's jobs, newest first."""

    def read(self, job: str) -> dict[str, Any]:
        """Give the state of one job: `id`, `name`, `state`, `message`, `progress`, `result` and times."""

    def log(self, job: str) -> str:
        """Give the last part of what the job printed."""

    def cancel(self, job: str) -> dict[str, Any]:
        """Ask a job to end; one that has ended stays as it is."""


class GatewayJobs:
    """The jobs of one account, asked for at the gateway of this home.

    Parameters
    ----------
    line : Connection
        Of a signed-in person or a kernel.
    """

    def __init__(self, line: Connection) -> None:
        self._line = line

    def start(self, request: JobRequest) -> dict[str, Any]:
        """Start a job and give its state."""
        started: dict[str, Any] = self._line.post("/v1/jobs", request.as_dict())
        return started

    def list(self) -> list[dict[str, Any]]:
        """Give the states of the account's jobs, newest first."""
        found: list[dict[str, Any]] = self._line.get("/v1/jobs")["jobs"]
        return found

    def read(self, job: str) -> dict[str, Any]:
        """Give the state of one job."""
        state: dict[str, Any] = self._line.get(f"/v1/jobs/{job}")
        return state

    def log(self, job: str) -> str:
        """Give the last part of what the job printed."""
        return str(self._line.get(f"/v1/jobs/{job}/log")["log"])

    def cancel(self, job: str) -> dict[str, Any]:
        """Ask a job to end."""
        state: dict[str, Any] = self._line.delete(f"/v1/jobs/{job}")
        return state


class Job:
    """One job, as it stood when last looked at; `state`, `progress` and `message` look again.

    Parameters
    ----------
    runner : JobRunner
        The engine that runs it.
    facts : mapping
        Its state as the engine gives it.
    """

    def __init__(self, runner: JobRunner, facts: Mapping[str, Any]) -> None:
        self._runner = runner
        self._facts = dict(facts)

    @property
    def id(self) -> str:
        """What names it, such as ``20261122-101500-3fa2b1``."""
        return str(self._facts["id"])

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self._facts["name"])

    @property
    def state(self) -> str:
        """One of `STATES`, as it is now."""
        return str(self.look()["state"])

    @property
    def message(self) -> str:
        """How it ended and what to do next; empty while it runs and after a usual end."""
        return str(self.look().get("message", ""))

    @property
    def progress(self) -> dict[str, Any]:
        """The last word of the job: `done`, `total`, `text` and numbers of its own; empty before the first."""
        return dict(self.look().get("progress") or {})

    def look(self) -> dict[str, Any]:
        """Give everything that is known of it now."""
        if self._facts["state"] in UNDER_WAY:
            self._facts = self._runner.read(self.id)
        return dict(self._facts)

    def log(self) -> str:
        """Give the last part of what it printed."""
        return self._runner.log(self.id)

    def cancel(self) -> Job:
        """Ask it to end; what it has written stays."""
        self._facts = self._runner.cancel(self.id)
        return self

    def wait(self, timeout_s: float | None = None) -> str:
        """Wait until it has ended, or for as long as is given; give its state."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while (state := self.state) in UNDER_WAY and (until is None or time.monotonic() < until):
            time.sleep(LOOK_S)
        return state

    def follow(self) -> Job:
        """Show a progress bar until it has ended; interrupting this leaves the job alone."""
        from workbench.compute.job_progress import follow  # noqa: PLC0415 - shows, which few callers need

        follow(self)
        return self

    def result(self, timeout_s: float | None = None) -> Any:
        """Wait and give what the function returned.

        Raises
        ------
        AccessDenied
            When the gateway refused the job a read, for instance because the grant was revoked.
        RunFailed
            When it ended in another way than well, or runs still after `timeout_s`; `code` is the state.
        """
        state = self.wait(timeout_s)
        if state == DONE:
            return self._facts.get("result")
        if state in UNDER_WAY:
            raise RunFailed(f"The job “{self.name}” runs still; ask again later, or follow it.", code=state)
        kind = AccessDenied if state == REFUSED else RunFailed
        raise kind(f"The job “{self.name}” ended as {state}: {self._facts.get('message', '')}", code=state)

    def __repr__(self) -> str:
        """Say what it is in one line."""
        return f"<Job {self.id} “{self.name}”, {self._facts['state']}{_how_far(self._facts)}>"

    def _repr_html_(self) -> str:
        facts = self.look()
        colour = {DONE: "#2e7d32", STARTING: "#1976d2", RUNNING: "#1976d2"}.get(facts["state"], "#c62828")
        return (
            '<div style="font:13px var(--jp-ui-font-family,sans-serif);border:1px solid var(--jp-border-color1,#ccc);'
            'border-radius:8px;padding:.7em 1em;display:inline-block">'
            f'<b>Job</b> {html.escape(self.name)} <span style="color:{colour}">● {facts["state"]}</span>'
            f"{html.escape(_how_far(facts))}<br>{html.escape(str(facts.get('message', '')))}</div>"
        )


def run_job(
    name: str,
    work: str | Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    *,
    hours: float = 12.0,
    purpose: str = "",
    line: Connection | None = None,
) -> Job:
    """Start a job beside the notebook or the terminal and give it at once.

    Parameters
    ----------
    name : str
        What people call it.
    work : str or sequence of str
        ``"module:function"``, which is called with `arguments` and whose JSON result is kept; or a command line.
    arguments : mapping, optional
        JSON values, by the function's own names.
    hours : float
        After how many hours it is ended.
    purpose : str
        The purpose it reads data for; a kernel's own when the kernel has one.
    line : Connection, optional
        Whose job it is; in a notebook the kernel's own when left out.

    Raises
    ------
    Conflict
        When the account has as many jobs under way as it may.
    AccessDenied
        When a kernel without a sandbox asks, or one job asks for another.
    SandboxMissing
        When this machine cannot isolate.

    Examples
    --------
    >>> job = run_job("sum", "math:fsum", {})  # doctest: +SKIP
    """
    versions = os.environ.get(VERSIONS_VARIABLE, "") if line is None else ""
    request = JobRequest(name, work, arguments or {}, hours, purpose, versions)
    runner = GatewayJobs(line or connect_from_environment())
    return Job(runner, runner.start(request))


def jobs(*, line: Connection | None = None) -> list[Job]:
    """Give the jobs of the account, newest first.

    Parameters
    ----------
    line : Connection, optional
        Whose; in a notebook the kernel's own when left out.
    """
    runner = GatewayJobs(line or connect_from_environment())
    return [Job(runner, facts) for facts in runner.list()]


def find_job(job: str, *, line: Connection | None = None) -> Job:
    """Give one job by its `id`.

    Raises
    ------
    NotFound
        When this account has none of that id.
    """
    runner = GatewayJobs(line or connect_from_environment())
    return Job(runner, runner.read(job))


def _how_far(facts: Mapping[str, Any]) -> str:
    progress = facts.get("progress") or {}
    total = progress.get("total")
    return f", {progress.get('done', 0)} of {total} {progress.get('text', '')}".rstrip() if total else ""
