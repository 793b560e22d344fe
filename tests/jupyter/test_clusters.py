"""Clusters in governed kernels: inside the sandbox, on record, under the quota, and gone with their kernel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from workbench.cli import main
from workbench.connection import sign_in
from workbench.errors import AccessDenied, NotFound
from workbench.settings import Settings

if TYPE_CHECKING:
    # At run time the name `conftest` may stand for another folder's.
    from conftest import Notebook

PATIENCE_S = 120.0


def _clusters(home: Settings) -> list[dict[str, Any]]:
    with closing(sign_in(home, "researcher")) as line:
        found: list[dict[str, Any]] = line.get("/v1/clusters")["clusters"]
        return found


def _eventually(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until, "it did not come to pass within two minutes"
        time.sleep(0.1)


def test_a_notebook_s_cluster_is_inside_its_sandbox_on_record_and_stopped_from_outside(
    open_notebook: Callable[..., Notebook], governed_home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = open_notebook()
    started = notebook.run(
        "import os, workbench as wb\n"
        "def look(_): return os.path.exists('/workspace'), os.getcwd()\n"
        "c = wb.cluster(workers=1, hours=0.2)\n"
        "print(c.id, c.map(look, [0]), sorted(c._repr_mimebundle_()[0]))"
    )
    name = started.split()[0]
    assert "[(True, '/workspace'" in started
    assert started.endswith("['application/vnd.jupyter.widget-view+json', 'text/html', 'text/plain']")
    _eventually(lambda: _clusters(governed_home)[0]["actual"] == 1)
    assert main(["cluster", "stop", name, "--as", "researcher"]) == 0
    assert "ended" in capsys.readouterr().out
    assert _clusters(governed_home)[0]["why"] == "it was stopped from outside of its notebook"
    assert "closed: it was stopped from outside of its notebook; start a new one" in notebook.run("c.map(look, [0])")


def test_a_quota_refuses_in_the_notebook_and_a_killed_kernel_gives_its_share_back(
    open_notebook: Callable[..., Notebook], governed_home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", "quota", "researcher", "--workers", "2", "--as", "custodian"]) == 0
    notebook = open_notebook()
    said = notebook.run("import workbench as wb; wb.cluster(workers=3)")
    assert said.startswith("AccessDenied: Your quota is 2 workers at the same time, and 3 were asked for: ask for at")
    notebook.run("c = wb.cluster(workers=1)")
    assert notebook.run("c.scale(3)").startswith("AccessDenied: Your quota is 2 workers")
    notebook.client.stop_channels()
    notebook.manager.shutdown_kernel(now=True)
    assert _clusters(governed_home)[0]["why"] == "its kernel ended"
    assert main(["cluster", "quota", "researcher", "--workers", "64", "--as", "custodian"]) == 0
    assert "0 of 64 workers" in capsys.readouterr().out


def test_a_cluster_without_a_notebook_starts_is_joined_and_stops(
    open_notebook: Callable[..., Notebook], governed_home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["cluster", "start", "--workers", "1", "--hours", "0.2", "--idle", "5", "--json", "--as", "researcher"]
    assert main(start) == 0
    started = json.loads(capsys.readouterr().out)
    assert (started["workers"], started["state"], started["idle_minutes"]) == (1, "running", 5)
    assert main(["cluster", "list", "--as", "researcher"]) == 0
    assert f"{started['id']:<6} running   {started['kernel']}" in capsys.readouterr().out
    notebook = open_notebook()
    joined = notebook.run(
        f"import workbench as wb; c = wb.cluster(join={started['id']!r})\n"
        "print(c.map(lambda n: n * n, range(50)) == [n * n for n in range(50)], c.workers, c.actual); c.close()\n"
        f"again = wb.cluster(join={started['id']!r}); print(again.map(len, [bytes(3_000_000)]))"
    )
    assert joined.splitlines() == ["True 1 1", "[3000000]"]
    assert notebook.run("again.scale(2)").startswith("InvalidInput: A cluster that was joined keeps its workers")
    notebook.run("again.close()")
    assert main(["cluster", "stop", started["id"], "--as", "teacher"]) == NotFound.exit_code
    assert main(["cluster", "stop", started["id"], "--json", "--as", "researcher"]) == 0
    assert json.loads(capsys.readouterr().out)["why"] == "it was stopped from outside of its notebook"
    refused = notebook.run(f"wb.cluster(join={started['id']!r})")
    assert refused.startswith(f"NotFound: No cluster “{started['id']}” of yours runs any more: it was stopped")
    assert list((governed_home.workspace("researcher") / ".clusters").iterdir()) == []


def test_wrong_wishes_at_the_terminal_end_in_their_own_exit_codes(
    governed_home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", "stop", "--as", "researcher"]) == 2
    assert main(["cluster", "quota", "--workers", "3", "--as", "custodian"]) == 2
    assert main(["cluster", "quota", "teacher", "--workers", "3", "--as", "researcher"]) == AccessDenied.exit_code
    assert "you need the role custodian" in capsys.readouterr().err
