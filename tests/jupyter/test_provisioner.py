"""A governed kernel starts fast, works like any kernel, and ends when it should."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.connection import Connection, gateway_answers, operator_secret
from workbench.errors import NotFound, NotSignedIn
from workbench.settings import Settings, load_settings

PATIENCE_S = 120.0
ASK = "from workbench.connection import connect_from_environment as line\n"


def kernels_of(settings: Settings) -> Path:
    """Give the folder of the sockets of running kernels."""
    return settings.run / "kernels"


def test_the_kernel_is_known_to_the_gateway_as_isolated(open_notebook):
    who = json.loads(open_notebook().run(ASK + "import json; print(json.dumps(line().get('/v1/whoami')))"))

    assert (who["person"], who["kind"], who["isolation"]) == ("researcher", "kernel", "bubblewrap")


def test_the_kernel_acts_for_the_account_that_is_named(open_notebook, monkeypatch):
    monkeypatch.setenv("WORKBENCH_ACCOUNT", "reviewer")

    assert open_notebook().run(ASK + "print(line().get('/v1/whoami')['person'])") == "reviewer"


def test_an_unknown_account_gets_no_kernel(open_notebook, monkeypatch):
    monkeypatch.setenv("WORKBENCH_ACCOUNT", "nobody")

    with pytest.raises(NotFound, match="nobody"):
        open_notebook()


def test_what_is_written_to_the_workspace_is_kept(open_notebook, governed_home):
    said = open_notebook().run("import os; open('kept.txt', 'w').write('yes'); print(os.getcwd())")

    assert said == "/workspace"
    assert (governed_home.workspace("researcher") / "kept.txt").read_text() == "yes"


def test_a_kernel_token_opens_no_door_of_the_owner(open_notebook):
    said = open_notebook().run(ASK + "line().post('/v1/kernels', {'person': 'custodian', 'isolation': 'bubblewrap'})")

    assert said.startswith("AccessDenied")


def test_the_token_ends_with_the_kernel(open_notebook, governed_home):
    notebook = open_notebook()
    token = notebook.run("import os; print(os.environ['WORKBENCH_TOKEN'])")
    notebook.close()

    with closing(Connection(governed_home.socket, token)) as line, pytest.raises(NotSignedIn, match="ended"):
        line.get("/v1/whoami")


def interrupted(notebook: Any, code: str) -> str:
    """Run a cell, interrupt it once it has said that it has begun, and give what it said."""

    def hear(text: str) -> None:
        if "begun" in text:
            threading.Thread(target=notebook.manager.interrupt_kernel).start()

    said: str = notebook.run(code, hear=hear)
    return said


def test_interrupting_stops_the_cell_and_not_the_kernel(open_notebook):
    notebook = open_notebook()
    notebook.run("kept = 7")

    said = interrupted(notebook, "import time; print('begun', flush=True)\ntime.sleep(600)")

    assert said.split()[:2] == ["begun", "KeyboardInterrupt:"]
    assert notebook.run("print(kept)") == "7"


def test_interrupting_reaches_what_the_cell_started(open_notebook):
    notebook = open_notebook()

    # A cell that waited for its child could be interrupted between burying it and noting how it ended.
    said = interrupted(
        notebook,
        "import subprocess, time; process = subprocess.Popen(['sleep', '600']); print('begun', flush=True)\n"
        "time.sleep(600)",
    )

    assert said.split()[:2] == ["begun", "KeyboardInterrupt:"]
    assert notebook.run("print(process.wait(60))") == f"-{int(signal.SIGINT)}"


def test_a_restarted_kernel_is_new_and_as_isolated_as_before(open_notebook, governed_home):
    notebook = open_notebook()
    notebook.run("kept = 7")
    notebook.manager.restart_kernel()
    notebook.client.wait_for_ready(timeout=PATIENCE_S)

    assert notebook.run("print('kept' in dir())") == "False"
    assert notebook.run(ASK + "print(line().get('/v1/whoami')['isolation'])") == "bubblewrap"


def test_a_kernel_that_ended_leaves_nothing_behind(open_notebook, governed_home):
    notebook = open_notebook()
    process = notebook.manager.provisioner.process
    before = set(kernels_of(governed_home).iterdir())
    notebook.close()

    assert process.poll() is not None
    assert before - set(kernels_of(governed_home).iterdir())


def test_orphans_are_buried(open_notebook):
    said = open_notebook().run(
        "import glob, subprocess, time\nsubprocess.run(['sh', '-c', 'sleep 0.1 &'])\ntime.sleep(0.3)\n"
        "until = time.monotonic() + 60\n"
        "while len(glob.glob('/proc/[0-9]*')) > 2 and time.monotonic() < until: time.sleep(0.05)\n"
        "print([path for path in glob.glob('/proc/[0-9]*')])"
    )

    assert said == "['/proc/1', '/proc/2']"


@pytest.mark.parametrize("length", [68, 69, 75, 180])
def test_a_kernel_starts_however_long_the_name_of_its_home_is(open_notebook, monkeypatch, length):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        home = f"{folder}/{'h' * (length - len(folder) - 1)}"
        monkeypatch.setenv("WORKBENCH_HOME", home)
        notebook = open_notebook()
        assert len(os.fsencode(home)) == length
        assert notebook.run(ASK + "print(line().get('/v1/whoami')['isolation'])") == "bubblewrap"
        notebook.close()
        run = load_settings().run
        while gateway_answers(load_settings()):
            time.sleep(0.05)
    if not run.is_relative_to(home):
        shutil.rmtree(run)


def test_a_kernel_dies_with_the_process_that_started_it(governed_home, bubblewrap):
    code = (
        "import sys, time\nfrom jupyter_client.manager import start_new_kernel\n"
        "km, kc = start_new_kernel(kernel_name='workbench-python')\n"
        "print(km.provisioner.pid, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        kernel = psutil.Process(int(server.stdout.readline()))
        family = [kernel, *kernel.children(recursive=True)]
        server.send_signal(signal.SIGKILL)

    gone, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert len(gone) >= 3 and not alive


def test_two_kernels_do_not_see_each_other(open_notebook):
    first, second = open_notebook(), open_notebook()
    first.run("open('/tmp/mine', 'w').write('x'); import os; os.environ['MARK'] = 'first-kernel'")

    said = second.run(
        "import os, glob; print(os.path.exists('/tmp/mine'), [p for p in os.listdir('/proc') if p.isdigit()])"
    )

    assert said == "False ['1', '2']"


def test_a_cluster_of_processes_starts_inside(open_notebook):
    said = open_notebook().run(
        "from dask.distributed import Client, LocalCluster\n"
        "with LocalCluster(host='127.0.0.1', dashboard_address='127.0.0.1:0', n_workers=2, threads_per_worker=1,"
        " processes=True) as cluster, Client(cluster) as client:\n    print(client.submit(sum, [20, 22]).result())"
    )

    assert said.splitlines()[-1] == "42"


def test_matplotlib_draws_and_torch_imports(open_notebook):
    notebook = open_notebook()

    drawn = notebook.run("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.savefig('/tmp/p.png'); print('drawn')")
    pytest.importorskip("torch")

    assert drawn.splitlines()[-1] == "drawn"
    assert notebook.run("import torch; print(float(torch.ones(3).sum()))") == "3.0"


def test_without_bubblewrap_the_kernel_says_so_and_reads_no_controlled_data(open_notebook, make_dataset, monkeypatch):
    make_dataset("clinic-ct")
    read = ASK + "print(len(line().get('/v1/datasets/clinic-ct/scans')['scans']))"
    assert open_notebook().run(read) == "1"
    # bubblewrap lies beside the tools that a kernel does not need to start.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))

    notebook = open_notebook()

    assert "NOT isolated" in notebook.run("1")
    assert "is not isolated" in notebook.run(read) and "bubblewrap" in notebook.run(read)
    assert notebook.manager.provisioner.isolation == "none"


def test_the_server_environment_stays_outside_even_without_bubblewrap(open_notebook, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))

    said = open_notebook().run("import os; print('SERVER_SECRET' in os.environ)")

    assert "False" in said.splitlines()


def test_the_operator_key_is_never_in_a_kernel(open_notebook, governed_home):
    said = open_notebook().run("import os; print(list(os.environ.values()))")

    assert operator_secret(governed_home) not in said and os.environ["SERVER_SECRET"] not in said
