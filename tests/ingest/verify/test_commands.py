"""`workbench check` says what it found, by rule, and stops a script with its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ingest.verify.conftest import Cleaned
from workbench.cli import main


def test_clean_output_exits_with_zero(cleaned: Cleaned, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(cleaned.out), "--against", str(cleaned.source), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"findings": [], "files": 4, "source_files": 4, "notes": []}


def test_findings_exit_with_sixteen_and_name_file_element_and_rule(
    cleaned: Cleaned, capsys: pytest.CaptureFixture[str]
) -> None:
    name = cleaned.change(lambda one: setattr(one, "PatientName", "Okonkwo^Adaeze"))
    assert main(["check", str(cleaned.out), "--against", str(cleaned.source), "--json"]) == 16
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"file": name, "element": "(0010,0010)", "rule": "source-value"} in findings


def test_the_text_is_grouped_by_rule_and_holds_no_value(
    cleaned: Cleaned, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    cleaned.change(lambda one: setattr(one, "StationName", "CTLINDEN2"))
    main(["check", str(cleaned.out), "--against", str(cleaned.source)])
    said = capsys.readouterr().out
    assert "source-value: a value of the source" in said
    assert "(0008,1010) in " in said
    assert "CTLINDEN2" not in said


def test_a_missing_folder_or_profile_is_refused(cleaned: Cleaned, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(cleaned.out / "none"), "--against", str(cleaned.source)]) == 2
    assert main(["check", str(cleaned.out), "--against", str(cleaned.source), "--profile", "none"]) == 2
    assert "none" in capsys.readouterr().err


def test_a_project_without_a_key_is_refused(
    cleaned: Cleaned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    assert main(["check", str(cleaned.out), "--against", str(cleaned.source), "--project", "p"]) == 2
