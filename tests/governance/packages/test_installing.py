"""Packages come from the index as wheels, checked by hash, into a folder that kernels only read."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from wheels import make_wheel

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound, RunFailed
from workbench.governance.packages import installing, pip, requests
from workbench.governance.packages.asking import wanted
from workbench.governance.packages.environments import Package, environment_folder, package_lock
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store
from workbench.settings import Settings

Install = Callable[..., str]


@pytest.fixture
def install(store: Store, home: Settings, bubblewrap: None) -> Install:
    """Give a function that has names approved where they must be, installs them, and gives the request's id."""

    def carry_out(*names: str, removed: bool = False, person: str = "researcher") -> str:
        asked = requests.remove(store, person, names) if removed else requests.ask(
            store, person, names, "", may_wait=True
        )  # fmt: skip
        if asked["state"] == "review":
            requests.decide(store, "custodian", asked["id"], is_approved=True, comment="")
        installing.install(store, home, asked["id"])
        return str(asked["id"])

    return carry_out


def imported(home: Settings, code: str) -> str:
    """Run Python as a kernel of the researcher would see its packages."""
    path = environment_folder(home, "researcher") / "current"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(path)}, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_a_package_and_what_it_needs_are_there_and_on_record(
    index: Path, install: Install, home: Settings, store: Store
) -> None:
    make_wheel(index, "alpha", needs=["beta>=2"])
    make_wheel(index, "beta", "1.0")
    wheel = make_wheel(index, "beta", "2.5", licence="BSD-3-Clause")

    request = install("alpha")

    assert imported(home, "import alpha, beta; print(alpha.VERSION, beta.VERSION)") == "1.0 2.5"
    alpha, beta = package_lock(home, "researcher")
    assert (alpha["name"], alpha["asked"], beta["asked"]) == ("alpha", True, False)
    assert beta["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest() and beta["licence"] == "BSD-3-Clause"
    event = list_events(store)[-1]
    assert (event["action"], event["resource"], event["outcome"]) == ("package.install", request, "done")
    assert event["details"]["packages"][1].endswith(str(beta["sha256"]))


def test_what_is_there_stays_and_keeps_its_version(index: Path, install: Install, home: Settings) -> None:
    make_wheel(index, "alpha")
    install("alpha")
    make_wheel(index, "alpha", "2.0")
    make_wheel(index, "beta")

    install("beta")

    assert imported(home, "import alpha, beta; print(alpha.VERSION, beta.VERSION)") == "1.0 1.0"


def test_who_names_a_version_gets_it(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "alpha")
    make_wheel(index, "alpha", "2.0")

    found = pip.resolve([wanted("alpha==2.0")], [Package("alpha", "1.0", "")], tmp_path)

    assert [package.version for package in found] == ["2.0"]


def test_what_is_removed_is_gone_with_what_it_needed(index: Path, install: Install, home: Settings) -> None:
    make_wheel(index, "alpha", needs=["beta"])
    make_wheel(index, "beta")
    install("alpha")

    install("alpha", removed=True)

    assert package_lock(home, "researcher") == []
    assert "No module named" in imported(home, "import beta")


def test_what_comes_with_the_workbench_is_never_replaced(index: Path, install: Install, home: Settings) -> None:
    make_wheel(index, "numpy", "0.1")
    make_wheel(index, "alpha", needs=["numpy<1"])

    with pytest.raises(Conflict, match="do not fit beside"):
        install("alpha")
    assert package_lock(home, "researcher") == []


def test_what_python_has_already_needs_no_installation(index: Path, install: Install, home: Settings) -> None:
    install("numpy")

    assert package_lock(home, "researcher") == []


def test_a_source_package_is_not_built(index: Path, install: Install, tmp_path: Path) -> None:
    (index / "alpha-1.0.tar.gz").write_bytes(b"not even an archive")

    with pytest.raises(NotFound, match="no wheel of “alpha”"):
        install("alpha")


def test_other_bytes_than_announced_are_refused(index: Path, install: Install, home: Settings, monkeypatch) -> None:
    make_wheel(index, "alpha")
    resolve = pip.resolve

    def swapped(*words: object) -> object:
        found = resolve(*words)  # type: ignore[arg-type]
        make_wheel(index, "alpha", files={"alpha.py": "stolen = True\n"})
        return found

    monkeypatch.setattr(pip, "resolve", swapped)

    with pytest.raises(Exception, match="other bytes than it announced"):
        install("alpha")
    assert package_lock(home, "researcher") == []


def test_a_package_that_would_cover_a_module_of_python_is_refused(index: Path, install: Install) -> None:
    make_wheel(index, "alpha", files={"socket.py": "caught = True\n"})

    with pytest.raises(InvalidInput, match="a module “socket” of its own"):
        install("alpha")


def test_a_path_that_leads_out_of_a_wheel_leads_nowhere(index: Path, install: Install, home: Settings) -> None:
    make_wheel(index, "alpha", files={"../../../escaped.py": "x = 1\n"})

    with pytest.raises(RunFailed):
        install("alpha")
    assert not list(home.home.rglob("escaped.py"))


def test_an_index_that_does_not_answer_is_one_plain_sentence(
    index: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")

    with pytest.raises(RunFailed, match="does not answer from this machine") as stopped:
        install("alpha")
    assert stopped.value.code == "index-unreachable" and "127.0.0.1" not in stopped.value.message


def test_a_refused_package_is_not_brought_along_by_another(index: Path, install: Install, store: Store) -> None:
    make_wheel(index, "alpha", needs=["beta"])
    make_wheel(index, "beta")
    refused = requests.ask(store, "researcher", ["beta"], "", may_wait=True)
    requests.decide(store, "custodian", refused["id"], is_approved=False, comment="it phones home")

    with pytest.raises(AccessDenied, match="need “beta”"):
        install("alpha")


def test_a_request_that_a_stopped_gateway_left_is_settled(store: Store) -> None:
    asked = requests.ask(store, "researcher", ["lifelines"], "", may_wait=True)

    installing.settle(store, asked["id"])

    assert requests.get(store, asked["id"])["code"] == "install-interrupted"


def test_the_servers_own_variables_do_not_reach_pip(index: Path, store: Store, home: Settings, monkeypatch) -> None:
    seen: list[dict[str, str]] = []
    monkeypatch.setenv("SERVER_SECRET", "x")
    monkeypatch.setattr(pip, "_run", lambda _command, _seconds, environment: seen.append(dict(environment)))

    pip._pip(["check"], 1)

    assert "SERVER_SECRET" not in json.dumps(seen) and "PIP_FIND_LINKS" in seen[0]
