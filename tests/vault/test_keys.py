"""Keys that wrap keys: the wrong one, a moved one and a damaged one open nothing."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from workbench.errors import IntegrityError, NotFound
from workbench.vault.files import write_whole
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


SUBJECTS = ("P0001", "P0002", SHARED)


def _filled(folder: Path) -> dict[tuple[str, str], bytes]:
    ring = KeyRing(folder)
    return {(name, who): ring.subject_key(name, who, create=True) for name in ("ct", "mr") for who in SUBJECTS}


def _opened(folder: Path, keys: dict[tuple[str, str], bytes]) -> dict[tuple[str, str], bytes]:
    ring = KeyRing(folder)
    return {(name, who): ring.subject_key(name, who) for name, who in keys}


@pytest.mark.parametrize("dataset", [None, "ct"], ids=["the master key", "a dataset's key"])
def test_a_rotation_wraps_every_key_anew_and_changes_no_subject_key(tmp_path: Path, dataset: str | None) -> None:
    keys, ring = _filled(tmp_path), KeyRing(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.key")}
    wrapped = ring.rotate_master() if dataset is None else ring.rotate_dataset(dataset)
    changed = {path.relative_to(tmp_path).as_posix() for path in before if path.read_bytes() != before[path]}
    inner = {f"ct/{who}.key" for who in SUBJECTS}
    assert changed == (
        {"master.key", "ct/dataset.key", "mr/dataset.key"} if dataset is None else {"ct/dataset.key"} | inner
    )
    assert wrapped == len(changed) - 1
    assert _opened(tmp_path, keys) == keys


def test_the_old_master_key_opens_nothing_after_a_rotation(tmp_path: Path) -> None:
    _filled(tmp_path)
    old = (tmp_path / "master.key").read_bytes()
    KeyRing(tmp_path).rotate_master()
    (tmp_path / "master.key").write_bytes(old)
    with pytest.raises(IntegrityError, match="does not open"):
        KeyRing(tmp_path).subject_key("ct", "P0001")


@pytest.mark.parametrize("dataset", [None, "ct"], ids=["the master key", "a dataset's key"])
@pytest.mark.parametrize("writes", range(5))
def test_a_crash_after_any_write_of_a_rotation_loses_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int, dataset: str | None
) -> None:
    keys, ring, left = _filled(tmp_path), KeyRing(tmp_path), [writes]

    def write_or_crash(file: Path, parts: Iterable[bytes]) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        write_whole(file, parts)

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr("workbench.vault.keys.write_whole", write_or_crash)
        patched.setattr(Path, "replace", _no_replace if writes == 4 else Path.replace)
        _ = ring.rotate_master() if dataset is None else ring.rotate_dataset(dataset)
    assert _opened(tmp_path, keys) == keys
    assert not list(tmp_path.rglob("*.next"))


def _no_replace(self: Path, target: Path) -> Path:
    if self.name.endswith(".next"):
        raise KeyboardInterrupt
    return Path(shutil.move(self, target))


def test_a_withdrawn_subject_stays_withdrawn_over_rotations(tmp_path: Path) -> None:
    _filled(tmp_path)
    ring = KeyRing(tmp_path)
    ring.destroy("ct", "P0001")
    ring.rotate_dataset("ct")
    ring.rotate_master()
    with pytest.raises(NotFound, match="withdrawn"):
        KeyRing(tmp_path).subject_key("ct", "P0001")


def test_a_dataset_the_vault_does_not_hold_cannot_be_rotated(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no key for nothing"):
        KeyRing(tmp_path).rotate_dataset("nothing")
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
