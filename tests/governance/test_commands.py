"""The verbs, against a real gateway process on its socket."""

from __future__ import annotations

import json
import sqlite3

import pytest

from workbench.cli import main
from workbench.errors import ERRORS
from workbench.governance.catalogue import NewDataset, register_dataset
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

ASK = ("request", "clinic-ct", "--purpose", "lung nodule detection", "--days", "30")


@pytest.fixture
def line(home: Settings, request: pytest.FixtureRequest) -> None:
    """Have a gateway for a home that holds one controlled dataset."""
    store = Store(home.store)
    seed(store, home)
    register_dataset(store, "custodian", NewDataset("clinic-ct", "Clinic CT", "controlled", "custodian"))
    store.close()
    request.getfixturevalue("gateway")


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, object]:
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("line")
def test_ask_approve_revoke_and_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, *ASK)[1]["status"] == "submitted"  # type: ignore[index]
    assert _json(capsys, "approve", "R1")[1]["grant"] == "G1"  # type: ignore[index]
    assert _json(capsys, "datasets")[1][0]["status"] == "granted"  # type: ignore[index]
    assert _json(capsys, "revoke", "G1", "--reason", "the study has ended")[1]["status"] == "ended"  # type: ignore[index]
    assert _json(capsys, "requests")[1][0]["reason"] == "the study has ended"  # type: ignore[index]
    code, verdict = _json(capsys, "audit", "verify")
    assert (code, verdict["ok"]) == (0, True)  # type: ignore[index]


@pytest.mark.usefixtures("line")
def test_the_same_journey_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (ASK, ("approve", "R1"), ("requests",), ("datasets",), ("datasets", "clinic-ct"), ("audit", "list")):
        assert main(list(words)) == 0
    said = capsys.readouterr().out
    assert "Request R1 for “clinic-ct” is submitted; its custodian decides." in said
    assert "researcher may read “clinic-ct” until" in said
    assert "Granted by custodian for “lung nodule detection” until" in said
    assert "request.approve" in said


REFUSALS = (
    ("request clinic-ct --purpose marketing --days 30", "invalid-input"),
    ("request clinic-ct --purpose teaching --days 0", "invalid-input"),
    ("request no-such --purpose teaching --days 3", "not-found"),
    ("approve R1 --as custodian", "not-found"),
    ("approve R1 --as stranger", "not-found"),
    ("revoke G1 --as custodian", "not-found"),
    ("audit verify --as researcher", "access-denied"),
)


@pytest.mark.usefixtures("line")
def test_refusals_have_their_own_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for words, error in REFUSALS:
        code, answer = _json(capsys, *words.split())
        assert (code, answer["error"]) == (ERRORS[error].exit_code, error)  # type: ignore[index]


@pytest.mark.usefixtures("line")
def test_a_tampered_log_gives_the_exit_code_of_an_integrity_error(
    home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    db = sqlite3.connect(home.store)
    db.executescript("DROP TRIGGER audit_is_never_edited; UPDATE audit SET actor = 'nobody' WHERE seq = 2;")
    db.close()
    code, verdict = _json(capsys, "audit", "verify")
    assert (code, verdict["first_bad"]) == (ERRORS["integrity-error"].exit_code, 2)  # type: ignore[index]
