"""Unfinished ingests: objects that lie encrypted in the vault but belong to no version until the commit.

An ingest lives in this process's memory alone. When the process dies, or the ingest is dropped or forgotten, its
objects belong to nobody and are swept; so a version holds everything that was sent, or there is no version.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.gateway.archive import Archive
from workbench.gateway.tokens import new_id
from workbench.governance.store import Store
from workbench.vault.vault import ObjectEntry, Vault

FORGET_AFTER_S = 3600.0
_SCAN_PATH = re.compile(r"scans/(S\d{4,8})/image\.zarr/[A-Za-z0-9_./-]{1,200}")
_NODULES = "tables/nodules.arrow"
_SUBJECT = re.compile(r"P\d{4,8}")
_NUMBER = re.compile(r"[SP](\d{4,8})")


@dataclass
class Ingest:
    """One unfinished ingest.

    Parameters
    ----------
    id : str
        Its name.
    owner : str
        Who may send to it: a person, or the empty text for the owner of the home.
    custodian, dataset, title, description, tier : str
        What the dataset is, or will be when it is new.
    base : str, optional
        The version that the new one continues.
    known : list of dict
        The scans of that version, with their pseudonyms.
    """

    id: str
    owner: str
    custodian: str
    dataset: str
    title: str
    description: str
    tier: str
    base: str | None
    known: list[dict[str, Any]]
    entries: dict[str, ObjectEntry] = field(default_factory=dict)
    touched: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_open: bool = True

    def next_number(self, key: str) -> int:
        """Give the number that the next new scan or subject gets."""
        used = [int(match[1]) for facts in self.known if (match := _NUMBER.fullmatch(str(facts[key])))]
        return max(used, default=0) + 1


class Staging:
    """The unfinished ingests of this process."""

    def __init__(self, store: Store, vault: Vault, archive: Archive) -> None:
        self._store = store
        self._vault = vault
        self._archive = archive
        self._ingests: dict[str, Ingest] = {}
        self._lock = threading.RLock()
        # Something was dropped while another ingest was under way, so its objects still lie there.
        self._unswept = False

    def begin(self, ingest: Ingest) -> Ingest:
        """Take up an ingest; those that nobody has touched for an hour are dropped first."""
        with self._lock:
            for old in [i for i in self._ingests.values() if time.monotonic() - i.touched > FORGET_AFTER_S]:
                self.drop(old)
            self._ingests[ingest.id] = ingest
        return ingest

    def find(self, name: str, owner: str) -> Ingest:
        """Give an owner's unfinished ingest."""
        with self._lock:
            ingest = self._ingests.get(name)
        if ingest is None or ingest.owner != owner:
            raise NotFound(
                "There is no such unfinished ingest; the gateway may have restarted. Ingest the folder again."
            )
        ingest.touched = time.monotonic()
        return ingest

    def put(self, ingest: Ingest, path: str, subject: str, data: bytes) -> ObjectEntry:
        """Keep one object of an ingest."""
        _check_object(ingest, path, subject)
        with ingest.lock:
            if not ingest.is_open:
                raise Conflict("This ingest was dropped or committed while its object was on the way.")
            entry = ingest.entries[path] = self._vault.put(ingest.dataset, subject, path, data)
        return entry

    def drop(self, ingest: Ingest) -> None:
        """Forget an ingest and remove what only it had sent."""
        self.close(ingest)
        self.sweep()

    def close(self, ingest: Ingest) -> None:
        """Forget an ingest, committed or not."""
        with ingest.lock:
            ingest.is_open = False
        with self._lock:
            self._ingests.pop(ingest.id, None)
            if self._unswept:
                self.sweep()

    def sweep(self) -> None:
        """Remove objects that belong to no version, unless an ingest is under way and may yet claim them."""
        with self._lock:
            if self._ingests:
                self._unswept = True
                return
            self._unswept = False
            known: set[str] = set()
            for row in self._store.read().execute("SELECT dataset, version, manifest FROM versions").fetchall():
                known.add(json.loads(row["manifest"])["object"])
                known |= {e.object for e in self._archive.manifest(row["dataset"], row["version"]).entries}
            self._vault.sweep(known)


def new_ingest(**facts: Any) -> Ingest:
    """Give an ingest with a fresh name."""
    return Ingest(id=new_id("ingest"), **facts)


def _check_object(ingest: Ingest, path: str, subject: str) -> None:
    """Refuse anything but new scans' zarr keys, with their subject, and the table of nodules."""
    match = _SCAN_PATH.fullmatch(path)
    if match is None and path != _NODULES:
        raise InvalidInput("An ingest takes zarr keys of its scans and tables/nodules.arrow; this path is neither.")
    if match is None and subject:
        raise InvalidInput("A table belongs to the dataset; leave its subject out.")
    if match is not None and not _SUBJECT.fullmatch(subject):
        raise InvalidInput("An object of a scan needs ?subject=P0001, the subject under whose key it is encrypted.")
    if match is not None and int(match[1][1:]) < ingest.next_number("scan"):
        raise Conflict("A scan that is in the dataset never changes; number new scans from next_scan.")
