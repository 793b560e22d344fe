"""What is read of a submission, and what becomes of the submissions of an older home."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from submission_desk import SCHEMAS, Desk

from workbench.benchmark.submissions import leases, records
from workbench.errors import NotFound
from workbench.governance.store import Store

# The table as the release before wrote it.
OLD = """
CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, secret TEXT NOT NULL DEFAULT '',
  institution TEXT NOT NULL DEFAULT '', country TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO people (id, name, created) VALUES ('researcher', 'R', '2026-05-01T00:00:00Z');
CREATE TABLE submissions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, task_version TEXT NOT NULL,
  person TEXT REFERENCES people, kind TEXT NOT NULL CHECK (kind IN ('submission', 'baseline')),
  intent TEXT NOT NULL CHECK (intent IN ('scored', 'validation')), note TEXT NOT NULL, sha256 TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'scored', 'valid', 'failed')), code TEXT,
  message TEXT NOT NULL, scores TEXT, created TEXT NOT NULL, deadline TEXT NOT NULL, ended TEXT) STRICT;
CREATE INDEX submissions_of_task ON submissions (task, state);
"""
ROWS = [
    ("B1", "researcher", "submission", "scored", "first", "scored", None, '{"interval": null, "value": 0.5}', "E"),
    ("B2", None, "baseline", "scored", "blob filter alone", "scored", None, '{"value": 0.25}', "E"),
    ("B3", "researcher", "submission", "validation", "", "valid", None, None, "E"),
    ("B4", "researcher", "submission", "scored", "", "failed", "TIMEOUT", None, "E"),
    ("B5", "researcher", "submission", "scored", "", "running", None, None, None),
    ("B6", "researcher", "submission", "scored", "", "queued", None, None, None),
]


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Store]:
    """Give a store that an older release left, opened by this one."""
    path = tmp_path / "older" / "store.sqlite"
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript(OLD)
    db.executemany(
        "INSERT INTO submissions (id, person, kind, intent, note, state, code, scores, ended, task, task_version, "
        "sha256, message, created, deadline) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'lung-nodule-detection', 'v', 'd', 'm', 'C', 'D')",
        ROWS,
    )
    db.execute("PRAGMA user_version = 3")
    db.commit()
    db.close()
    store = Store(path, SCHEMAS)
    yield store
    store.close()


def test_an_older_home_keeps_what_was_sent(older: Store) -> None:
    rows = older.read().execute("SELECT id, number, kind, intent, state, code, split FROM submissions").fetchall()
    assert [tuple(row) for row in rows] == [
        ("B1", 1, "onnx", "scored", "scored", None, "public_test"),
        ("B3", 3, "onnx", "validation", "valid", None, ""),
        ("B4", 4, "onnx", "scored", "failed", "TIMEOUT", "public_test"),
        ("B5", 5, "onnx", "scored", "failed", "INTERNAL_ERROR", "public_test"),
        ("B6", 6, "onnx", "scored", "failed", "INTERNAL_ERROR", "public_test"),
    ]  # fmt: skip


def test_an_older_homes_scores_and_baselines_stay(older: Store) -> None:
    body = records.read(older, "B1", "researcher")
    assert (body["scores"], body["metric"], body["note"]) == ({"interval": None, "value": 0.5}, "froc_cpm:v1", "first")
    row = older.read().execute("SELECT * FROM baselines").fetchone()
    assert (row["name"], row["split"], row["scores"]) == ("blob filter alone", "public_test", '{"value": 0.25}')


def test_what_an_older_home_left_under_way_says_why_it_ended(older: Store) -> None:
    assert "submit it again" in records.find_row(older, "B5")["message"]
    assert leases.take_next(older) is None


def test_an_older_home_is_remade_once(older: Store) -> None:
    again = Store(older.path, SCHEMAS)
    assert again.read().execute("SELECT COUNT(*) FROM submissions").fetchone()[0] == 5
    left = again.read().execute("SELECT name FROM sqlite_master WHERE name LIKE '%of_3'").fetchall()
    assert [row["name"] for row in left] == []
    again.close()


def test_a_remade_table_is_the_new_one(older: Store, desk: Desk) -> None:
    def columns(store: Store) -> list[tuple[object, ...]]:
        return [tuple(row) for row in store.read().execute("PRAGMA table_info(submissions)").fetchall()]

    assert columns(older) == columns(desk.store)
    made = "SELECT name FROM sqlite_master WHERE tbl_name = 'submissions' AND sql IS NOT NULL ORDER BY name"
    assert [*map(tuple, older.read().execute(made))] == [*map(tuple, desk.store.read().execute(made))]


def test_another_persons_submission_looks_as_if_it_did_not_exist(desk: Desk) -> None:
    submission = desk.send()
    for person, name in (("teacher", submission), ("researcher", "B99")):
        with pytest.raises(NotFound, match="You have no submission"):
            records.read(desk.store, name, person)


def test_a_body_says_all_that_is_known(desk: Desk) -> None:
    body = records.read(desk.store, desk.send(note="first"), "researcher")
    assert {name: body[name] for name in ("submission", "task", "person", "kind", "intent", "note", "state")} == {
        "submission": "B1", "task": "lung-nodule-detection", "person": "researcher", "kind": "onnx",
        "intent": "scored", "note": "first", "state": "queued",
    }  # fmt: skip
    assert (body["attempts"], body["started"], body["ended"], body["metric"]) == (0, None, None, "froc_cpm:v1")


def test_each_change_has_a_number_of_its_own(desk: Desk) -> None:
    first, second = desk.send(), desk.send()
    submission, _ = desk.start()
    numbers = [records.find_row(desk.store, name)["changed"] for name in (second, first)]
    assert (submission, numbers) == (first, [2, 3])


def test_no_row_can_say_two_things(desk: Desk) -> None:
    submission = desk.send()
    for wrong in ("state = 'running'", "state = 'scored', ended = 'E'", "state = 'failed', ended = 'E'", "ended = 'E'"):
        with pytest.raises(sqlite3.IntegrityError), desk.store.change("a", "test.break", submission) as db:
            db.execute(f"UPDATE submissions SET {wrong} WHERE id = ?", (submission,))  # noqa: S608 - the test's own
