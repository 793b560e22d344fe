"""What a job may be asked to do, and what is known of one whose process is gone."""

from __future__ import annotations

import fcntl
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.compute.job_inside import ARGUMENTS, END, FOLDER_VARIABLE, call, main, report_progress
from workbench.compute.jobs import CANCELLED, DONE, FAILED, KILLED, LOST, REFUSED, RUNNING, Job, JobRequest
from workbench.compute.local_jobs import CANCEL, LOCK, LOG, REQUEST, STATE, LocalJobs, check, machine_mark
from workbench.errors import AccessDenied, InvalidInput, NotFound, RunFailed
from workbench.settings import Settings

GOOD: dict[str, Any] = {"name": "lungs", "work": "math:fsum", "arguments": {}, "hours": 1.0, "purpose": ""}


def lay(home: Settings, account: str = "researcher", *, cancelled: bool = False, **state: Any) -> LocalJobs:
    """Write the folder of a job as its process leaves it."""
    folder = home.home / "jobs" / account / "J1"
    folder.mkdir(parents=True)
    (folder / REQUEST).write_text(json.dumps({**GOOD, "id": "J1", "account": account}))
    (folder / STATE).write_text(json.dumps({"state": RUNNING, "machine": machine_mark(), **state}))
    (folder / LOCK).touch()
    if cancelled:
        (folder / CANCEL).touch()
    return LocalJobs(home, account)


@pytest.mark.parametrize("work", ["math:fsum", "a.b_c:d", ["/bin/true"], ["/usr/bin/env", "A=1", ""]])
def test_a_function_or_a_command_line_may_be_asked_for(work: Any) -> None:
    assert check(JobRequest(**{**GOOD, "work": work}))["work"] == work


@pytest.mark.parametrize(
    "work",
    ["math", "os.system", ":x", "a:b:c", "a:b c", "-m:x", "a:" + "b" * 300, [], ["true"], ["/bin/\0"], [1],
     ["/bin/\ud800"], ["/bin/true"] * 300],
)  # fmt: skip
def test_other_work_is_refused(work: Any) -> None:
    with pytest.raises(InvalidInput, match="module:function"):
        check(JobRequest(**{**GOOD, "work": work}))


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", ""), ("name", "  "), ("name", "x" * 101), ("name", "a\nb"), ("name", "\ud800"), ("hours", 0),
     ("hours", -1), ("hours", 169), ("hours", float("nan")), ("hours", True), ("hours", "1"),
     ("arguments", {"a": float("inf")}), ("arguments", {"a": "\ud800"}), ("arguments", {"a": "x" * 200_000}),
     ("arguments", [1]), ("versions", "[]"), ("versions", "{"), ("versions", '{"a": 1}')],
)  # fmt: skip
def test_a_request_out_of_its_bounds_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput):
        check(JobRequest(**{**GOOD, name: value}))


def test_a_job_whose_watch_is_gone_is_known_as_killed(home: Settings) -> None:
    found = lay(home).read("J1")

    assert found["state"] == KILLED
    assert "SIGKILL" in found["message"]
    assert "start it again" in found["message"]


def test_a_job_of_before_the_restart_is_known_as_lost(home: Settings) -> None:
    found = lay(home, machine="another-boot 17").read("J1")

    assert found["state"] == LOST
    assert "machine restarted" in found["message"]


def test_a_job_that_was_cancelled_and_left_no_word_is_known_as_cancelled(home: Settings) -> None:
    assert lay(home, cancelled=True).read("J1")["state"] == CANCELLED


def test_a_job_whose_watch_holds_the_lock_runs(home: Settings) -> None:
    jobs = lay(home)
    with (jobs.folder("J1") / LOCK).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        assert jobs.read("J1")["state"] == RUNNING


def test_the_last_word_of_a_job_that_ended_stays(home: Settings) -> None:
    assert lay(home, state=DONE, result=5, machine="another-boot 17").read("J1")["result"] == 5


def test_nobody_sees_the_job_of_another(home: Settings) -> None:
    lay(home)

    assert LocalJobs(home, "reviewer").list() == []
    with pytest.raises(NotFound):
        LocalJobs(home, "reviewer").read("J1")


@pytest.mark.parametrize("job", ["", ".", "..", "../researcher/J1", "J2", "J1/../J1", "J\0"])
def test_no_name_leads_out_of_the_jobs(home: Settings, job: str) -> None:
    with pytest.raises(NotFound):
        lay(home).read(job)


def test_another_container_or_boot_is_another_machine(tmp_path: Path) -> None:
    boot, first = tmp_path / "boot_id", tmp_path / "stat"
    boot.write_text("b1\n")
    first.write_text("1 (a (b) c) S " + " ".join(str(number) for number in range(4, 30)))
    before = machine_mark(boot, first)
    first.write_text("1 (a (b) c) S " + " ".join(str(number) for number in range(5, 31)))

    assert before == "b1 22"
    assert machine_mark(boot, first) == "b1 23"


def test_a_long_log_is_shown_from_its_end(home: Settings) -> None:
    jobs = lay(home)
    (jobs.folder("J1") / LOG).write_bytes(b"first" + b"." * 100_000 + b"last")

    assert jobs.log("J1").endswith("last")
    assert "first" not in jobs.log("J1")


class Kept:
    """A runner whose one job has ended."""

    def __init__(self, **facts: Any) -> None:
        self.facts = {"id": "J1", "name": "lungs", "message": "", **facts}

    def read(self, _job: str) -> dict[str, Any]:
        return self.facts


@pytest.mark.parametrize("state", [FAILED, KILLED, LOST, CANCELLED])
def test_the_result_of_a_job_that_ended_badly_is_an_error_with_its_state(state: str) -> None:
    runner = Kept(state=state, message="why it ended")

    with pytest.raises(RunFailed, match="why it ended") as caught:
        Job(runner, runner.facts).result()  # type: ignore[arg-type]
    assert caught.value.code == state


def test_the_result_of_a_refused_job_is_the_refusal() -> None:
    runner = Kept(state=REFUSED, message="revoked by the custodian")

    with pytest.raises(AccessDenied, match="revoked"):
        Job(runner, runner.facts).result()  # type: ignore[arg-type]


def test_a_job_shows_itself_without_markup_of_others() -> None:
    runner = Kept(state=RUNNING, name="<b>", progress={"done": 1, "total": 4, "text": "<i>scans"})
    shown = Job(runner, runner.facts)._repr_html_()  # type: ignore[arg-type]

    assert "<i>" not in shown
    assert "&lt;b&gt;" in shown
    assert "1 of 4" in shown


def test_a_function_is_called_by_name_with_its_arguments() -> None:
    assert call("json:dumps", {"obj": [1]}) == "[1]"


@pytest.mark.parametrize("work", ["no_such_module:x", "json:no_such", "json"])
def test_a_function_that_is_not_there_is_named(work: str) -> None:
    with pytest.raises(InvalidInput, match=work):
        call(work, {})


def test_progress_outside_a_job_goes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    report_progress(1, 2, "scans")

    assert list(tmp_path.iterdir()) == []


def test_a_result_too_large_to_keep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / ARGUMENTS).write_text(json.dumps({"obj": "x" * 1_100_000}))

    assert main(["json:dumps"]) == InvalidInput.exit_code
    assert "file of the workspace" in json.loads((tmp_path / END).read_text())["message"]
