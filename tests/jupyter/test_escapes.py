"""Probes that a researcher might try in a cell of a real governed kernel; each must find nothing."""

from __future__ import annotations

import gc
import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from probes import GROUPS, HARNESS, PROBES, documented

from workbench.connection import Connection, operator_secret
from workbench.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


@pytest.fixture(scope="module")
def listeners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Listen on the loopback and on two unix sockets; a datagram is sent back."""
    with ExitStack() as opened:
        tcp = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        abstract, file = (opened.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        abstract.bind("\0probe-" + str(os.getpid()))
        file.bind(path := str(tmp_path_factory.mktemp("s") / "s"))
        abstract.listen()
        file.listen()
        threading.Thread(target=lambda: udp.sendto(*udp.recvfrom(64)), daemon=True).start()
        ports = {"port": tcp.getsockname()[1], "udp": udp.getsockname()[1]}
        yield {**ports, "abstract": f"probe-{os.getpid()}", "socket": path}


@pytest.fixture(scope="module")
def facts(governed_home: Settings, listeners, lab: int, lab_token: str) -> str:
    """Tell the probes where everything lies, as a well-informed attacker would know."""
    with closing(Connection(governed_home.socket, operator_secret(governed_home))) as line:
        ended = line.post("/v1/kernels", {"person": "custodian", "isolation": "bubblewrap"})
        line.delete(f"/v1/kernels/{ended['kernel']}")
    return json.dumps({
        **listeners, "lab": lab, "lab_token": lab_token, "ended": ended["token"],
        "home": str(governed_home.home), "tests": str(ROOT / "tests"), "package": str(ROOT / "workbench"),
        "owner": str(Path.home()), "python": [".pyenv"], "runtime": os.environ["JUPYTER_RUNTIME_DIR"],
        "secret": os.environ["SERVER_SECRET"], "pid": os.getpid(), "cmdline": Path("/proc/self/cmdline").read_text(),
        "hostname": socket.gethostname(),
        "namespaces": {name: os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES},
    })  # fmt: skip


def cell(facts: str, probe: str) -> str:
    """Give the cell of a probe."""
    body = "\n".join("    " + line for line in PROBES[probe].code.splitlines())
    return HARNESS.format(facts=facts, probe=body)


@pytest.mark.parametrize("probe", PROBES)
def test_a_cell_finds_nothing(bubblewrap, notebook, facts, probe):
    said = notebook.run(cell(facts, probe))

    assert said.splitlines()[-1:] == ["nothing"], said


# Run by this process, they must find what they look for: otherwise they would prove nothing.
FOUND_WITHOUT = (
    "the operator's key", "the home folder", "the store", "its own environment", "namespaces of the host",
    "the tests beside the package", "tcp to the host's loopback", "udp to the host's loopback",
    "an abstract socket of the host", "a socket file of the host", "the process that started it",
    "more processes than its own", "accounts of the machine", "another process's memory",
    "another process's open file", "a file by its handle", "a kernel without a filter", "Jupyter's files",
    "Jupyter's downloads", "the lab as its browser",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("probe", FOUND_WITHOUT)
def test_the_probes_find_it_without_a_sandbox(facts, probe):
    said: list[str] = []

    exec(cell(facts, probe), {"print": lambda *words: said.append(str(words[0]))})  # noqa: S102
    # What a probe opened is closed here, not in the middle of the next test.
    gc.collect()

    assert said == ["found"]


@pytest.mark.parametrize("path", [
    "/api/contents?content=1", "/api/kernels", "/api/sessions", "/api/terminals", "/files/note.txt",
    "/nbconvert/html/a.ipynb", "/workbench/api/me", "/lab",
])  # fmt: skip
def test_a_kernels_own_token_opens_nothing_at_the_lab(bubblewrap, notebook, lab: int, path):
    """Not even when it is carried out of the sandbox."""
    token = notebook.run("import os; print(os.environ['WORKBENCH_TOKEN'])")
    for words in (f"token {token}", f"Bearer {token}"):
        with closing(http.client.HTTPConnection("127.0.0.1", lab, timeout=60)) as line:
            line.request("GET", path, headers={"Authorization": words})
            reply = line.getresponse()
            assert reply.status == 403 or (reply.status == 302 and "/login" in str(reply.getheader("location")))


def test_no_probe_hides_another_of_its_name():
    assert len(PROBES) == sum(len(group) for group in GROUPS.values()) >= 25


def test_the_manual_lists_every_probe():
    assert documented() in (ROOT / "workbench" / "docs" / "kernels.md").read_text()
