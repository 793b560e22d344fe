"""The verbs of evidence, against a real gateway process on its socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from visa_signing import ISSUER, SOURCE, SUBJECT, VALUE, Signer, jwks

from workbench.cli import main
from workbench.governance.catalogue import NewDataset, register_dataset
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

CHECK = ("checklist", "clinic-ct", "--purpose", "lung nodule detection")


@pytest.fixture
def clinic(home: Settings, request: pytest.FixtureRequest) -> Settings:
    """Have a gateway for a home that holds one controlled dataset."""
    store = Store(home.store)
    seed(store, home)
    register_dataset(store, "custodian", NewDataset("clinic-ct", "Clinic CT", "controlled", "custodian"))
    store.close()
    request.getfixturevalue("gateway")
    return home


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code = main(list(words))
    said = capsys.readouterr()
    return said.out + said.err if code in (0, 2, 4) else f"exit {code}"


@pytest.mark.usefixtures("clinic")
def test_the_journey_from_nothing_to_a_grant_reads_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("Do no harm.\n")
    assert "version 1" in run(capsys, "agreement", "set", "clinic-ct", str(tmp_path / "terms.txt"))
    assert "no general methods" in run(capsys, "usage", "set", "clinic-ct", "HMB", "NMDS", "--training", "gcp")
    listed = run(capsys, *CHECK, "--fact", "is_method_development=no")
    assert listed.count("✗") == 3 and "Read and accept it" in listed and "The terms HMB, NMDS permit" in listed
    assert "Do no harm." in run(capsys, "agreement", "show", "clinic-ct")
    assert "version 1" in run(capsys, "agreement", "accept", "clinic-ct")
    dates = ("--issued", "2020-01-01", "--ends", "2999-12-31")
    assert "T1" in run(capsys, "training", "record", "researcher", "gcp", "--provider", "the clinic", *dates)
    ask = ("request", "clinic-ct", "--purpose", "lung nodule detection", "--days", "30")
    assert "is submitted" in run(capsys, *ask, "--fact", "is_method_development=no")
    assert "declared: is_method_development=False" in run(capsys, "requests", "--as", "custodian")
    assert "may read" in run(capsys, "approve", "R1", "--days", "7")
    assert run(capsys, *CHECK).count("✓") == 4
    assert "gcp" in run(capsys, "training")


@pytest.mark.usefixtures("clinic")
def test_a_visa_is_trusted_linked_and_sent(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("keys.json").write_text(json.dumps(jwks()))
    Path("visa.jwt").write_text(Signer(1_700_000_000).visa(exp=4_000_000_000) + "\n")
    facts = ("--issuer", ISSUER, "--source", SOURCE, "--value", VALUE, "--keys", "keys.json")
    assert "W1" in run(capsys, "visa", "trust", "--dataset", "clinic-ct", "--approves", *facts)
    assert "not linked" in run(capsys, "visa", "send", "visa.jwt")
    who = ("--dataset", "clinic-ct", "--issuer", ISSUER, "--subject", SUBJECT)
    assert "about researcher" in run(capsys, "visa", "link", "researcher", *who)
    assert "V1: ControlledAccessGrants" in run(capsys, "visa", "send", "visa.jwt")
    assert "stands for it until" in run(capsys, *CHECK)
    assert "W1" in run(capsys, "visa", "list", "--as", "custodian")
    assert "counts no more" in run(capsys, "visa", "untrust", "W1")


@pytest.mark.usefixtures("clinic")
def test_projects_purposes_and_attributes(capsys: pytest.CaptureFixture[str]) -> None:
    assert "researcher" in run(capsys, "project", "set", "lung-ai", "--member", "researcher")
    assert "lung-ai" in run(capsys, "project")
    assert "disease=lung nodule" in run(capsys, "purpose")
    assert "administrator" in run(capsys, "purpose", "add", "x", "--as", "custodian")
    assert "Clinic A, AT" in run(capsys, "people", "set", "researcher", "--institution", "Clinic A", "--country", "AT")


MISTAKES: list[tuple[str, str]] = [
    ("agreement set clinic-ct", "FILE"), ("agreement set clinic-ct no-such-file", "cannot be read"),
    ("training record researcher", "PERSON KIND"), ("training end", "ID"), ("usage set clinic-ct", "Give “terms”"),
    ("usage set clinic-ct NMSD", "nearest is NMDS"), ("visa send", "one more word"), ("visa trust", "--keys"),
    ("project set", "ID"), ("purpose add", "ID"), ("checklist clinic-ct --purpose marketing", "not a purpose"),
    ("checklist clinic-ct --fact is_commercial", "NAME=VALUE"), ("people set", "account"),
    ("request clinic-ct --purpose teaching --days 3 --fact colour=red", "not a fact"),
    ("request clinic-ct --purpose teaching --days 3 --fact is_commercial=perhaps", "true or false"),
]  # fmt: skip


@pytest.mark.usefixtures("clinic")
def test_mistakes_are_told_in_one_sentence_and_json_is_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    for words, expected in MISTAKES:
        said = run(capsys, *words.split())
        assert expected in said and "Traceback" not in said, (words, said)
    for words in ("agreement show clinic-ct", "usage show clinic-ct", "training", "visa", "project", "purpose"):
        found: Any = json.loads(run(capsys, *words.split(), "--json"))
        assert isinstance(found, dict | list)
    assert json.loads(run(capsys, *CHECK, "--json"))["items"][0]["key"] == "approval"
