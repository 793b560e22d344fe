"""The owner of the home rotates the vault's keys; readers notice nothing, and nobody else can."""

from __future__ import annotations

import json

import pytest
from homes import Lines, fill

from workbench.cli import main
from workbench.errors import AccessDenied


@pytest.fixture
def filled(lines: Lines) -> Lines:
    fill(lines.operator(), "open-ct", "open", seeds=(1, 2))
    return lines


@pytest.mark.parametrize("dataset", [[], ["open-ct"]], ids=["the master key", "a dataset's key"])
def test_what_was_stored_is_read_after_a_rotation(
    filled: Lines, dataset: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    reader = filled.person("researcher")
    url = "/v1/datasets/open-ct/tables/scans"
    before = reader.request("GET", url)[2]
    assert main(["keys", "rotate", *dataset, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wrapped"] == (4 if dataset else 1)
    assert reader.request("GET", url)[2] == before


def test_the_keys_are_told_by_age_and_never_shown(filled: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list"]) == 0
    said = capsys.readouterr().out
    assert "master" in said and "open-ct" in said and "wraps 4 keys" in said
    assert (filled.settings.keys / "master.key").read_text() not in said


def test_a_rotation_is_on_record(filled: Lines) -> None:
    filled.operator().post("/v1/keys/rotate", {"dataset": "open-ct"})
    events = filled.person("custodian").get("/v1/audit")["events"]
    assert ("keys.rotate", "open-ct") in {(event["action"], event["resource"]) for event in events}


@pytest.mark.parametrize("account", ["researcher", "custodian", "checker-1"])
def test_nobody_but_the_owner_touches_keys(filled: Lines, account: str) -> None:
    for ask in (lambda line: line.get("/v1/keys"), lambda line: line.post("/v1/keys/rotate", {})):
        with pytest.raises(AccessDenied):
            ask(filled.person(account))


def test_an_unknown_dataset_is_named(filled: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "rotate", "no-such-ct"]) == 5
    assert "no-such-ct" in capsys.readouterr().err
    assert main(["keys", "list", "open-ct"]) == 2
