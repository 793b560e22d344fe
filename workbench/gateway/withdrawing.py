"""The withdrawal of a subject: the decision is written first, then their keys are destroyed, again at each start.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from workbench.errors import Conflict, NotFound
from workbench.governance.store import Store
from workbench.governance.withdrawals import Withdrawal, keys_to_destroy, record_withdrawal, withdrawn_subjects
from workbench.vault.vault import Vault

if TYPE_CHECKING:
    from workbench.gateway.state import State

_SUBJECT = re.compile(r"P\d{4,8}")
_SCAN = re.compile(r"scans/(S\d{4,8})/scan\.json")


def withdraw(state: State, person: str, dataset: str, named: str, reason: str) -> dict[str, Any]:
    """Make a subject unreadable in every version.

    Parameters
    ----------
    state : State
        Of the gateway.
    person, dataset : str
        Who does it, and where; callers decide first, and hold the lock of publishing.
    named : str
        The subject (P0001), or the patient's pseudonym.
    reason : str
        Why; recorded.

    Raises
    ------
    NotFound
        When no version of the dataset holds such a subject.
    Conflict
        When they were withdrawn before.
    """
    subject, pseudonym = _find(state, dataset, named)
    scans: set[str] = set()
    losses: dict[str, tuple[int, int]] = {}
    keys, before = [subject], set[str]()
    reports: list[str] = []
    rows = state.store.read().execute(
        "SELECT version, report FROM versions WHERE dataset = ? ORDER BY number", (dataset,)
    )
    for row in rows.fetchall():
        held = [e for e in state.archive.manifest(dataset, row["version"]).entries if e.subject == subject]
        mine = {match[1] for entry in held if (match := _SCAN.fullmatch(entry.path))}
        if held:
            losses[row["version"]] = (len(mine), sum(entry.size for entry in held))
        if row["report"] and {entry.object for entry in held} - before:
            # What came in with this version of theirs is shown in its report.
            keys.append(json.loads(row["report"])["subject"])
            reports.append(row["version"])
        before, scans = {entry.object for entry in held}, scans | mine
    gone = Withdrawal(dataset, subject, pseudonym, tuple(sorted(scans)), losses, tuple(keys), tuple(reports))
    done = record_withdrawal(state.store, person, gone, reason)
    destroy(state.vault, dataset, gone.keys)
    state.archive.forget()
    state.slices.forget()
    return done


def finish_withdrawals(store: Store, vault: Vault) -> None:
    """Destroy the keys of everybody who withdrew, in case a crash came between the decision and the deed."""
    for dataset, key in keys_to_destroy(store):
        vault.destroy_subject(dataset, key)


def destroy(vault: Vault, dataset: str, keys: tuple[str, ...]) -> None:
    """Destroy the keys that a withdrawal names."""
    for key in keys:
        vault.destroy_subject(dataset, key)


def _find(state: State, dataset: str, named: str) -> tuple[str, str]:
    """Give the subject and their pseudonym, as any version knows them."""
    if named in withdrawn_subjects(state.store, dataset):
        raise Conflict(f"{named} was withdrawn from “{dataset}” already; nothing of theirs can be read.")
    rows = state.store.read().execute("SELECT version FROM versions WHERE dataset = ? ORDER BY number DESC", (dataset,))
    held = False
    for row in rows.fetchall():
        known = state.known(dataset, row["version"])
        for pseudonym, subject in known.subjects.items():
            if named in (subject, pseudonym):
                return subject, pseudonym
        if named in known.withdrawn:
            raise Conflict(f"This patient was withdrawn from “{dataset}” already; nothing of theirs can be read.")
        held = held or any(e.subject == named for e in state.archive.manifest(dataset, row["version"]).entries)
    if held and _SUBJECT.fullmatch(named):
        return named, ""
    raise NotFound(f"“{dataset}” has no such subject; subjects are named P0001, P0002 … as in the table of scans.")
