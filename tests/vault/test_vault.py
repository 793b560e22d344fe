"""The vault: any range comes back exactly, and whatever is done to the files is an error, never wrong bytes."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import Conflict, IntegrityError, InvalidInput, NotFound
from workbench.vault.vault import BLOCK_BYTES, MAGIC, STORED_BYTES, ObjectEntry, Vault

BIG = random.Random(7).randbytes(20 * BLOCK_BYTES + 123)  # noqa: S311 - test bytes, not a secret
EDGES = (0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 8 * BLOCK_BYTES, 8 * BLOCK_BYTES + 1)


def _file(tmp_path: Path, entry: ObjectEntry) -> Path:
    return tmp_path / "vault" / "ct" / entry.object[:2] / entry.object


@pytest.mark.parametrize("size", EDGES)
def test_bytes_come_back_whatever_their_size(vault: Vault, size: int) -> None:
    entry = vault.put("ct", "P0001", "scans/S0001/x", BIG[:size])
    assert vault.read("ct", entry) == BIG[:size]
    assert b"".join(vault.stream("ct", entry)) == BIG[:size]
    assert (entry.size, entry.subject, entry.path) == (size, "P0001", "scans/S0001/x")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Vault, ObjectEntry]:
    folder = tmp_path_factory.mktemp("ranges")
    vault = Vault(folder / "vault", folder / "keys")
    return vault, vault.put("ct", "P0001", "x", BIG)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(st.integers(0, len(BIG)), st.integers(0, len(BIG))).map(sorted))
def test_every_range_is_what_slicing_gives(stored: tuple[Vault, ObjectEntry], span: list[int]) -> None:
    vault, entry = stored
    start, stop = span
    assert vault.read("ct", entry, start, stop) == BIG[start:stop]
    buffer = bytearray(stop - start)
    vault.read_into("ct", entry, start, buffer)
    assert buffer == BIG[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (0, len(BIG) + 1), (len(BIG) + 1, None)])
def test_a_range_outside_the_object_is_refused(stored: tuple[Vault, ObjectEntry], start: int, stop: int | None) -> None:
    vault, entry = stored
    with pytest.raises(InvalidInput, match="do not lie within"):
        vault.read("ct", entry, start, stop)


def test_equal_bytes_of_a_subject_are_written_once(vault: Vault, tmp_path: Path) -> None:
    first = vault.put("ct", "P0001", "a", BIG)
    written = _file(tmp_path, first).stat().st_mtime_ns
    assert vault.put("ct", "P0001", "b", BIG).object == first.object
    assert _file(tmp_path, first).stat().st_mtime_ns == written


def test_equal_bytes_of_two_subjects_or_datasets_are_two_objects(vault: Vault) -> None:
    entries = [
        vault.put("ct", "P0001", "a", BIG),
        vault.put("ct", "P0002", "a", BIG),
        vault.put("mr", "P0001", "a", BIG),
    ]
    assert len({entry.object for entry in entries}) == 3
    assert len({entry.sha256 for entry in entries}) == 1


def test_nothing_readable_lies_on_the_disk(vault: Vault, tmp_path: Path) -> None:
    entry = vault.put("ct", "P0001", "a", b"a very recognisable sentence " * 100)
    stored = _file(tmp_path, entry).read_bytes()
    assert b"recognisable" not in stored
    assert entry.object != entry.sha256
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "vault").rglob("*"))


@pytest.mark.parametrize("place", [0, len(MAGIC), len(MAGIC) + 5 * STORED_BYTES + 77, -1])
def test_one_changed_bit_is_an_error(vault: Vault, tmp_path: Path, place: int) -> None:
    entry = vault.put("ct", "P0001", "a", BIG)
    stored = bytearray(_file(tmp_path, entry).read_bytes())
    stored[place] ^= 1
    _file(tmp_path, entry).write_bytes(stored)
    with pytest.raises(IntegrityError, match="not what was written"):
        vault.read("ct", entry)


def test_exchanged_blocks_are_an_error(vault: Vault, tmp_path: Path) -> None:
    entry = vault.put("ct", "P0001", "a", BIG)
    stored = _file(tmp_path, entry).read_bytes()
    head, first, second = stored[: len(MAGIC)], len(MAGIC), len(MAGIC) + STORED_BYTES
    swapped = head + stored[second : second + STORED_BYTES] + stored[first:second] + stored[second + STORED_BYTES :]
    _file(tmp_path, entry).write_bytes(swapped)
    with pytest.raises(IntegrityError):
        vault.read("ct", entry, 0, 10)


def test_a_block_of_another_object_is_an_error(vault: Vault, tmp_path: Path) -> None:
    mine, other = vault.put("ct", "P0001", "a", BIG), vault.put("ct", "P0001", "b", BIG[::-1])
    stored = bytearray(_file(tmp_path, mine).read_bytes())
    stored[len(MAGIC) : len(MAGIC) + STORED_BYTES] = _file(tmp_path, other).read_bytes()[len(MAGIC) :][:STORED_BYTES]
    _file(tmp_path, mine).write_bytes(stored)
    with pytest.raises(IntegrityError):
        vault.read("ct", mine, 0, 10)


@pytest.mark.parametrize("lost", [1, 16, 123 + 16, STORED_BYTES, 10 * STORED_BYTES])
def test_a_truncated_object_is_an_error_even_for_its_first_bytes(vault: Vault, tmp_path: Path, lost: int) -> None:
    entry = vault.put("ct", "P0001", "a", BIG)
    os.truncate(_file(tmp_path, entry), _file(tmp_path, entry).stat().st_size - lost)
    with pytest.raises(IntegrityError):
        vault.read("ct", entry, 0, 10)


def test_a_false_size_in_the_entry_is_an_error(vault: Vault) -> None:
    entry = vault.put("ct", "P0001", "a", BIG)
    with pytest.raises(IntegrityError):
        vault.read("ct", replace(entry, size=entry.size - 1), 0, 10)


def test_a_missing_object_is_an_error(vault: Vault, tmp_path: Path) -> None:
    entry = vault.put("ct", "P0001", "a", BIG)
    _file(tmp_path, entry).unlink()
    with pytest.raises(IntegrityError, match="missing"):
        vault.read("ct", entry)


def test_another_subjects_key_opens_nothing(vault: Vault) -> None:
    entry = vault.put("ct", "P0001", "a", BIG)
    vault.put("ct", "P0002", "b", b"x")
    with pytest.raises(IntegrityError):
        vault.read("ct", replace(entry, subject="P0002"))


def test_a_failed_read_into_leaves_no_unverified_byte(vault: Vault, tmp_path: Path) -> None:
    entry = vault.put("ct", "P0001", "a", BIG[:BLOCK_BYTES])
    stored = bytearray(_file(tmp_path, entry).read_bytes())
    stored[-1] ^= 1
    _file(tmp_path, entry).write_bytes(stored)
    buffer = bytearray(BLOCK_BYTES)
    with pytest.raises(IntegrityError):
        vault.read_into("ct", entry, 0, buffer)
    assert buffer == bytes(BLOCK_BYTES)


@pytest.mark.parametrize(
    "path", ["../x", "a/../b", "/etc/passwd", "a//b", "", ".", "..", "a/./b", "a\\b", "a\x00b", "a/" * 300, "-x", ".x"]
)
def test_a_path_that_leaves_its_folder_is_refused(vault: Vault, path: str) -> None:
    with pytest.raises(InvalidInput):
        vault.put("ct", "P0001", path, b"x")


@pytest.mark.parametrize("name", ["../ct", "a/b", "", "..", "CT", "ct\n", "_shared", "x" * 65])
def test_a_dataset_or_subject_that_leaves_its_folder_is_refused(vault: Vault, tmp_path: Path, name: str) -> None:
    entry = vault.put("ct", "P0001", "a", b"x")
    with pytest.raises(InvalidInput):
        vault.put(name, "P0001", "a", b"x")
    if name and name not in ("CT", "x" * 65):
        with pytest.raises(InvalidInput):
            vault.put("ct", name, "a", b"x")
    with pytest.raises(InvalidInput):
        vault.read("ct", replace(entry, object="../../keys/master.key"))


def test_an_object_appears_whole_or_not_at_all(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(descriptor: int) -> None:
        raise OSError("the disk is full")

    vault.put("ct", "P0001", "a", b"makes the keys")
    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="full"):
        vault.put("ct", "P0001", "b", BIG)
    assert len(list(vault.objects())) == 1
    assert not list((tmp_path / "vault").rglob("*.draft"))


def test_a_half_written_object_is_written_again(vault: Vault, tmp_path: Path) -> None:
    entry = vault.put("ct", "P0001", "a", BIG)
    os.truncate(_file(tmp_path, entry), 1000)
    assert vault.read("ct", vault.put("ct", "P0001", "a", BIG)) == BIG


def test_sweeping_removes_what_nobody_knows(vault: Vault, tmp_path: Path) -> None:
    kept, orphan = vault.put("ct", "P0001", "a", b"kept"), vault.put("ct", "P0001", "b", b"orphan")
    _file(tmp_path, kept).with_name("crashed.draft").write_bytes(b"half")
    assert vault.sweep({kept.object}) == 2
    assert vault.read("ct", kept) == b"kept"
    assert (("ct", orphan.object) in set(vault.objects()), len(list(vault.objects()))) == (False, 1)


def test_a_withdrawn_subject_is_unreadable_for_ever(vault: Vault, tmp_path: Path) -> None:
    gone, stays = vault.put("ct", "P0001", "a", BIG), vault.put("ct", "P0002", "b", BIG)
    vault.destroy_subject("ct", "P0001")
    for opened in (vault, Vault(tmp_path / "vault", tmp_path / "keys")):
        with pytest.raises(NotFound, match="withdrawn"):
            opened.read("ct", gone)
        with pytest.raises(Conflict, match="withdrawn"):
            opened.put("ct", "P0001", "a", BIG)
        assert opened.read("ct", stays) == BIG


def test_threads_read_and_write_side_by_side(vault: Vault) -> None:
    failures: list[int] = []

    def work(number: int) -> None:
        for turn in range(5):
            data = bytes([number, turn]) * (BLOCK_BYTES + number)
            entry = vault.put("ct", f"P000{number % 3}", f"{number}/{turn}", data)
            if vault.read("ct", entry, 5) != data[5:]:
                failures.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
