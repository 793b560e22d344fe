"""The lab server's addresses of jobs: one's own, in short, ended only by a request that carries the token."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from workbench.compute.jobs import CANCELLED, RUNNING, UNDER_WAY, GatewayJobs, Job, run_job
from workbench.connection import terminal
from workbench.settings import Settings

if TYPE_CHECKING:
    # At run time the name `conftest` may stand for another folder's.
    from conftest import Notebook

PATIENCE_S = 90.0
SLEEP = ["/bin/sh", "-c", "echo good night; sleep 1000"]


@pytest.fixture
def job(governed_home: Settings, bubblewrap: None) -> Iterator[Job]:
    """Have a job of the researcher's that goes on until the end of the test."""
    with terminal("researcher", governed_home) as line:
        started = run_job("a long one", SLEEP, line=line)
        yield started
        if started.state in UNDER_WAY:
            started.cancel()
        assert started.wait(PATIENCE_S) not in UNDER_WAY


def test_the_browser_gets_ones_own_jobs_in_short(signed_in: Callable[..., Any], job: Job) -> None:
    found = signed_in("researcher").json("GET", "/workbench/api/jobs?brief=1")["jobs"]
    shown = next(one for one in found if one["id"] == job.id)

    assert (shown["name"], shown["work"], shown["is_cancelling"]) == ("a long one", ["/bin/sh"], False)
    assert not {"arguments", "versions", "result", "account", "machine"} & set(shown)
    assert signed_in("reviewer").json("GET", "/workbench/api/jobs?brief=1") == {"jobs": []}


def test_a_list_that_is_not_asked_for_in_short_is_whole(governed_home: Settings, job: Job) -> None:
    with terminal("researcher", governed_home) as line:
        assert GatewayJobs(line).list()[0]["work"] == SLEEP


@pytest.mark.parametrize("brief", ["yes", "-1", "1.5", ""])
def test_another_word_for_short_is_refused(signed_in: Callable[..., Any], brief: str) -> None:
    status, _, text = signed_in("researcher").ask("GET", f"/workbench/api/jobs?brief={brief}")

    assert (status, json.loads(text)["error"]) == (400, "invalid-input")


@pytest.mark.parametrize(("method", "tail"), [("GET", "/log"), ("DELETE", "")])
def test_nobody_else_reads_or_ends_a_job(signed_in: Callable[..., Any], job: Job, method: str, tail: str) -> None:
    status, _, text = signed_in("reviewer").ask(method, f"/workbench/api/jobs/{job.id}{tail}")

    assert (status, json.loads(text)["error"]) == (404, "not-found")
    assert job.state in UNDER_WAY


def test_a_job_is_not_ended_without_the_anti_forgery_token(signed_in: Callable[..., Any], job: Job) -> None:
    status, _, _ = signed_in("researcher").ask("DELETE", f"/workbench/api/jobs/{job.id}", forged=True)

    assert status == 403
    assert job.look()["is_cancelling"] is False


def test_a_job_is_ended_and_its_log_read(signed_in: Callable[..., Any], job: Job) -> None:
    browser = signed_in("researcher")
    deadline = time.monotonic() + PATIENCE_S
    while job.state != RUNNING or not job.log():
        assert time.monotonic() < deadline, job.look()
        time.sleep(0.1)
    log = browser.json("GET", f"/workbench/api/jobs/{job.id}/log")["log"]

    assert log == "good night\n"
    browser.json("DELETE", f"/workbench/api/jobs/{job.id}")
    assert job.wait(PATIENCE_S) == CANCELLED


@pytest.mark.parametrize("path", ["jobs", "jobs/J1/log", "clusters", "me", "requests/R1/approve"])
def test_nothing_but_a_job_is_ended(signed_in: Callable[..., Any], path: str) -> None:
    status, _, text = signed_in("researcher").ask("DELETE", f"/workbench/api/{path}")

    assert status == 405 and "only" in json.loads(text)["message"]


def test_the_code_that_the_browser_copies_gives_a_notebook_the_result(
    open_notebook: Callable[..., Notebook], governed_home: Settings
) -> None:
    with terminal("researcher", governed_home) as line:
        job = run_job("a name", "platform:python_implementation", line=line)
    code = f'from workbench.compute.jobs import find_job\n\njob = find_job("{job.id}")\njob.result()'

    assert open_notebook().run(f"{code}\nprint(job.result())") == "CPython"
