"""The store: one transaction per change, its event inside, and no other way to write."""

from __future__ import annotations

import ast
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import workbench
from workbench.errors import Conflict
from workbench.governance.record.audit import list_events, verify
from workbench.governance.store import Store

PURPOSE = "INSERT INTO purposes (id, label) VALUES (?, ?)"
PACKAGE = Path(workbench.__file__).parent


def _count(store: Store, table: str) -> int:
    return int(store.read().execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608 - a table of ours


def test_a_change_and_its_event_come_together(store: Store) -> None:
    before = _count(store, "audit")
    with store.change("custodian", "purpose.add", "new", note="board of May") as db:
        db.execute(PURPOSE, ("new", "new purpose"))
        db.details["also"] = 1
    event = list_events(store)[-1]
    assert _count(store, "audit") == before + 1
    assert (event["actor"], event["action"], event["details"]) == (
        "custodian", "purpose.add", {"also": 1, "note": "board of May"},
    )  # fmt: skip


def test_a_change_that_fails_leaves_neither_row_nor_event(store: Store) -> None:
    before = (_count(store, "purposes"), _count(store, "audit"))
    with pytest.raises(ZeroDivisionError), store.change("custodian", "purpose.add", "new") as db:
        db.execute(PURPOSE, ("new", "new purpose"))
        raise ZeroDivisionError
    assert (_count(store, "purposes"), _count(store, "audit")) == before
    assert verify(store)["ok"]


def test_a_change_whose_event_cannot_be_written_is_undone(store: Store) -> None:
    with pytest.raises(TypeError), store.change("custodian", "purpose.add", "new") as db:
        db.execute(PURPOSE, ("new", "new purpose"))
        db.details["what"] = object()
    assert store.read().execute("SELECT 1 FROM purposes WHERE id = 'new'").fetchone() is None


def test_a_crash_in_the_middle_of_a_change_leaves_neither_row_nor_event(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    code = (
        "import os, sys; from pathlib import Path; from workbench.governance.store import Store\n"
        "store = Store(Path(sys.argv[1])); store.note('a', 'home.seed', 'home')\n"
        "with store.change('a', 'purpose.add', 'new') as db:\n"
        f"    db.execute({PURPOSE!r}, ('new', 'new purpose')); os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], env=os.environ).returncode == 9
    store = Store(path)
    assert (_count(store, "purposes"), _count(store, "audit"), verify(store)["ok"]) == (0, 1, True)
    store.close()


@pytest.mark.parametrize(
    ("actor", "action", "resource"), [("", "a.b", "c"), ("a", " ", "c"), ("a", "a.b", ""), (None, "a", "b")]
)
def test_a_change_without_actor_action_or_resource_is_impossible(
    store: Store, actor: str, action: str, resource: str
) -> None:
    with pytest.raises(ValueError, match="audit event needs"), store.change(actor, action, resource):
        pytest.fail("the block must not run")
    with pytest.raises(ValueError, match="audit event needs"):
        store.note(actor, action, resource)


@pytest.mark.parametrize(
    "sql", ["DELETE FROM people", "UPDATE grants SET ends = '9'", "DROP TABLE audit", "PRAGMA user_version = 7"]
)
def test_a_reading_connection_writes_nothing(store: Store, sql: str) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.read().execute(sql)


@pytest.mark.parametrize(
    "sql",
    ["COMMIT", "ROLLBACK", "SAVEPOINT s", "DELETE FROM audit", "UPDATE audit SET actor = 'b'",
     "PRAGMA foreign_keys = OFF", "ATTACH ':memory:' AS m",
     "INSERT INTO audit SELECT 99, time, 'b', action, '', '', '', '', '', '', '' FROM audit"],
)  # fmt: skip
def test_a_change_can_neither_end_its_transaction_nor_touch_the_log(store: Store, sql: str) -> None:
    with (
        pytest.raises(sqlite3.DatabaseError, match="not authorized"),
        store.change("custodian", "purpose.add", "new") as db,
    ):
        db.execute(PURPOSE, ("new", "new purpose"))
        db.execute(sql)
    assert store.read().execute("SELECT 1 FROM purposes WHERE id = 'new'").fetchone() is None
    assert verify(store)["ok"]


def test_a_change_is_useless_after_its_block(store: Store) -> None:
    with store.change("custodian", "purpose.add", "new") as db:
        pass
    with pytest.raises(ValueError, match="over"):
        db.execute(PURPOSE, ("late", "late"))


def test_a_change_inside_a_change_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="inside another"), store.change("a", "b.c", "d"):
        with store.change("a", "b.c", "e"):
            pass
    store.note("a", "b.c", "d")
    assert verify(store)["ok"]


def test_writers_in_many_threads_lose_nothing(store: Store) -> None:
    before = _count(store, "audit")

    def write(writer: int) -> None:
        for n in range(20):
            with store.change(f"writer-{writer}", "purpose.add", f"{n}") as db:
                db.execute(PURPOSE, (f"{writer}-{n}", f"{writer} {n}"))
            assert store.read().execute("SELECT 1 FROM purposes WHERE id = ?", (f"{writer}-{n}",)).fetchone()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(store, "audit") == before + 120
    assert verify(store)["ok"]


def test_two_stores_of_one_home_keep_one_chain(store: Store) -> None:
    other = Store(store.path)
    for turn in range(5):
        (store, other)[turn % 2].note("a", "b.c", str(turn))
    assert verify(store)["ok"]
    other.close()


def test_a_store_of_a_newer_release_is_not_opened(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "store.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Conflict, match="newer release"):
        Store(tmp_path / "store.sqlite")


def test_tables_of_other_rooms_are_made_once_and_kept(tmp_path: Path) -> None:
    schema = "CREATE TABLE IF NOT EXISTS cohorts (id TEXT PRIMARY KEY) STRICT;"
    for _ in range(2):
        store = Store(tmp_path / "store.sqlite", (schema,))
        assert _count(store, "cohorts") == 0
        store.close()


def test_only_the_store_opens_a_database_for_writing() -> None:
    strangers = []
    for path in PACKAGE.rglob("*.py"):
        if path == PACKAGE / "governance" / "store.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            opens = isinstance(node, ast.Call) and ast.unparse(node.func) == "sqlite3.connect"
            opens = opens and "?mode=ro" not in ast.unparse(node)  # such a line cannot write, whatever file it reads
            if opens or (isinstance(node, ast.Attribute) and node.attr == "_writer"):
                strangers.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert strangers == [], "every write to the store goes through Store.change(actor, action, resource)"
