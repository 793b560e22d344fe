"""The verbs `sign-off` and `withdraw`, against a real gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main
from workbench.connection import sign_in
from workbench.ingest.delivery import Delivery, send_object, send_scan
from workbench.settings import Settings

FACTS = {
    "scan": "S0001", "subject": "P0001", "split": None, "modality": "CT", "shape": [4, 4, 4],
    "spacing_mm": [1, 1, 1], "origin_mm": [0, 0, 0], "direction": [1, 0, 0, 0, 1, 0, 0, 0, 1], "sha256": "0" * 64,
    "levels": 1, "window": [40, 400], "series_uid": "2.25.1", "subject_pseudonym": "ps-1",
}  # fmt: skip


@pytest.fixture
def waits(gateway: Settings) -> str:
    """Have a version of `clinic-ct` that waits; give its id."""
    line = sign_in(gateway, "custodian")
    with Delivery(line, "clinic-ct") as delivery:
        send_scan(line, delivery.id, FACTS, {"0/zarr.json": b"{}", "0/c/0/0/0": b"voxels"})
        send_object(line, delivery.id, "report.html", b"<!doctype html><title>Ingest report</title>")
        version = str(delivery.commit([FACTS], {}, findings=[])["version"])
    line.close()
    return version


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_checker_signs_off_and_the_custodian_withdraws(waits: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = said(capsys, "sign-off", "clinic-ct", "--comment", "looked at every slice")
    assert (code, answer["version"], answer["status"], answer["signed_by"]) == (0, waits, "published", "checker-1")
    code, answer = said(capsys, "withdraw", "clinic-ct", "P0001", "--reason", "consent withdrawn")
    assert (code, answer["scans"], answer["by"]) == (0, ["S0001"], "custodian")
    code, answer = said(capsys, "withdraw", "clinic-ct", "P0001", "--reason", "again")
    assert (code, answer["error"]) == (6, "conflict")


@pytest.mark.usefixtures("waits")
def test_what_waits_is_listed_with_who_may_sign(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sign-off"]) == 0
    assert "brought in by custodian" in (text := capsys.readouterr().out) and "yours to sign off" in text
    assert main(["datasets", "clinic-ct", "--as", "custodian"]) == 0
    assert "waits for its sign-off (`workbench sign-off clinic-ct`)" in capsys.readouterr().out
    assert main(["sign-off", "--as", "custodian"]) == 0
    assert "nobody signs off their own" in capsys.readouterr().out


def test_the_report_is_saved_before_it_is_signed(waits: str, tmp_path: Path) -> None:
    assert main(["sign-off", "clinic-ct", "--report", str(tmp_path / "report.html")]) == 0
    assert "Ingest report" in (tmp_path / "report.html").read_text()
    assert waits


@pytest.mark.usefixtures("waits")
def test_a_rejection_needs_its_reason_and_empties_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sign-off", "clinic-ct", "--reject"]) == 2
    assert main(["sign-off", "clinic-ct", "--reject", "--reason", "a face is visible"]) == 0
    assert main(["sign-off"]) == 0
    assert "No version waits" in capsys.readouterr().out


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize(("words", "code"), [
    ("sign-off clinic-ct --as custodian", 4), ("sign-off clinic-ct --as researcher", 5), ("sign-off other-ct", 5),
    ("sign-off --reject --reason x", 2), ("withdraw clinic-ct P0009 --reason x", 5),
    ("withdraw clinic-ct P0001 --reason x --as checker-1", 4), ("withdraw other-ct P0001 --reason x", 5),
])  # fmt: skip
def test_who_may_not_is_told_so(words: str, code: int) -> None:
    assert main(words.split()) == code
