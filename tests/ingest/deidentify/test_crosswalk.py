"""The crosswalk gives sources back to who holds its key, survives kills and two writers, and shows nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from workbench.errors import IntegrityError, InvalidInput
from workbench.ingest.deidentify.crosswalk import Crosswalk, Source
from workbench.settings import Settings

PAIRS = [("patient", "MRN-5550199", "00ff"), ("study", "1.2.3", "2.25.1"), ("instance", "1.2.3.4", "2.25.2")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path)


def file_of(settings: Settings) -> Path:
    return settings.home / "crosswalk" / "trial.bin"


def test_a_pseudonym_leads_back_to_its_source(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS)
    assert Crosswalk(settings, "trial").find("2.25.1") == (Source("study", "1.2.3", "2.25.1"),)
    assert Crosswalk(settings, "trial").find("2.25.9") == ()


def test_another_project_does_not_know_it(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS)
    assert Crosswalk(settings, "other").find("2.25.1") == ()


def test_the_file_shows_no_source_and_belongs_to_its_owner(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS)
    content = file_of(settings).read_bytes()
    assert not any(part.encode() in content for pair in PAIRS for part in pair[1:])
    assert file_of(settings).stat().st_mode & 0o777 == 0o600
    assert (settings.keys / "crosswalk.key").stat().st_mode & 0o777 == 0o600


def test_what_is_known_is_not_written_again(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS)
    size = file_of(settings).stat().st_size
    Crosswalk(settings, "trial").note(PAIRS)
    assert file_of(settings).stat().st_size == size


def test_a_record_that_was_cut_short_is_dropped_and_written_over(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS[:2])
    whole = file_of(settings).stat().st_size
    Crosswalk(settings, "trial").note(PAIRS[2:])
    for kept in (1, 3, 4, 20, file_of(settings).stat().st_size - whole - 1):
        os.truncate(file_of(settings), whole + kept)
        again = Crosswalk(settings, "trial")
        assert again.find("2.25.2") == () and len(again.find("2.25.1")) == 1
        again.note(PAIRS[2:])
        assert len(Crosswalk(settings, "trial").find("2.25.2")) == 1


def test_a_power_failure_that_left_zeros_is_survived(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS[:2])
    os.truncate(file_of(settings), file_of(settings).stat().st_size + 300)
    Crosswalk(settings, "trial").note(PAIRS[2:])
    assert [len(Crosswalk(settings, "trial").find(pair[2])) for pair in PAIRS] == [1, 1, 1]


@pytest.mark.parametrize("at", [0, 10, 40, -1])
def test_a_changed_record_is_never_read_nor_written_over(settings: Settings, at: int) -> None:
    Crosswalk(settings, "trial").note(PAIRS[:2])
    Crosswalk(settings, "trial").note(PAIRS[2:])
    content = bytearray(file_of(settings).read_bytes())
    content[at] ^= 1
    file_of(settings).write_bytes(content)
    with pytest.raises(IntegrityError):
        Crosswalk(settings, "trial").find("2.25.1")
    with pytest.raises(IntegrityError):
        Crosswalk(settings, "trial").note([("study", "9", "8")])
    assert file_of(settings).read_bytes() == content


def test_another_key_is_an_error_and_loses_nothing(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS)
    before = file_of(settings).read_bytes()
    (settings.keys / "crosswalk.key").write_text("ab" * 32)
    with pytest.raises(IntegrityError, match="another crosswalk.key"):
        Crosswalk(settings, "trial").note([("study", "9", "8")])
    assert file_of(settings).read_bytes() == before


def test_a_file_of_another_project_does_not_open(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS)
    file_of(settings).rename(settings.home / "crosswalk" / "other.bin")
    with pytest.raises(IntegrityError):
        Crosswalk(settings, "other").find("2.25.1")


def _write_many(home: Path, name: str) -> None:
    crosswalk = Crosswalk(Settings(home), "trial")
    for number in range(15):
        crosswalk.note([("instance", f"{name}.{number}", f"2.25.{name}.{number}")])


def test_two_processes_write_at_once_and_lose_nothing(settings: Settings) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(settings.home, name)) for name in "12"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    found = Crosswalk(settings, "trial")
    assert all(len(found.find(f"2.25.{name}.{number}")) == 1 for name in "12" for number in (0, 7, 14))


def _write_for_ever(home: Path) -> None:
    crosswalk = Crosswalk(Settings(home), "trial")
    number = 0
    while True:
        number += 1
        crosswalk.note([("instance", "9" * 5000 + str(number), f"2.25.{number}")])


def test_a_kill_loses_nothing_that_was_noted_before(settings: Settings) -> None:
    Crosswalk(settings, "trial").note(PAIRS)
    writer = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(settings.home,))
    writer.start()
    assert writer.pid is not None
    writer.join(0.3)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(10)
    Crosswalk(settings, "trial").note([("study", "after", "2.25.0")])
    again = Crosswalk(settings, "trial")
    assert [len(again.find(pseudonym)) for pseudonym in ("00ff", "2.25.1", "2.25.0")][::2] == [1, 1]


def test_a_question_is_noted_and_is_no_source(settings: Settings) -> None:
    crosswalk = Crosswalk(settings, "trial")
    for _ in range(2):
        crosswalk.note_question("2.25.1", "custodian")
    assert [one.source.split()[0] for one in crosswalk.questions()] == ["custodian", "custodian"]
    assert crosswalk.find("2.25.1") == ()


@pytest.mark.parametrize("name", ["", "../x", "Trial", "a" * 65, "ä", "a/b"])
def test_a_project_name_that_is_a_path_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name a project"):
        Crosswalk(settings, name)
