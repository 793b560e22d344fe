"""`workbench audit`, against a real gateway and, where that cannot start, against the files it left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from attacks import edit, rewrite, sealer_of

from workbench.cli import main
from workbench.gateway.lifecycle import only_gateway
from workbench.settings import Settings


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main(["audit", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("gateway")
def test_a_proof_is_checked_where_there_is_no_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "proof.json"
    assert main(["audit", "prove", "1", "--out", str(file)]) == 0
    capsys.readouterr()
    words = [sys.executable, "-m", "workbench.cli", "audit", "check-proof", str(file), "--json"]
    elsewhere = {**os.environ, "WORKBENCH_HOME": str(tmp_path / "nowhere")}
    done = subprocess.run(words, capture_output=True, text=True, env=elsewhere)
    assert (done.returncode, json.loads(done.stdout)["event"]["action"]) == (0, "home.seed")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.usefixtures("gateway")
def test_a_proof_is_held_against_the_key_that_the_custodian_gave(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, key = tmp_path / "proof.json", tmp_path / "key"
    main(["audit", "prove", "1", "--out", str(file)])
    capsys.readouterr()
    key.write_text(_json(capsys, "checkpoint")[1]["key"])
    assert _json(capsys, "check-proof", str(file), "--key", str(key))[1]["trusted"] is True
    file.write_text(file.read_text().replace("home.seed", "home.weed"))
    assert _json(capsys, "check-proof", str(file), "--key", str(key))[0] == 11


@pytest.mark.usefixtures("gateway")
def test_events_are_found_by_person_action_dataset_and_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    main(["datasets", "no-such", "--as", "researcher"])
    main(["audit", "verify", "--as", "researcher"])
    capsys.readouterr()
    for words in (("--outcome", "denied"), ("--person", "researcher", "--action", "audit"), ("--action", "audit.read")):
        found = _json(capsys, "list", *words)[1]
        assert ("researcher", "audit.read", "denied") in {(e["actor"], e["action"], e["outcome"]) for e in found}
    assert _json(capsys, "list", "--dataset", "clinic-ct")[1] == []
    assert {event["actor"] for event in _json(capsys, "list", "--person", "system")[1]} == {"system"}


@pytest.mark.usefixtures("gateway")
def test_the_log_is_held_against_a_checkpoint_that_somebody_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "checkpoint.json"
    main(["audit", "checkpoint", "--out", str(file)])
    capsys.readouterr()
    code, found = _json(capsys, "verify", "--against", str(file))
    assert (code, found["ok"], found["against"]["size"] > 0) == (0, True, True)
    kept = json.loads(file.read_text())
    file.write_text(kept["note"].replace(f"\n{kept['size']}\n", "\n1\n"))
    code, found = _json(capsys, "verify", "--against", str(file))
    assert (code, found["ok"]) == (11, False)


REFUSALS = (
    ("prove x", 2), ("prove 0", 5), ("prove 999999", 5), ("prove 1 --as researcher", 4), ("checkpoint --as teacher", 4),
    ("check-proof", 2), ("check-proof no-such-file", 2), ("prove 1 --out {file}", 2), ("check-proof {file}", 2),
)  # fmt: skip


@pytest.mark.usefixtures("gateway")
def test_refusals_say_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "taken.json"
    file.write_text("not JSON")
    codes = [(words, _json(capsys, *words.format(file=file).split())[0]) for words, _ in REFUSALS]
    assert codes == list(REFUSALS)
    assert file.read_text() == "not JSON"


def _used(home: Settings) -> None:
    """Have a home that was used and whose gateway has left and exported what it did."""
    assert main(["audit", "verify"]) == 0
    is_left = False
    while not is_left:
        time.sleep(0.05)
        with only_gateway(home) as is_left:
            pass


def test_a_store_with_which_no_gateway_starts_is_verified_from_its_files(
    home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    _used(home)
    capsys.readouterr()
    for file in home.home.glob("store.sqlite*"):
        file.write_bytes(b"x" * 8192)
    code, found = _json(capsys, "verify")
    assert (code, found["ok"], found["first_bad"]) == (11, False, 1)
    assert "cannot be asked" in found["gateway"]


@pytest.mark.parametrize("keys", ["kept", "deleted", "all deleted"])
def test_an_edit_is_named_with_the_keys_and_without(
    home: Settings, keys: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _used(home)
    assert main(["audit", "list"]) == 0
    _used(home)
    capsys.readouterr()
    rewrite(home.store, edit, sealer_of(home.store))
    for file in [] if keys == "kept" else home.keys.glob("*" if keys == "all deleted" else "audit.key"):
        file.unlink()
    code, found = _json(capsys, "verify")
    assert (code, found["first_bad"]) == (11, 5)


def test_keys_that_go_while_the_gateway_runs_are_found(gateway: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "list"]) == 0
    capsys.readouterr()
    shutil.rmtree(gateway.keys)
    code, found = _json(capsys, "verify")
    assert (code, found["ok"], found["first_bad"]) == (11, False, 1)
