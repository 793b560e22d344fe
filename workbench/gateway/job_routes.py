"""Routes of jobs: start one beside the notebook or the terminal, look at it, cancel it.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.compute.jobs import UNDER_WAY, JobRequest, JobRunner
from workbench.compute.local_jobs import LocalJobs
from workbench.errors import AccessDenied, InvalidInput
from workbench.gateway.call import Call, Route
from workbench.governance import people
from workbench.governance.store import stamped

KINDS = ("person", "kernel")
HOURS = 12.0
# What may take a megabyte in each job; a list that is asked for every few seconds does without.
LONG = ("arguments", "versions", "result")


def start_job(call: Call) -> dict[str, Any]:
    """Start a job of the caller's own, for the caller's own purpose; it goes on without the caller."""
    jobs = _jobs(call)
    _check_caller(call)
    form = call.json()
    arguments, work = form.get("arguments", {}), form.get("work")
    if not isinstance(arguments, dict) or not isinstance(work, str | list):
        raise InvalidInput("The body needs “work”, a text or a list of texts; its “arguments” are an object.")
    request = JobRequest(
        call.text("name", longest=200), work, arguments, form.get("hours", HOURS), _purpose(call),
        call.text("versions", "", longest=100_000),
    )  # fmt: skip
    started = jobs.start(request)
    call.state.store.note(call.person, "job.start", started["id"], kernel=call.token.id, purpose=request.purpose)
    return started


def list_jobs(call: Call) -> dict[str, Any]:
    """List the caller's jobs, newest first; with `brief=1` without what may be long."""
    found = [_settled(call, one) for one in _jobs(call).list()]
    return {"jobs": [_brief(one) for one in found] if call.number("brief", 0) else found}


def read_job(call: Call) -> dict[str, Any]:
    """Tell how one of the caller's jobs stands."""
    return _settled(call, _jobs(call).read(call.path["job"]))


def read_log(call: Call) -> dict[str, Any]:
    """Give the last part of what one of the caller's jobs printed."""
    return {"log": _jobs(call).log(call.path["job"])}


def cancel_job(call: Call) -> dict[str, Any]:
    """Ask one of the caller's jobs to end."""
    state = _jobs(call).cancel(call.path["job"])
    call.state.store.note(call.person, "job.cancel", call.path["job"], kernel=call.token.id)
    return _settled(call, state)


def _jobs(call: Call) -> JobRunner:
    if call.token.is_apart:
        raise AccessDenied(
            "This kernel repeats what somebody else wrote, apart from your workspace, so it may not touch your jobs, "
            "which work there."
        )
    return LocalJobs(call.state.settings, call.person)


def _check_caller(call: Call) -> None:
    """Refuse a kernel without a sandbox, which could read in the workspace what a job may read, and a job."""
    token = call.token
    if token.kind == "kernel" and token.isolation != "bubblewrap":
        raise AccessDenied(
            "This kernel runs without a sandbox, so it may start no jobs, which could read more than it may. Install "
            "bubblewrap and restart the kernel."
        )
    if token.lease_s:
        raise AccessDenied("A job starts no further jobs; do the work in this one, or start the other from a notebook.")


def _purpose(call: Call) -> str:
    asked = call.text("purpose", "", longest=200)
    found = people.find_purpose(call.state.store, asked) if asked else ""
    own = call.token.purpose
    if own and found and found != own:
        raise AccessDenied(
            f"This kernel was started for the purpose “{own}”, so its jobs are too; start a kernel for the other one."
        )
    return own or found


def _settled(call: Call, state: dict[str, Any]) -> dict[str, Any]:
    """Give a state; the kernel of a job that ended without a word is taken off the list, and its token with it."""
    kernel, store = state.get("kernel"), call.state.store
    if kernel and state["state"] not in UNDER_WAY:
        row = store.read().execute("SELECT 1 FROM kernels WHERE id = ? AND ended IS NULL", (kernel,)).fetchone()
        if row is not None:
            with store.change(call.person, "kernel.end", kernel, reason=state["state"]) as db:
                db.execute("UPDATE kernels SET ended = ? WHERE id = ? AND ended IS NULL", (stamped(store), kernel))
    return {name: value for name, value in state.items() if name not in ("machine", "account")}


def _brief(state: dict[str, Any]) -> dict[str, Any]:
    work = state["work"] if isinstance(state["work"], str) else state["work"][:1]
    return {**{name: value for name, value in state.items() if name not in LONG}, "work": work}


ROUTES = (
    Route("POST", "/v1/jobs", start_job, KINDS, "job.start"),
    Route("GET", "/v1/jobs", list_jobs, KINDS, "job.look"),
    Route("GET", "/v1/jobs/{job}", read_job, KINDS, "job.look"),
    Route("GET", "/v1/jobs/{job}/log", read_log, KINDS, "job.look"),
    Route("DELETE", "/v1/jobs/{job}", cancel_job, KINDS, "job.cancel"),
)
