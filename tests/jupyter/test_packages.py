"""`%pip install` in a real governed kernel: packages from the home's index, outside the sandbox, read-only inside."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from workbench.connection import sign_in
from workbench.governance.packages.environments import package_lock
from workbench.settings import Settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "governance" / "packages"))
from wheels import make_wheel

Open = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the folder of wheels that the gateway of this module takes packages from."""
    folder = tmp_path_factory.mktemp("index")
    # On the list, but not among what comes with the workbench.
    make_wheel(folder, "lifelines", "0.30.0", needs=["formulaic"])
    make_wheel(folder, "formulaic")
    make_wheel(folder, "our_own_tool")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(folder), "CONFIG_FILE": "/dev/null"}.items():
            patch.setenv(f"PIP_{name}", value)
        yield folder


def test_a_listed_package_is_there_at_once_and_in_the_next_kernel(open_notebook: Open) -> None:
    notebook = open_notebook()

    said = notebook.run("%pip install lifelines\nimport lifelines, formulaic; print('has', lifelines.VERSION)")

    assert "has 0.30.0" in said and "lifelines 0.30.0  MIT  sha256" in said and "formulaic 1.0" in said
    assert open_notebook().run("import lifelines; print(lifelines.__file__)") == "/packages/current/lifelines.py"
    assert "there already" in notebook.run("%pip install -q lifelines")


def test_what_is_installed_cannot_be_changed_from_inside(open_notebook: Open) -> None:
    said = open_notebook().run("open('/packages/current/lifelines.py', 'a')")

    assert said.startswith("OSError") or "Read-only" in said or said.startswith("FileNotFoundError")


def test_an_unlisted_package_waits_for_a_person(open_notebook: Open, governed_home: Settings) -> None:
    notebook = open_notebook()

    said = notebook.run("%pip install our-own-tool")

    assert "waits for an administrator" in said
    assert notebook.run("import our_own_tool").startswith("ModuleNotFoundError")
    with closing(sign_in(governed_home, "custodian")) as custodian:
        (waiting,) = [one for one in custodian.get("/v1/packages")["requests"] if one["may_decide"]]
        custodian.post(f"/v1/packages/requests/{waiting['id']}/approve", {"reason": "looked at it"})
        while custodian.get(f"/v1/packages/requests/{waiting['id']}")["state"] == "installing":
            time.sleep(0.1)
    assert notebook.run("import our_own_tool; print(our_own_tool.VERSION)") == "1.0"


@pytest.mark.parametrize(
    "words", ["git+https://example.invalid/x", "./x.whl", "--index-url http://127.0.0.1 x", "-r list.txt", "''"]
)
def test_what_is_not_a_name_is_refused_in_one_sentence(notebook: Any, words: str) -> None:
    said = notebook.run(f"%pip install {words}")

    assert said.startswith("Give names") or "is not the name" in said
    assert len(said.splitlines()) == 1


def test_a_package_that_the_index_lacks_is_one_sentence(notebook: Any) -> None:
    said = notebook.run("%pip install xgboost==99")

    assert "no wheel of “xgboost==99”" in said and "Traceback" not in said


def test_pip_itself_finds_no_network_and_says_so_at_once(notebook: Any) -> None:
    said = notebook.run("!pip install lifelines==9")

    # What takes pip long without a network is that it tries again and again.
    assert "No matching distribution" in said and "Retrying" not in said


def test_people_have_packages_of_their_own(open_notebook: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    open_notebook().run("%pip install lifelines")
    monkeypatch.setenv("WORKBENCH_ACCOUNT", "reviewer")

    assert open_notebook().run("import lifelines").startswith("ModuleNotFoundError")


def test_what_is_given_back_is_gone(open_notebook: Open) -> None:
    notebook = open_notebook()
    notebook.run("%pip install lifelines")

    assert "removed: formulaic, lifelines" in notebook.run("%pip uninstall -y lifelines")
    assert open_notebook().run("import lifelines").startswith("ModuleNotFoundError")


def test_the_lock_says_what_a_report_needs(open_notebook: Open, governed_home: Settings) -> None:
    open_notebook().run("%pip install lifelines")

    found = package_lock(governed_home, "researcher")

    assert {(item["name"], item["version"]) for item in found} >= {("lifelines", "0.30.0"), ("formulaic", "1.0")}
    assert all(item["sha256"] and item["licence"] == "MIT" for item in found)
