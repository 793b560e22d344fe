"""A job runs in a sandbox of its own, goes on without whoever asked, and ends in a state that says what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.cli import main
from workbench.compute.jobs import (
    CANCELLED,
    DONE,
    FAILED,
    KILLED,
    OUT_OF_MEMORY,
    REFUSED,
    RUNNING,
    UNDER_WAY,
    GatewayJobs,
    Job,
    JobRequest,
    find_job,
    jobs,
    run_job,
)
from workbench.connection import Connection, gateway_answers, operator_secret, running_gateway, sign_in, terminal
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound, NotSignedIn
from workbench.governance.sandbox import bwrap_command, sandbox_environment
from workbench.settings import Settings

PATIENCE_S = 120.0
WORK = """
import json, os, pathlib, signal, socket, time
from workbench.compute.job_inside import JobCancelled, report_progress
from workbench.connection import connect_from_environment

def tell(word):
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1)
        network = "reached"
    except OSError as problem:
        network = problem.strerror
    report_progress(2, 4, "scans", loss=0.5)
    print("said", word)
    who = connect_from_environment().get("/v1/whoami")
    return {"word": word, "network": network, "seen": sorted(os.listdir("/")), **who}

def wait(name):
    report_progress(1, 2, "waiting")
    pathlib.Path(name + ".token").write_text(os.environ["WORKBENCH_TOKEN"])
    try:
        while not os.path.exists(name):
            time.sleep(0.05)
    except JobCancelled:
        pathlib.Path(name + ".order").write_text("in order")
        raise
    return name

def read(name, url):
    line = connect_from_environment()
    line.request("GET", url)
    wait(name)
    line.request("GET", url)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def fail():
    raise KeyError("spacing")
"""


@pytest.fixture(scope="module")
def line(governed_home: Settings) -> Iterator[Connection]:
    """Give the researcher's line; the functions of the tests lie in the researcher's workspace."""
    folder = governed_home.workspace("researcher")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "work.py").write_text(WORK)
    with closing(sign_in(governed_home, "researcher")) as opened:
        yield opened


@pytest.fixture
def start(line: Connection, bubblewrap: None) -> Iterator[Callable[..., Job]]:
    """Give a function that starts jobs; those that still run are cancelled at the end."""
    started: list[Job] = []

    def begin(work: Any, arguments: dict[str, Any] | None = None, **more: Any) -> Job:
        started.append(run_job("a test", work, arguments, line=line, **more))
        return started[-1]

    yield begin
    for job in started:
        if job.state in UNDER_WAY:
            job.cancel()
    for job in started:
        assert job.wait(PATIENCE_S) not in UNDER_WAY


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "this never came to hold"
        time.sleep(0.05)


def until_waiting(job: Job) -> dict[str, Any]:
    """Wait until a job says that it waits, and give what is known of it."""
    until(lambda: job.progress or job.state not in UNDER_WAY)
    facts = job.look()
    assert facts["state"] == RUNNING, facts
    return facts


def test_a_job_runs_in_a_sandbox_with_its_own_kernel_and_gives_its_result(
    start: Callable[..., Job], governed_home: Settings
) -> None:
    job = start("work:tell", {"word": "hello"})
    result = job.result(PATIENCE_S)
    laid = governed_home.workspace("researcher") / "jobs" / job.id

    assert (result["word"], result["person"], result["kind"]) == ("hello", "researcher", "kernel")
    assert result["isolation"] == "bubblewrap"
    assert result["network"] == "Network is unreachable"
    assert "home" not in result["seen"]
    assert "said hello" in job.log()
    assert job.progress == {"done": 2, "total": 4, "text": "scans", "loss": 0.5}
    assert json.loads((laid / "state.json").read_text())["state"] == DONE
    assert "said hello" in (laid / "log.txt").read_text()


def test_a_job_goes_on_when_the_kernel_that_asked_has_ended(
    start: Callable[..., Job], open_notebook: Any, line: Connection, governed_home: Settings
) -> None:
    notebook = open_notebook()
    said = notebook.run(
        "from workbench.compute.jobs import run_job\nprint(run_job('from a cell', 'work:wait', {'name': 'go-1'}).id)"
    )
    notebook.close()
    job = find_job(said, line=line)
    until_waiting(job)
    (governed_home.workspace("researcher") / "go-1").touch()

    assert job.result(PATIENCE_S) == "go-1"


def test_a_revoked_grant_refuses_the_next_read_with_the_reason(
    start: Callable[..., Job], make_dataset: Callable[[str], None], governed_home: Settings
) -> None:
    make_dataset("clinic-job")
    job = start("work:read", {"name": "go-2", "url": "/v1/datasets/clinic-job/scans/S0001/zarr/zarr.json"})
    until_waiting(job)
    with closing(sign_in(governed_home, "custodian")) as custodian:
        grants = custodian.get("/v1/requests")["requests"]
        grant = next(one["grant"] for one in grants if one["dataset"] == "clinic-job")
        custodian.post(f"/v1/grants/{grant}/revoke", {"reason": "the study has ended"})
    (governed_home.workspace("researcher") / "go-2").touch()

    assert job.wait(PATIENCE_S) == REFUSED
    assert "clinic-job" in job.message
    with pytest.raises(AccessDenied, match="clinic-job"):
        job.result()


def test_a_cancelled_job_puts_its_things_in_order(start: Callable[..., Job], governed_home: Settings) -> None:
    job = start("work:wait", {"name": "go-3"})
    until_waiting(job)

    assert job.cancel().wait(PATIENCE_S) == CANCELLED
    assert (governed_home.workspace("researcher") / "go-3.order").read_text() == "in order"
    assert "still there" in job.message


def test_a_killed_watch_ends_job_and_token_and_is_named(start: Callable[..., Job], governed_home: Settings) -> None:
    job = start("work:wait", {"name": "go-4"})
    watch = psutil.Process(until_waiting(job)["worker"])
    inside = watch.children(recursive=True)
    token = (governed_home.workspace("researcher") / "go-4.token").read_text()
    watch.kill()
    psutil.wait_procs(inside, timeout=PATIENCE_S)

    assert not any(process.is_running() for process in inside)
    until(lambda: job.state == KILLED)
    assert "SIGKILL" in job.message
    with closing(Connection(governed_home.socket, token)) as stolen, pytest.raises(NotSignedIn, match="ended"):
        stolen.get("/v1/whoami")


def test_a_watch_that_is_asked_to_end_ends_its_job_in_order(start: Callable[..., Job]) -> None:
    job = start("work:wait", {"name": "go-5"})
    os.kill(until_waiting(job)["worker"], signal.SIGTERM)

    assert job.wait(PATIENCE_S) == KILLED
    assert "SIGTERM" in job.message


@pytest.mark.parametrize(
    ("work", "state", "words"),
    [
        ("work:die", KILLED, "SIGKILL"),
        ("work:fail", FAILED, "KeyError: 'spacing'"),
        ("work:missing", FAILED, "no function “work:missing”"),
        (["/bin/sh", "-c", "echo early; echo the disk is full; exit 3"], FAILED, "status 3; its last words: the disk"),
        (["/bin/sh", "-c", "echo Too much memory in use >&2; kill -9 $$"], OUT_OF_MEMORY, "more memory"),
        (["/bin/missing"], FAILED, "does not start"),
    ],
)  # fmt: skip
def test_a_job_that_ends_badly_says_how(start: Callable[..., Job], work: Any, state: str, words: str) -> None:
    job = start(work)

    assert job.wait(PATIENCE_S) == state
    assert words in job.message


def test_a_job_ends_with_its_hours(start: Callable[..., Job]) -> None:
    job = start(["/bin/sleep", "1000"], hours=0.0003)

    assert job.wait(PATIENCE_S) == FAILED
    assert "after its 0.0003 hours" in job.message


def test_a_link_in_the_way_of_the_state_is_not_followed(start: Callable[..., Job], tmp_path: Path) -> None:
    job = start(["/bin/sh", "-c", 'mv "$WORKBENCH_JOB" moved && ln -s "$0" "$WORKBENCH_JOB"', str(tmp_path)])

    assert job.wait(PATIENCE_S) == DONE
    assert list(tmp_path.iterdir()) == []
    assert "not in the workspace" in job.message


FULL = """
import json, os, pathlib
from workbench.compute import job_inside
from workbench.jupyter.job_worker import Watch
from workbench.settings import load_settings
folder = pathlib.Path("/full/job")
folder.mkdir()
for name, value in {"request.json": {"id": "J1", "account": "x"}, "state.json": {"state": "running"}}.items():
    (folder / name).write_text(json.dumps(value))
(folder / "arguments.json").write_text("{}")
pathlib.Path("filling.py").write_text('''
from workbench.compute.job_inside import report_progress
def fill():
    for size in (65536, 1):
        with open(f"/full/of-{size}", "wb", buffering=0) as file:
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                report_progress(1, 2)
    open("/full/more", "wb").write(bytes(100_000))
''')
os.environ["WORKBENCH_JOB"] = str(folder)
watch = Watch(folder, load_settings(pathlib.Path("/full/home")))
status = job_inside.main(["filling:fill"])
watch.fail("there was no room")
print(status, json.loads((folder / "end.json").read_text())["message"], json.loads((folder / "state.json").read_text()))
"""


def test_a_full_disk_leaves_room_for_the_last_words(bubblewrap: None) -> None:
    command = bwrap_command([sys.executable, "-c", FULL], scratch={"/full": 4_000_000})
    done = subprocess.run(command, env=sandbox_environment(), cwd="/", capture_output=True, text=True, timeout=200)

    assert "1 The disk is full" in done.stdout, done.stderr
    assert "'message': 'there was no room'" in done.stdout


def test_a_third_job_at_once_is_refused(start: Callable[..., Job], line: Connection) -> None:
    for _ in range(2):
        start(["/bin/sleep", "1000"])

    with pytest.raises(Conflict, match="under way"):
        start(["/bin/sleep", "1000"])
    assert sum(job.state in UNDER_WAY for job in jobs(line=line)) == 2


def test_another_account_neither_sees_nor_ends_a_job(start: Callable[..., Job], governed_home: Settings) -> None:
    job = start(["/bin/sleep", "1000"])
    with closing(sign_in(governed_home, "reviewer")) as other:
        assert jobs(line=other) == []
        for ask in (lambda: find_job(job.id, line=other), lambda: other.delete(f"/v1/jobs/{job.id}")):
            with pytest.raises(NotFound, match="no such job"):
                ask()
    assert job.state in UNDER_WAY


def kernel_line(settings: Settings, **more: Any) -> Connection:
    with closing(Connection(settings.socket, operator_secret(settings))) as operator:
        token = operator.post("/v1/kernels", {"person": "researcher", "isolation": "bubblewrap", **more})["token"]
    return Connection(settings.socket, token)


@pytest.mark.parametrize(
    ("kernel", "asked", "words"),
    [
        ({"isolation": "none"}, {}, "without a sandbox"),
        ({"lease_s": 60}, {}, "starts no further jobs"),
        ({"purpose": "teaching"}, {"purpose": "method-development"}, "for the purpose “teaching”"),
    ],
)
def test_a_kernel_that_may_not_start_jobs_is_refused(
    governed_home: Settings, kernel: dict[str, Any], asked: dict[str, Any], words: str
) -> None:
    with closing(kernel_line(governed_home, **kernel)) as line, pytest.raises(AccessDenied, match=words):
        run_job("a test", ["/bin/true"], line=line, **asked)


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/v1/jobs"), ("GET", "/v1/jobs"), ("GET", "/v1/jobs/J1"), ("GET", "/v1/jobs/J1/log"),
    ("DELETE", "/v1/jobs/J1"),
])  # fmt: skip
def test_a_kernel_that_repeats_the_work_of_another_touches_no_jobs(
    governed_home: Settings, method: str, path: str
) -> None:
    with closing(kernel_line(governed_home, is_apart=True)) as line, pytest.raises(AccessDenied, match="somebody else"):
        line.request(method, path, body=b"{}")


def test_a_kernel_in_a_folder_of_its_own_is_such_a_kernel(
    open_notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_KERNEL_FOLDER", str(tmp_path))
    said = open_notebook().run("from workbench.compute.jobs import run_job\nrun_job('a test', ['/bin/true'])")

    assert said.startswith("AccessDenied: This kernel repeats what somebody else wrote")


def test_a_job_of_a_repeated_notebook_reads_the_same_versions(start: Callable[..., Job], line: Connection) -> None:
    work = ["/bin/sh", "-c", 'echo "versions: $WORKBENCH_DATA_VERSIONS."']
    runner = GatewayJobs(line)
    named = Job(runner, runner.start(JobRequest("a test", work, versions='{"chest-ct": "v1"}')))
    plain = start(work)

    assert (named.wait(PATIENCE_S), plain.wait(PATIENCE_S)) == (DONE, DONE)
    assert 'versions: {"chest-ct": "v1"}.' in named.log()
    assert "versions: ." in plain.log()


def test_a_job_is_for_the_purpose_of_the_kernel_that_asked(governed_home: Settings, bubblewrap: None) -> None:
    with closing(kernel_line(governed_home, purpose="teaching")) as line:
        job = run_job("a test", ["/bin/true"], line=line)

        assert job.look()["purpose"] == "teaching"
        assert job.wait(PATIENCE_S) == DONE


def test_an_unknown_purpose_is_refused_before_anything_starts(line: Connection) -> None:
    with pytest.raises(InvalidInput, match="not a purpose"):
        run_job("a test", ["/bin/true"], purpose="selling", line=line)


def test_a_token_with_a_lease_ends_when_nobody_watches(governed_home: Settings) -> None:
    with closing(Connection(governed_home.socket, operator_secret(governed_home))) as operator:
        form = {"person": "researcher", "isolation": "bubblewrap", "lease_s": 6}
        started = operator.post("/v1/kernels", form)
        with closing(Connection(governed_home.socket, started["token"])) as kernel:
            deadline = time.monotonic() + 8
            while time.monotonic() < deadline:
                assert operator.post(f"/v1/kernels/{started['kernel']}/heartbeat")["is_open"]
                assert kernel.get("/v1/whoami")["person"] == "researcher"
                time.sleep(0.1)

            def has_ended() -> bool:
                try:
                    kernel.get("/v1/whoami")
                except NotSignedIn as refused:
                    return "watched" in refused.message
                return False

            until(has_ended)
        operator.delete(f"/v1/kernels/{started['kernel']}")
        assert not operator.post(f"/v1/kernels/{started['kernel']}/heartbeat")["is_open"]


def test_the_verb_lists_shows_and_cancels(start: Callable[..., Job], capsys: pytest.CaptureFixture[str]) -> None:
    job = start(["/bin/sh", "-c", "echo ready; sleep 1000"])
    until(lambda: "ready" in job.log())

    assert main(["jobs", "--json"]) == 0
    assert job.id in [one["id"] for one in json.loads(capsys.readouterr().out)]
    assert main(["jobs", job.id, "--log"]) == 0
    assert "ready" in capsys.readouterr().out
    assert main(["jobs", job.id, "--cancel"]) == 0
    assert "cancelled" in capsys.readouterr().out
    assert main(["jobs", job.id]) == 1
    assert main(["jobs", "--cancel"]) == InvalidInput.exit_code


TERMINAL = """
import sys, time
from workbench.compute.jobs import run_job
from workbench.connection import terminal
with terminal("researcher") as line:
    print(run_job("from a terminal", "work:wait", {"name": "go"}, line=line).id, flush=True)
    time.sleep(1000)
"""


def test_a_job_goes_on_when_the_terminal_that_asked_is_gone(home: Settings, bubblewrap: None) -> None:
    folder = home.workspace("researcher")
    folder.mkdir(mode=0o700, parents=True)
    (folder / "work.py").write_text(WORK)
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as asked:
        assert asked.stdout is not None
        name = asked.stdout.readline().strip()
        # The terminal, and whatever of its session is left; the gateway that it had started has nobody else now.
        os.killpg(asked.pid, signal.SIGKILL)
    with terminal("researcher", home) as line:
        job = find_job(name, line=line)
        until_waiting(job)
        (folder / "go").touch()

        assert job.result(PATIENCE_S) == "go"


def test_a_job_outlives_its_gateway_and_reads_through_the_next(home: Settings, bubblewrap: None) -> None:
    from tests.conftest import start_gateway

    process = start_gateway(home)
    folder = home.workspace("researcher")
    folder.mkdir(mode=0o700, parents=True)
    (folder / "work.py").write_text(WORK)
    with closing(sign_in(home, "researcher")) as line:
        job = run_job("a test", "work:read", {"name": "go", "url": "/v1/whoami"}, line=line)
        until_waiting(job)
        process.kill()
        process.wait()
        until(lambda: gateway_answers(home))
        # The next gateway is the job's own and would end with it, before anybody could ask how the job ended.
        with running_gateway(home):
            (folder / "go").touch()

            assert job.wait(PATIENCE_S) == DONE
