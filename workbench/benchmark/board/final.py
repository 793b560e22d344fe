"""The final split: opened once per task version, on two people's word, for one submission of each participant.

The custodian of the hidden data proposes it, which ends scored submissions to that version; participants may then still
choose which of theirs is to count. A second person opens it. What is to run is fixed in that transaction, and `advance`
queues whatever of it has no run yet, so a crash at any moment loses and repeats nothing: the store allows one run for
each submission that is waiting, running or scored.

Runs in: gateway
"""

from __future__ import annotations

import sqlite3
from typing import Any

from workbench.benchmark.board.ladder import answers
from workbench.benchmark.submissions.records import find_row, keep_version, pins
from workbench.benchmark.submissions.taking import again
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.store import Change, Store, stamped

SCHEMA = """
CREATE TABLE IF NOT EXISTS finals (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, task_version TEXT NOT NULL,
  dataset TEXT NOT NULL, person TEXT NOT NULL REFERENCES people, reason TEXT NOT NULL, proposed TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('proposed', 'opened', 'dropped')),
  decided_by TEXT REFERENCES people, decided TEXT,
  CHECK ((state = 'proposed') = (decided_by IS NULL)), CHECK (state <> 'opened' OR decided_by <> person)) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_final ON finals (task_version) WHERE state <> 'dropped';
CREATE TABLE IF NOT EXISTS final_choices (
  task_version TEXT NOT NULL, person TEXT NOT NULL REFERENCES people, submission TEXT NOT NULL, chosen TEXT NOT NULL,
  PRIMARY KEY (task_version, person)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS final_entries (
  final TEXT NOT NULL REFERENCES finals (id), person TEXT NOT NULL REFERENCES people, submission TEXT NOT NULL UNIQUE,
  PRIMARY KEY (final, person)) STRICT, WITHOUT ROWID;
"""

MAX_REASON = 400
# The house's own failures; whatever else ends a final run is the submission's, and stands.
OURS = "INTERNAL_ERROR"
NOTHING = "none"


def propose(store: Store, person: str, task: TaskDefinition, reason: str = "") -> dict[str, Any]:
    """Propose to open the final test of the task's present version; it takes no more scored submissions from now on.

    Raises
    ------
    Conflict
        When there is a proposal already, it was opened, or nobody has a score that could be tested.
    """
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise InvalidInput(f"The reason must be one line of at most {MAX_REASON} characters.")
    version = task.version(pins(store, task))
    if not participants(store, version):
        raise Conflict(f"Nobody has a scored submission to this version of {task.id}; there is nothing to test.")
    with store.change(person, "final.propose", task.id, reason=reason, version=version) as db:
        keep_version(db, store, task, pins(store, task))
        final = db.next_id("finals", "F")
        try:
            db.execute(
                "INSERT INTO finals (id, task, task_version, dataset, person, reason, proposed, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'proposed')",
                (final, task.id, version, task.splits["final_test"].dataset, person, reason.strip(), stamped(store)),
            )
        except sqlite3.IntegrityError:
            raise Conflict(
                f"The final test of this version of {task.id} was proposed already; `workbench final {task.id}` says "
                "how it stands.", code="final-proposed",
            ) from None  # fmt: skip
        db.execute("UPDATE task_versions SET closed = ? WHERE version = ?", (stamped(store), version))
        db.details["final"] = final
    return read(store, version)


def drop(store: Store, person: str, final: str) -> dict[str, Any]:
    """Take a proposal back: the version takes scored submissions again.

    Raises
    ------
    Conflict
        When it was opened, which cannot be undone.
    """
    row = find_final(store, final)
    with store.change(person, "final.drop", row["task"], final=final) as db:
        _decide(db, store, row, "dropped", person)
        db.execute("UPDATE task_versions SET closed = NULL WHERE version = ?", (row["task_version"],))
    return read(store, row["task_version"])


def choose(store: Store, person: str, submission: str) -> dict[str, Any]:
    """Choose which of one's scored submissions is to be tested; without a choice it is the one on the board.

    Raises
    ------
    NotFound
        When it is not theirs.
    Conflict
        When it has no score, or the final test was opened.
    """
    row = find_row(store, submission, person)
    if row["state"] != "scored" or row["intent"] != "scored":
        raise Conflict(f"{submission} is {row['state']} ({row['intent']}); choose one that was scored.")
    with store.change(person, "final.choose", submission) as db:
        opened = db.execute(
            "SELECT 1 FROM finals WHERE task_version = ? AND state = 'opened'", (row["task_version"],)
        ).fetchone()  # fmt: skip
        if opened is not None:
            raise Conflict("The final test was opened already, with what was chosen then.", code="final-opened")
        db.execute(
            "INSERT INTO final_choices (task_version, person, submission, chosen) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (task_version, person) "
            "DO UPDATE SET submission = excluded.submission, chosen = excluded.chosen",
            (row["task_version"], person, submission, stamped(store)),
        )
    return {"task": row["task"], "task_version": row["task_version"], "person": person, "submission": submission}


def open_final(store: Store, person: str, final: str) -> dict[str, Any]:
    """Open the final test: fix what of each participant is tested, and queue it. This happens once.

    Raises
    ------
    Conflict
        When it was decided already, or scored submissions to this version are still under way.
    """
    row = find_final(store, final)
    with store.change(person, "final.open", row["task"], final=final, proposed_by=row["person"]) as db:
        # Nothing else is written while this change is open, so what is read here is what is fixed.
        chosen = chosen_of(store, row["task_version"])
        waiting = db.execute(
            "SELECT COUNT(*) FROM submissions WHERE task_version = ? AND intent = 'scored' "
            "AND state IN ('queued', 'running')", (row["task_version"],),
        ).fetchone()[0]  # fmt: skip
        if waiting:
            raise Conflict(
                f"{waiting} scored submissions to this version are still under way, and no more can come; open the "
                "final test when they have ended.", code="still-scoring",
            )  # fmt: skip
        _decide(db, store, row, "opened", person)
        db.executemany(
            "INSERT INTO final_entries (final, person, submission) VALUES (?, ?, ?)",
            [(final, who, submission) for who, submission in chosen.items()],
        )
        db.details.update(version=row["task_version"], submissions=sorted(chosen.values()))
    advance(store)
    return read(store, row["task_version"])


def advance(store: Store) -> int:
    """Queue the final runs of opened tests that have none yet, and give how many; also after a crash."""
    left = store.read().execute(
        "SELECT final_entries.submission, decided_by FROM final_entries JOIN finals ON finals.id = final "
        "WHERE NOT EXISTS "
        "(SELECT 1 FROM submissions WHERE origin = final_entries.submission AND intent = 'final')"
    ).fetchall()  # fmt: skip
    return sum(_queued(store, row["submission"], row["decided_by"]) for row in left)


def retry(store: Store, person: str, task_version: str) -> int:
    """Queue again what failed because of the house, not of the submission; give how many."""
    return sum(_queued(store, run["submission"], person) for run in runs(store, task_version) if run["code"] == OURS)


def read(store: Store, task_version: str) -> dict[str, Any]:
    """Say how the final test of a task version stands.

    Returns
    -------
    dict
        `state`: ``none``, ``proposed``, ``running`` (until all runs have ended), ``stopped`` (the house failed some,
        `retry` goes on) or ``done``; who proposed and opened it; `chosen`: person to submission; counts of runs.
    """
    row = store.read().execute(
        "SELECT * FROM finals WHERE task_version = ? AND state <> 'dropped'", (task_version,)
    ).fetchone()  # fmt: skip
    if row is None:
        return {"state": NOTHING, "task_version": task_version, "chosen": chosen_of(store, task_version)}
    found = runs(store, task_version)
    state = row["state"] if row["state"] == "proposed" else _progress(found)
    chosen = {run["person"]: run["submission"] for run in found} if found else chosen_of(store, task_version)
    return {
        "state": state, "final": row["id"], "task": row["task"], "task_version": task_version,
        "proposed_by": row["person"], "proposed": row["proposed"], "reason": row["reason"],
        "opened_by": row["decided_by"], "opened": row["decided"], "chosen": chosen,
        "runs": len(found), "ended": sum(run["state"] in ("scored", "failed") for run in found),
    }  # fmt: skip


def runs(store: Store, task_version: str) -> list[dict[str, Any]]:
    """Give each participant's newest final run: person, submission, the run's state, code, scores and draws."""
    rows = store.read().execute(
        "SELECT entry.person, entry.submission, run.id AS run, run.state, run.code, run.message, run.scores, run.draws "
        "FROM final_entries AS entry JOIN finals ON finals.id = entry.final "
        "LEFT JOIN submissions AS run ON run.number = (SELECT MAX(number) FROM submissions "
        "  WHERE origin = entry.submission AND intent = 'final') "
        "WHERE finals.task_version = ? ORDER BY entry.person", (task_version,),
    )  # fmt: skip
    return [dict(row) for row in rows.fetchall()]


def participants(store: Store, task_version: str) -> list[str]:
    """Name who has a scored submission to a task version."""
    rows = store.read().execute(
        "SELECT DISTINCT person FROM submissions WHERE task_version = ? AND intent = 'scored' AND state = 'scored' "
        "ORDER BY person", (task_version,),
    )  # fmt: skip
    return [row["person"] for row in rows.fetchall()]


def chosen_of(store: Store, task_version: str) -> dict[str, str]:
    """Give what would be tested of each participant: what they chose, else the one that stands on the board."""
    rows = store.read().execute(
        "SELECT person, submission FROM final_choices WHERE task_version = ?", (task_version,)
    )  # fmt: skip
    said = {row["person"]: row["submission"] for row in rows.fetchall()}
    return {
        person: said.get(person) or answers(store, person, task_version)[-1].best
        for person in participants(store, task_version)
    }


def find_final(store: Store, final: str) -> sqlite3.Row:
    """Give the row of a proposal.

    Raises
    ------
    NotFound
        When there is none.
    """
    row: sqlite3.Row | None = store.read().execute("SELECT * FROM finals WHERE id = ?", (final,)).fetchone()
    if row is None:
        raise NotFound(f"There is no proposal “{final[:32]}”; `workbench final TASK` names the one of a task.")
    return row


def _decide(db: Change, store: Store, row: sqlite3.Row, state: str, person: str) -> None:
    done = db.execute(
        "UPDATE finals SET state = ?, decided_by = ?, decided = ? WHERE id = ? AND state = 'proposed'",
        (state, person, stamped(store), row["id"]),
    )
    if done.rowcount != 1:
        now = db.execute("SELECT state FROM finals WHERE id = ?", (row["id"],)).fetchone()["state"]
        raise Conflict(
            f"The final test of {row['task']} was {now} already, and that happens once.", code="final-decided"
        )


def _queued(store: Store, submission: str, person: str) -> bool:
    try:
        again(store, submission, "final", person)
    except Conflict:
        return False  # somebody else's `advance` queued it first
    return True


def _progress(found: list[dict[str, Any]]) -> str:
    if any(run["state"] in (None, "queued", "running") for run in found):
        return "running"
    return "stopped" if any(run["code"] == OURS for run in found) else "done"
