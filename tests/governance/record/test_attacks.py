"""Whatever is done to a log, by whom, with which keys, and whether its gateway was started since: it is named."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from attacks import ATTACKS, EVENTS, Rows, cut, edit, make_log, rewrite, sealer_of

from workbench.governance.record.audit import verify, verify_home
from workbench.governance.record.exporting import Exporter
from workbench.governance.record.sealing import Head
from workbench.governance.store import Store
from workbench.settings import Settings

Attack = Callable[[Rows], Rows]
every_attack = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give a home whose log of twelve events, and the event that says so, was exported."""
    found = Settings(tmp_path / "home", checkpoint_folder=str(tmp_path / "second-place"))
    make_log(found.home, found.checkpoints)
    return found


def verdicts(settings: Settings) -> list[dict[str, object]]:
    """Give the verdict from the files alone, then that of a store that was opened, written to and exported since."""
    found = [verify_home(settings)]
    store = Store(settings.store)
    exporter = Exporter(store, settings.checkpoints, period_s=3600)
    store.note("custodian", "session.open", "session-1")
    exporter.close()
    found.append(verify(store, settings.checkpoints))
    store.close()
    return [*found, verify_home(settings)]


def assert_named(settings: Settings, first_bad: int = 5) -> None:
    assert [(found["ok"], found["first_bad"]) for found in verdicts(settings)] == [(False, first_bad)] * 3


def test_an_untouched_log_verifies_against_what_was_exported(settings: Settings) -> None:
    assert [found["ok"] for found in verdicts(settings)] == [True] * 3
    assert verify_home(settings)["exported"] > EVENTS


@every_attack
def test_rows_changed_in_the_file(settings: Settings, attack: Attack) -> None:
    rewrite(settings.store, attack)
    assert_named(settings)


@every_attack
def test_rows_chained_again_with_the_homes_own_keys(settings: Settings, attack: Attack) -> None:
    rewrite(settings.store, attack, sealer_of(settings.store))
    assert_named(settings)


@every_attack
def test_rows_chained_again_with_other_keys_that_replace_the_homes(settings: Settings, attack: Attack) -> None:
    (settings.keys / "audit.key").unlink()
    rewrite(settings.store, attack, sealer_of(settings.store))
    assert_named(settings)


@every_attack
def test_rows_chained_again_and_the_keys_deleted(settings: Settings, attack: Attack) -> None:
    rewrite(settings.store, attack, sealer_of(settings.store, "other-keys"))
    (settings.keys / "audit.key").unlink()
    assert_named(settings)


@every_attack
def test_rows_changed_and_the_keys_deleted(settings: Settings, attack: Attack) -> None:
    rewrite(settings.store, attack)
    (settings.keys / "audit.key").unlink()
    assert_named(settings)


@every_attack
@pytest.mark.parametrize("keys", ["kept", "deleted"])
def test_rows_changed_before_anything_was_exported(tmp_path: Path, attack: Attack, keys: str) -> None:
    settings = Settings(tmp_path / "home", checkpoint_folder=str(tmp_path / "second-place"))
    rewrite(make_log(settings.home, None), attack)
    if keys == "deleted":
        (settings.keys / "audit.key").unlink()
    found = verify_home(settings)
    assert (found["ok"], found["first_bad"]) == (False, 5 if attack is not cut or keys == "kept" else 1)


def test_keys_deleted_and_nothing_else(settings: Settings) -> None:
    (settings.keys / "audit.key").unlink()
    found = verify_home(settings)
    assert (found["ok"], found["first_bad"]) == (False, EVENTS + 1)
    assert "key" in str(found["reason"])


def test_a_deleted_head(settings: Settings) -> None:
    (settings.home / "audit.head").unlink()
    assert_named(settings, EVENTS + 2)


def test_a_head_that_another_key_signed(settings: Settings) -> None:
    sealer_of(settings.store, "other-keys").write_head(Head(3, "00"))
    assert_named(settings, EVENTS + 2)


@pytest.mark.parametrize("name", ["checkpoint", "hashes", "key"])
def test_a_part_of_the_second_place_deleted(settings: Settings, name: str) -> None:
    for file in kept(settings).glob(f"{name}*"):
        file.unlink()
    assert verify_home(settings)["first_bad"] == EVENTS + 1


@pytest.mark.parametrize("name", ["checkpoint", "hashes", "key"])
def test_a_part_of_the_second_place_changed(settings: Settings, name: str) -> None:
    for file in kept(settings).glob(f"{name}*"):
        content = bytearray(file.read_bytes())
        content[3] ^= 1
        file.write_bytes(bytes(content))
    assert verify_home(settings)["first_bad"] == EVENTS + 1


def test_the_second_place_emptied(settings: Settings) -> None:
    shutil.rmtree(settings.checkpoints)
    found = verify_home(settings)
    assert (found["ok"], found["first_bad"]) == (False, EVENTS + 1)
    assert "exported" in str(found["reason"])


def test_hashes_changed_beside_the_log_do_not_hide_an_edit_by_the_owner_of_the_keys(settings: Settings) -> None:
    rewrite(settings.store, edit, sealer_of(settings.store))
    (kept(settings) / "hashes").write_bytes(bytes(32 * EVENTS))
    assert verify_home(settings)["first_bad"] == 1
    assert "root that was signed" in str(verify_home(settings)["reason"])


def test_a_store_file_that_is_no_database_any_more(settings: Settings) -> None:
    for file in settings.home.glob("store.sqlite*"):
        file.write_bytes(b"x" * 8192)
    found = verify_home(settings)
    assert (found["ok"], found["first_bad"]) == (False, 1)
    assert "damaged" in str(found["reason"])


def test_a_copy_of_a_home_goes_its_own_way(settings: Settings, tmp_path: Path) -> None:
    copy = Settings(tmp_path / "copy", checkpoint_folder=settings.checkpoint_folder)
    shutil.copytree(settings.home, copy.home)
    assert [found["ok"] for found in verdicts(copy)] == [True] * 3
    assert [found["ok"] for found in verdicts(settings)] == [True] * 3
    assert len(list(settings.checkpoints.iterdir())) == 2


def test_a_new_home_in_the_place_of_another_starts_clean(settings: Settings) -> None:
    shutil.rmtree(settings.home)
    make_log(settings.home, settings.checkpoints)
    assert verify_home(settings)["ok"]


def kept(settings: Settings) -> Path:
    (folder,) = settings.checkpoints.iterdir()
    return folder
