"""The one governance store: every change is one transaction that also holds its audit event.

There is no other way to write. `Store.read()` gives connections that SQLite itself opened read-only, and the only
writing connection is reached through `Store.change()`, which asks who does what to which thing before it begins.
Events that change nothing else are noted; those of many threads share one transaction.

Runs in: gateway
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import Conflict, IntegrityError
from workbench.governance.canonical import stamp
from workbench.governance.record.batches import Batches, Rows
from workbench.governance.record.chain import HEAD_LOST, KEY_LOST, NO_HEAD, Event, append, newest
from workbench.governance.record.checkpoints import LogTree
from workbench.governance.record.sealing import HEAD_FILE, Sealer
from workbench.governance.schema import MIGRATIONS, SCHEMA, VERSION

# Inside a change nobody may end the transaction, open another file, change settings or touch the log itself.
_FORBIDDEN = {sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_PRAGMA}
_WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
BUSY_TIMEOUT_S = 30.0


class _Reader(sqlite3.Connection):
    """A read-only connection that closes with the thread that used it."""

    def __del__(self) -> None:
        self.close()


class Change:
    """The open transaction of one change; `details` may be added to until the block ends."""

    def __init__(self, db: sqlite3.Connection, details: dict[str, Any]) -> None:
        self._db: sqlite3.Connection | None = db
        self.details = details

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement inside the transaction."""
        return self._open().execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Run one statement for many rows inside the transaction."""
        return self._open().executemany(sql, rows)

    def next_id(self, table: str, prefix: str) -> str:
        """Give the next short id, such as `R7`, of a table with a column `number`."""
        row = self.execute(f"SELECT COALESCE(MAX(number), 0) + 1 FROM {table}").fetchone()  # noqa: S608 - own names
        return f"{prefix}{row[0]}"

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise ValueError("This change is over; open another with store.change(…).")
        return self._db

    def _end(self) -> None:
        self._db = None


class Store:
    """The people, catalogue, requests, grants and audit log of one home.

    Parameters
    ----------
    path : Path
        The SQLite file; `keys/audit.key` and `audit.head` lie beside it.
    schemas : sequence of str, default ()
        `CREATE TABLE IF NOT EXISTS …` texts of the other rooms.
    clock : callable, optional
        Gives the present moment, with its time zone.

    Raises
    ------
    Conflict
        When a newer release wrote the store.
    """

    def __init__(self, path: Path, schemas: Sequence[str] = (), *, clock: Callable[[], datetime] | None = None) -> None:
        self.path = path
        self._clock = clock or (lambda: datetime.now(UTC))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.sealer = Sealer(path.parent / "keys", path.parent / HEAD_FILE)
        self.tree = LogTree(self.sealer, self.sealer.name_of(path.parent))
        self._lock = threading.RLock()
        self._batches = Batches(self._lock, self._write)
        self._inside = False
        self._changing: int | None = None
        # How many changes this store has committed: what was read from its tables holds while this number stands.
        self.generation = 0
        self._readers = threading.local()
        # No statement cache: SQLite asks the authoriser when it compiles, and not about cached ones.
        self._writer = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=0
        )
        self._writer.row_factory = sqlite3.Row
        self._prepare(schemas)
        self._writer.set_authorizer(self._authorise)
        self._find_head()

    def now(self) -> datetime:
        """Give the present moment, with its time zone."""
        return self._clock()

    @contextmanager
    def change(
        self, actor: str, action: str, resource: str, *, reason: str = "", outcome: str = "done", **details: Any
    ) -> Iterator[Change]:
        """Have one transaction, which ends with its audit event or not at all.

        Parameters
        ----------
        actor, action, resource : str
            Who does what (such as ``request.submit``) to which thing; none may be empty.
        reason, outcome : str
            Kept with the event; the outcome is ``done``, ``allowed`` or ``denied``.
        **details
            JSON values kept with the event; never a patient identifier or a token.
        """
        event = Event(actor, action, resource, outcome, reason, details)
        with self._lock:
            if self._changing:
                raise ValueError("A change cannot be opened inside another; put both into one.")
            change = Change(self._writer, event.details)
            self._writer.execute("BEGIN IMMEDIATE")
            self._inside, self._changing = True, threading.get_ident()
            try:
                yield change
                self._inside = False
                head = append(self._writer, [event.row()], self.sealer, self._time())
                self._writer.execute("COMMIT")
                self.generation += 1
            except BaseException:
                self._inside = False
                self._writer.execute("ROLLBACK")
                raise
            finally:
                self._changing = None
                change._end()
            self.sealer.write_head(head)

    def note(
        self, actor: str, action: str, resource: str, *, outcome: str = "allowed", reason: str = "", **details: Any
    ) -> None:
        """Record something that changes no table, such as a denial or a look."""
        self.note_many([Event(actor, action, resource, outcome, reason, details)])

    def note_many(self, events: Sequence[Event]) -> None:
        """Record many events with one commit; they are on the disk when this returns.

        Events of other threads may share the commit, so many threads together are far faster than one.
        """
        if self._changing == threading.get_ident():
            raise ValueError("A change is open; add to its details instead of noting inside it.")
        # What is wrong with an event fails here, before it could fail a batch that others share.
        rows = [event.row() for event in events]
        if rows:
            self._batches.add(rows)

    def _write(self, rows: Rows) -> None:
        """Append events in a transaction of their own; the caller holds the lock."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            head = append(self._writer, rows, self.sealer, self._time())
            self._writer.execute("COMMIT")
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        self.sealer.write_head(head)

    def read(self) -> sqlite3.Connection:
        """Give this thread's read-only connection; rows are read by column name."""
        reader: sqlite3.Connection | None = getattr(self._readers, "db", None)
        if reader is None:
            reader = self._readers.db = open_to_read(self.path)
        return reader

    def close(self) -> None:
        """Close the writer and this thread's reader."""
        with self._lock:
            self._writer.close()
        reader = getattr(self._readers, "db", None)
        if reader is not None:
            reader.close()
            del self._readers.db

    def _time(self) -> str:
        return self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _prepare(self, schemas: Sequence[str]) -> None:
        found = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise Conflict(f"A newer release wrote this home (store {found}, this one reads {VERSION}); update first.")
        self._writer.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk when it returns, which is what "the decision before the bytes" needs.
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute("PRAGMA foreign_keys = ON")
        for older in range(found or VERSION, VERSION):
            # With its number in the same transaction, or a crash between them would add the columns twice.
            self._writer.executescript(f"BEGIN;{MIGRATIONS[older]}PRAGMA user_version = {older + 1};COMMIT;")
        for script in (SCHEMA, *schemas):
            self._writer.executescript(script)
        self._writer.execute(f"PRAGMA user_version = {VERSION}")

    def _find_head(self) -> None:
        """Take up the signed head; a log that lost it, or its key, says so in an event that stays."""
        problem = NO_HEAD
        try:
            if self.sealer.read_head() is not None:
                return
        except IntegrityError as forged:
            problem = KEY_LOST if self.sealer.is_new else forged.message
        is_new = newest(self._writer).seq == 0 and self._writer.execute("SELECT 1 FROM people").fetchone() is None
        if problem != NO_HEAD or not is_new:
            self.note("system", HEAD_LOST, "audit", outcome="found", reason=problem)

    def _authorise(self, action: int, first: str | None, *_: str | None) -> int:
        if self._inside and (action in _FORBIDDEN or (action in _WRITES and first == "audit")):
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


def open_to_read(path: Path) -> sqlite3.Connection:
    """Give a connection to a store file that cannot write, with rows by column name; the file is made by nobody here.

    Raises
    ------
    sqlite3.DatabaseError
        When there is no such file, or it is no store.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    reader = sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, factory=_Reader
    )
    reader.row_factory = sqlite3.Row
    reader.execute("PRAGMA query_only = ON")
    return reader


def stamped(store: Store) -> str:
    """Give the present moment as the text that tables hold."""
    return stamp(store.now())
