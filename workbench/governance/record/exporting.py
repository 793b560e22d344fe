"""The second place: signed checkpoints and the hashes they cover, kept where the store and its keys do not lie.

Whoever owns the home with its keys can write a log that verifies in itself. What was exported before still tells:
32 bytes per event, and a signed note over them, at every minute of activity and when the gateway stops.

Runs in: gateway, terminal
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import IntegrityError, WorkbenchError
from workbench.governance.canonical import stamp
from workbench.governance.record.checkpoints import Checkpoint, read_checkpoint, read_key
from workbench.governance.record.merkle import HASH_BYTES, Frontier

if TYPE_CHECKING:
    from workbench.governance.store import Store

# The event that says what was exported, so that a second place that was emptied is missed.
EXPORTED = "audit.checkpoint"
NEWEST, HASHES, KEY, PLACE = "checkpoint", "hashes", "key", "place"
PERIOD_S, FIRST_S = 60.0, 1.0

log = logging.getLogger("workbench.gateway")


@dataclass(frozen=True)
class Witness:
    """What a second place holds of one log: its hashes, its signed checkpoints by size, and what is wrong with them."""

    name: str
    key: str = ""
    hashes: bytes = b""
    checkpoints: tuple[Checkpoint, ...] = ()
    problem: str = ""

    @property
    def size(self) -> int:
        """How many events the newest checkpoint covers."""
        return self.checkpoints[-1].size if self.checkpoints else 0

    @property
    def kept(self) -> int:
        """How many events it can be asked about."""
        return min(self.size, len(self.hashes) // HASH_BYTES)

    def hash_of(self, seq: int) -> str:
        """Give the hash of an event as it was exported."""
        return self.hashes[(seq - 1) * HASH_BYTES : seq * HASH_BYTES].hex()


def place_of(home: Path) -> str:
    """Give what says that a log was kept for the home at this place, without naming the place."""
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()


def read_witness(folder: Path) -> Witness:
    """Read what a second place holds of one log."""
    try:
        key = read_key(folder / KEY)
        notes = {read_checkpoint(file.read_text(), key) for file in folder.glob(f"{NEWEST}*") if not file.suffix}
        # Hashes are written before the note that covers them, so they are read after it.
        hashes = (folder / HASHES).read_bytes()
    except (OSError, UnicodeDecodeError):
        return Witness(folder.name, problem="The exported checkpoints of the log are missing or cannot be read.")
    except WorkbenchError as error:
        return Witness(folder.name, problem=f"The exported checkpoints of the log were changed. {error.message}")
    checkpoints = tuple(sorted(notes, key=lambda note: note.size))
    return Witness(folder.name, key, hashes, checkpoints, _problem(hashes, checkpoints))


def find_witnesses(root: Path, home: Path, first_hash: str) -> list[str]:
    """Name the logs that were kept for the home at this place and that began with the same event."""
    found = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        try:
            is_here = (folder / PLACE).read_text() == place_of(home)
            with (folder / HASHES).open("rb") as hashes:
                if is_here and hashes.read(HASH_BYTES).hex() == first_hash:
                    found.append(folder.name)
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _problem(hashes: bytes, checkpoints: tuple[Checkpoint, ...]) -> str:
    tree = Frontier()
    for checkpoint in checkpoints:
        if len(hashes) < checkpoint.size * HASH_BYTES:
            return f"The exported hashes were cut: a checkpoint covers {checkpoint.size} events."
        for at in range(tree.size * HASH_BYTES, checkpoint.size * HASH_BYTES, HASH_BYTES):
            tree.add(hashes[at : at + HASH_BYTES])
        if tree.root() != checkpoint.root:
            return f"The exported hashes were changed: they do not give the root signed for {checkpoint.size} events."
    return "" if checkpoints else "The exported checkpoints of the log are missing."


class Exporter:
    """Exports a checkpoint soon after the start when one is due, after each period with new events, and at the end.

    Parameters
    ----------
    store : Store
        The store whose log it is.
    root : Path
        The second place; the log has a folder of its own in it.
    period_s : float, default 60
        How often to look, seconds.
    """

    def __init__(self, store: Store, root: Path, *, period_s: float = PERIOD_S) -> None:
        self._store, self._folder = store, root / store.tree.name
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._failed, self._is_resumed = "", False
        self._thread = threading.Thread(target=self._run, args=(period_s,), name="checkpoints", daemon=True)
        self._thread.start()

    def export(self) -> None:
        """Export a checkpoint, unless nothing happened since the last one; what stops it is noted in the log."""
        with self._lock:
            try:
                self._export()
                self._failed = ""
            except (OSError, WorkbenchError, sqlite3.Error) as error:
                # The path in an OSError's text is nobody's business.
                self._fail(error.message if isinstance(error, WorkbenchError) else f"{type(error).__name__}.")

    def close(self) -> None:
        """Stop the clock and export what is left."""
        self._stop.set()
        self._thread.join()
        self.export()

    def _run(self, period_s: float) -> None:
        # A gateway that starts has better things to do in its first second.
        wait_s = min(FIRST_S, period_s)
        while not self._stop.wait(wait_s):
            self.export()
            wait_s = period_s

    def _export(self) -> None:
        db, tree = self._store.read(), self._store.tree
        last = db.execute("SELECT * FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        if last is None or self._is_of_all_before(last):
            return
        if not self._is_resumed:
            known = read_witness(self._folder)
            if not known.problem:
                tree.resume(known.checkpoints[-1], known.hashes)
            self._is_resumed = True
        checkpoint = tree.checkpoint(db, stamp(self._store.now()))
        self._write(db, checkpoint)
        size, root = checkpoint.size, checkpoint.root.hex()
        self._store.note("system", EXPORTED, tree.name, outcome="done", size=size, root=root)

    def _is_of_all_before(self, event: sqlite3.Row) -> bool:
        """Whether an event says that all before it was exported; others may have happened between the two."""
        is_export = tuple(event[name] for name in ("action", "resource", "outcome")) == (
            EXPORTED, self._store.tree.name, "done",
        )  # fmt: skip
        return is_export and json.loads(event["details"])["size"] == event["seq"] - 1

    def _write(self, db: sqlite3.Connection, checkpoint: Checkpoint) -> None:
        folder = self._folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in ((KEY, checkpoint.key), (PLACE, place_of(self._store.path.parent))):
            file = folder / name
            if not file.exists():
                file.write_text(text)
            elif file.read_text() != text:
                raise IntegrityError("Another log was exported under this name; move that folder away and look why.")
        with (folder / HASHES).open("ab") as hashes:
            have = hashes.tell() // HASH_BYTES
            # A crash may have left half a hash at the end.
            hashes.truncate(have * HASH_BYTES)
            _check_end(db, have, folder / HASHES, checkpoint)
            rows = db.execute("SELECT hash FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq", (have, checkpoint.size))
            hashes.write(b"".join(bytes.fromhex(row["hash"]) for row in rows))
            hashes.flush()
            os.fsync(hashes.fileno())
        # One note a day is kept, so that a year of them is no burden.
        for name in (NEWEST, f"{NEWEST}-{checkpoint.time[:10]}"):
            _replace(folder / name, checkpoint.note)

    def _fail(self, reason: str) -> None:
        if reason == self._failed:
            return
        self._failed = reason
        log.warning("No checkpoint of the audit log was exported: %s", reason)
        try:
            self._store.note("system", EXPORTED, self._store.tree.name, outcome="failed", reason=reason)
        except sqlite3.Error:
            log.exception("The failed export could not be noted.")


def _check_end(db: sqlite3.Connection, have: int, file: Path, checkpoint: Checkpoint) -> None:
    """Refuse to go on after hashes that are not this log's: what was exported is never overwritten."""
    if not have:
        return
    row = db.execute("SELECT hash FROM audit WHERE seq = ?", (have,)).fetchone()
    with file.open("rb") as hashes:
        hashes.seek((have - 1) * HASH_BYTES)
        is_ours = row is not None and hashes.read(HASH_BYTES).hex() == row["hash"]
    if not is_ours or have > checkpoint.size:
        raise IntegrityError(f"The log no longer holds the {have} events that were exported; see `audit verify`.")


def _replace(file: Path, text: str) -> None:
    draft = file.with_suffix(".draft")
    with draft.open("w") as output:
        output.write(text)
        output.flush()
        os.fsync(output.fileno())
    draft.replace(file)
