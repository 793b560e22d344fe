"""A gateway that is killed while a final test runs goes on with it: every run ends, and none is done twice."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from contextlib import closing, suppress
from typing import Any

import pytest
from homes import lines_of
from processes import started
from submission_homes import TASK, fill_tasks, marks, submit

from workbench.connection import sign_in
from workbench.errors import GatewayUnavailable
from workbench.settings import Settings

LONGEST_S = 120.0
AFTER_S = (0.0, 0.05, 1.0)


def killed(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def waited(settings: Settings, url: str, states: tuple[str, ...]) -> dict[str, Any]:
    ends = time.monotonic() + LONGEST_S
    while time.monotonic() < ends:
        with suppress(GatewayUnavailable), closing(sign_in(settings, "custodian")) as line:
            found: dict[str, Any] = line.get(url)
            if found["state"] in states:
                return found
        time.sleep(0.1)
    raise TimeoutError(url)


@pytest.mark.timeout(300)
def test_a_final_test_survives_the_gateway_s_death(home: Settings) -> None:
    process = started(home)
    with lines_of(home) as lines:
        fill_tasks(lines)
        for account in ("researcher", "teacher"):
            sent = submit(lines.person(account), marks())
            waited(home, f"/v1/submissions/{sent['submission']}", ("scored",))
        proposal = lines.person("custodian").post(f"/v1/tasks/{TASK}/final", {})
        lines.person("checker-1").post(f"/v1/finals/{proposal['final']}/open", {})
    for after_s in AFTER_S:
        time.sleep(after_s)
        killed(process)
        process = started(home)
    try:
        url = f"/v1/tasks/{TASK}/final"
        if waited(home, url, ("done", "stopped"))["state"] == "stopped":
            # A run that lost its evaluator twice has failed because of the house; its custodian has it tried again.
            with closing(sign_in(home, "custodian")) as line:
                line.post(f"/v1/finals/{proposal['final']}/retry", {})
        assert waited(home, url, ("done", "stopped"))["state"] == "done"
        with closing(sign_in(home, "custodian")) as line:
            events = line.get("/v1/audit?limit=1000")["events"]
        finished = Counter(event["resource"] for event in events if event["action"] == "submission.finish")
        # Two scores and two final runs, each once, however often they began.
        assert sorted(finished.values()) == [1, 1, 1, 1]
    finally:
        process.terminate()
        process.wait()
