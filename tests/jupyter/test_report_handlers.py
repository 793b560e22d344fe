"""Reports in the lab: forms are typed, runs are jobs of the server, crates collect their verdicts."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.jupyter.reports import RECORD, report_notebook
from workbench.jupyter.accounts import workspace_of

API = "/workbench/api/reports"
PATIENCE_S = 120.0


def ended(browser: Any, run: str, *, wanted: tuple[str, ...] = ("done", "failed", "cancelled")) -> dict[str, Any]:
    """Wait until a job is in one of these states."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found: dict[str, Any] = browser.json("GET", f"{API}/runs/{run}")
        if found["state"] in wanted:
            return found
        time.sleep(0.1)
    raise AssertionError(f"the run is still {found}")


def under_way(browser: Any, run: str, number: int) -> None:
    """Wait until a cell of a job runs."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        cells = browser.json("GET", f"{API}/runs/{run}").get("cells", [])
        if any(cell["number"] == number and cell["state"] == "running" for cell in cells):
            return
        time.sleep(0.1)
    raise AssertionError("the cell did not start")


@pytest.fixture
def researcher(signed_in, bubblewrap):
    return signed_in("researcher")


@pytest.fixture
def workspace(governed_home) -> Path:
    return workspace_of(governed_home, "researcher")


def start(browser: Any, name: str, **parameters: object) -> dict[str, Any]:
    form = {"notebook": f"workspace:{name}", "parameters": parameters}
    started: dict[str, Any] = browser.json("POST", f"{API}/runs", form)
    return started


def test_shipped_and_own_notebooks_are_listed_and_runs_of_them_are_not(researcher, workspace):
    report_notebook(workspace / "mine" / "mean.ipynb", RECORD)
    (workspace / "not-one.ipynb").write_text("{}")

    found = {one["notebook"]: one for one in researcher.json("GET", API)["reports"]}

    assert found["workspace:mine/mean.ipynb"]["question"] == "What is the mean?"
    assert found["shipped:benchmark/lung-nodule-detection.ipynb"]["source"] == "shipped"
    assert "workspace:not-one.ipynb" not in found and not any("/explore/" in name for name in found)


def test_a_form_knows_types_limits_and_choices(researcher, workspace):
    report_notebook(workspace / "mean.ipynb", RECORD)

    form = researcher.json("GET", f"{API}/form?notebook=workspace:mean.ipynb")

    by_name = {one["name"]: one for one in form["parameters"]}
    assert (by_name["seed"]["minimum"], by_name["seed"]["maximum"], by_name["seed"]["help"]) == (0, 100, "of the draws")
    assert by_name["size"]["choices"] == ["small", "large"] and by_name["loud"]["type"] == "bool"
    assert [cell["number"] for cell in form["cells"]] == [2, 3]


def test_wrong_parameters_are_each_told_and_nothing_starts(researcher, workspace):
    report_notebook(workspace / "mean.ipynb", RECORD)
    before = len(researcher.json("GET", f"{API}/runs")["runs"])
    given = {"seed": "x", "scale": "9", "size": "huge", "sede": 1}

    status, _, text = researcher.ask("POST", f"{API}/runs", [{"notebook": "workspace:mean.ipynb", "parameters": given}])

    fields = json.loads(text)["fields"]
    assert status == 400 and set(fields) == {"seed", "scale", "size", "sede"}
    assert "of type int" in fields["seed"] and "no parameter" in fields["sede"]
    assert len(researcher.json("GET", f"{API}/runs")["runs"]) == before


@pytest.mark.parametrize(
    "name", ["workspace:../x.ipynb", "workspace:/etc/passwd", "shipped:../x/y.ipynb", "x", None, 7]
)
def test_nothing_but_a_listed_notebook_runs(researcher, name):
    assert researcher.ask("POST", f"{API}/runs", [{"notebook": name, "parameters": {}}])[0] == 404


def test_a_run_ends_with_report_and_crate_in_the_workspace_and_is_reproduced(researcher, workspace):
    report_notebook(workspace / "mean.ipynb", RECORD, "print(seed, size)")
    run = start(researcher, "mean.ipynb", seed="5")["run"]
    done = ended(researcher, run)
    status, headers, text = researcher.ask("GET", f"{API}/runs/{run}/report")
    assert status == 200 and "sandbox" in headers["content-security-policy"] and "What is the mean?" in text
    assert [cell["state"] for cell in done["cells"]] == ["done"] * 3 and done["results"][0]["value"] == 5.0
    crate = done["files"]["crate"]
    assert (workspace / crate).is_file() and crate.startswith("reports/mean/")

    again = researcher.json("POST", f"{API}/reproduce", {"crate": crate, "any_environment": True})["run"]
    verdict = ended(researcher, again)

    assert verdict["verdict"]["verdict"] == "IDENTICAL" and verdict["is_added"], verdict
    shown = researcher.json("GET", f"{API}/crate?path={crate}")
    assert [one["verdict"] for one in shown["verdicts"]] == ["IDENTICAL"] and shown["account"] == "researcher"
    side = researcher.json("GET", f"{API}/verdict?path={crate}&number=1")
    assert all(cell["is_same"] for cell in side["cells"]) and side["record"]["verdict"] == "IDENTICAL"
    listed = {one["path"]: one for one in researcher.json("GET", f"{API}/crates")["crates"]}
    assert listed[crate]["verdicts"][0]["verdict"] == "IDENTICAL"


def test_a_run_is_cancelled_and_its_kernel_is_gone(researcher, workspace, governed_home):
    report_notebook(workspace / "slow.ipynb", "import time; time.sleep(600)", parameters="seed: int = 1")
    run = start(researcher, "slow.ipynb")["run"]
    under_way(researcher, run, 3)

    said = researcher.json("POST", f"{API}/runs/{run}/cancel", {})

    assert said["state"] == "cancelled" and "workspace" in said["message"]
    assert list((governed_home.run / "kernels").glob("*")) == []


def test_a_failing_cell_is_named_and_its_notebook_kept(researcher, workspace):
    report_notebook(workspace / "wrong.ipynb", "1 / 0", parameters="seed: int = 1")

    found = ended(researcher, start(researcher, "wrong.ipynb")["run"])

    assert (found["state"], found.get("failed_cell")) == ("failed", 3), found
    assert "ZeroDivisionError" in found["message"]
    assert (workspace / found["files"]["notebook"]).is_file() and "report" not in found["files"]
    assert found["cells"][-1]["state"] == "failed"


def test_another_account_sees_none_of_it(signed_in, researcher, workspace):
    report_notebook(workspace / "slow.ipynb", "import time; time.sleep(600)", parameters="seed: int = 1")
    run = start(researcher, "slow.ipynb")["run"]
    teacher = signed_in("teacher")

    assert run not in [one["run"] for one in teacher.json("GET", f"{API}/runs")["runs"]]
    assert teacher.ask("GET", f"{API}/runs/{run}")[0] == 404
    assert teacher.ask("POST", f"{API}/runs/{run}/cancel", [{}])[0] == 404
    assert researcher.json("POST", f"{API}/runs/{run}/cancel", {})["state"] == "cancelled"


def test_a_third_run_at_the_same_time_is_refused(researcher, workspace):
    report_notebook(workspace / "slow.ipynb", "import time; time.sleep(600)", parameters="seed: int = 1")
    runs = [start(researcher, "slow.ipynb")["run"] for _ in range(2)]

    form = {"notebook": "workspace:slow.ipynb", "parameters": {}}
    status, _, text = researcher.ask("POST", f"{API}/runs", [form])

    assert status == 409 and "wait for one to end" in json.loads(text)["message"]
    assert [researcher.json("POST", f"{API}/runs/{run}/cancel", {})["state"] for run in runs] == ["cancelled"] * 2


def test_a_killed_process_counts_as_ended(researcher, workspace, governed_home):
    report_notebook(workspace / "slow.ipynb", "import time; time.sleep(600)", parameters="seed: int = 1")
    run = start(researcher, "slow.ipynb")["run"]
    under_way(researcher, run, 3)
    for process in Path("/proc").glob("[0-9]*"):
        words = (process / "cmdline").read_bytes() if (process / "cmdline").exists() else b""
        if b"workbench.jupyter.report_worker" in words and run.encode() in words:
            os.kill(int(process.name), signal.SIGKILL)

    found = ended(researcher, run)

    assert found["state"] == "failed" and "start it again" in found["message"]


@pytest.mark.parametrize("path", ["../x.crate.zip", "/etc/passwd", "missing.crate.zip", "not-one.ipynb", ""])
def test_nothing_but_a_crate_of_the_workspace_is_read(researcher, path):
    for address in ("crate", "crate/report", "verdict"):
        assert researcher.ask("GET", f"{API}/{address}?path={path}")[0] == 404
    assert researcher.ask("POST", f"{API}/reproduce", [{"crate": path}])[0] == 404


def test_a_file_that_only_looks_like_a_crate_is_listed_with_its_problem(researcher, workspace):
    (workspace / "fake.crate.zip").write_bytes(b"no zip")

    found = {one["path"]: one for one in researcher.json("GET", f"{API}/crates")["crates"]}

    assert "not a readable crate" in found["fake.crate.zip"]["problem"]
