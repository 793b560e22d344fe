"""The verbs `explain` and `policy`, against a real gateway where they need one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.cli import main
from workbench.governance.catalogue import NewDataset, register_dataset
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

GOOD = """// example "researchers": {"roles": ["researcher"]} => allow, bin people.age by 5
@id("ages") @bin("people.age by 5")
permit (principal in Role::"researcher", action == Action::"read", resource);
"""


@pytest.fixture
def line(home: Settings, request: pytest.FixtureRequest) -> None:
    """Have a gateway with one controlled dataset."""
    store = Store(home.store)
    seed(store, home)
    register_dataset(store, "custodian", NewDataset("clinic-ct", "Clinic CT", "controlled", "custodian"))
    store.close()
    request.getfixturevalue("gateway")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.cedar"
    path.write_text(GOOD)
    return path


def test_check_reads_well_and_gives_exit_code_2_for_a_mistake(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(file)]) == 0
    assert "✓ researchers" in capsys.readouterr().out
    file.write_text(GOOD.replace('"read"', '"raed"'))
    assert main(["policy", "check", str(file)]) == 2
    said = capsys.readouterr().out
    assert "line 3, column 60: There is no action “raed” for a dataset. Did you mean “read”?" in said


def test_check_gives_json_for_programs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(GOOD.replace("by 5\n", "by 7\n", 1))
    assert main(["policy", "check", str(file), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["mistakes"], found["examples"][0]["ok"]) == (False, [], False)
    assert found["policies"][0]["obligations"] == ["people.age is given in steps of 5."]


@pytest.mark.parametrize("words", [["check"], ["set", "clinic-ct"], ["schema", "x"], ["check", "nowhere.cedar"]])
def test_a_wrong_call_says_how_to_write_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", *words]) == 2
    assert capsys.readouterr().err


def test_the_schema_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "schema"]) == 0
    assert 'action "read"' in capsys.readouterr().out


@pytest.mark.usefixtures("line")
def test_a_policy_is_set_shown_and_explained(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "set", "clinic-ct", str(file)]) == 0
    assert main(["policy", "show", "clinic-ct", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["text"] == GOOD
    assert main(["explain", "researcher", "read", "clinic-ct", "--purpose", "teaching", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["policies"][0]["id"] == "house/no-grant"
    assert main(["explain", "researcher", "read", "clinic-ct", "--as", "checker-1"]) == 4
    assert main(["policy", "set", "clinic-ct", str(file), "--as", "researcher"]) == 4
    assert main(["explain", "researcher", "read", "clinic-ct"]) == 0
    assert "decided by: house/no-grant" in capsys.readouterr().out


@pytest.mark.usefixtures("line")
def test_datasets_answer_for_one_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--as", "researcher", "--purpose", "teaching", "--json"]) == 0
    item = json.loads(capsys.readouterr().out)[0]
    assert (item["name"], item["allowed"], item["code"]) == ("clinic-ct", False, "no-grant")
    assert [one["key"] for one in item["missing"]] == ["approval"]
    assert main(["datasets", "--as", "researcher", "--purpose", "profit"]) == 2
