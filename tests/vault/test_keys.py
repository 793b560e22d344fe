"""Keys that wrap keys: the wrong one, a moved one and a damaged one open nothing."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import pytest

from workbench.errors import IntegrityError, NotFound
from workbench.vault.keys import SHARED, KeyRing
from workbench.vault.vault import Vault


def test_keys_survive_a_restart_and_differ(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    keys = [ring.subject_key("ct", subject, create=True) for subject in ("P0001", "P0002", SHARED)]
    again = KeyRing(tmp_path)
    assert [again.subject_key("ct", subject) for subject in ("P0001", "P0002", SHARED)] == keys
    assert len(set(keys)) == 3


def test_keys_lie_wrapped_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    key = KeyRing(tmp_path / "keys").subject_key("ct", "P0001", create=True)
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"master.key", "dataset.key", "P0001.key"}
    assert all(key not in path.read_bytes() and path.stat().st_mode & 0o077 == 0 for path in files)


def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", tmp_path / "keys")
    entry = vault.put("ct", "P0001", "a", b"bytes")
    (tmp_path / "keys" / "master.key").write_text(secrets.token_hex(32))
    with pytest.raises(IntegrityError, match="does not open"):
        Vault(tmp_path / "vault", tmp_path / "keys").read("ct", entry)


def test_a_key_moved_to_another_subject_does_not_open(tmp_path: Path) -> None:
    KeyRing(tmp_path).subject_key("ct", "P0001", create=True)
    shutil.copy(tmp_path / "ct" / "P0001.key", tmp_path / "ct" / "P0002.key")
    with pytest.raises(IntegrityError, match="ct/P0002"):
        KeyRing(tmp_path).subject_key("ct", "P0002")


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_a_damaged_master_key_is_named(tmp_path: Path, content: str) -> None:
    KeyRing(tmp_path)
    (tmp_path / "master.key").write_text(content)
    with pytest.raises(IntegrityError, match="master key is damaged"):
        KeyRing(tmp_path)


def test_reading_makes_no_key(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    with pytest.raises(NotFound):
        ring.subject_key("ct", "P0001")
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
