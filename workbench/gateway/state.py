"""What the gateway holds while it runs: the store, the vault, the tokens, and what it has in memory.

Runs in: gateway
"""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.gateway.archive import Archive
from workbench.gateway.heartbeats import Heartbeats
from workbench.gateway.known import Known, read_known
from workbench.gateway.leases import Leases
from workbench.gateway.live_clusters import LiveClusters
from workbench.gateway.shown import Shown
from workbench.gateway.slices import SliceReader
from workbench.gateway.staging import Staging
from workbench.gateway.tokens import Tokens, open_tokens, read_key
from workbench.gateway.withdrawing import finish_withdrawals
from workbench.governance.obligations import Obligations
from workbench.governance.people import seed
from workbench.governance.policy.settling import house
from workbench.governance.record.reads import ReadLog
from workbench.governance.store import Store
from workbench.settings import Settings
from workbench.vault.vault import Vault


@dataclass(frozen=True)
class State:
    """One home, opened."""

    settings: Settings
    store: Store
    vault: Vault
    tokens: Tokens
    archive: Archive
    staging: Staging
    reads: ReadLog
    slices: SliceReader
    leases: Leases
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    clusters: LiveClusters = field(default_factory=LiveClusters)

    def known(self, dataset: str, base: str | None) -> Known:
        """Give what an ingest must know of a dataset at a version."""
        return read_known(self.store, self.vault, self.archive, dataset, base)

    def count(self, dataset: str, version: str, obligations: Obligations) -> tuple[int, int]:
        """Give how many scans and subjects of a version there are for somebody who reads under obligations."""
        return Shown(self.archive, dataset, version, obligations).counts()


def open_state(settings: Settings, schemas: tuple[str, ...] = ()) -> State:
    """Open a home: make its keys and accounts on the first start, and forget what a crash left half done."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokens = open_tokens(settings.keys)
    house()  # A gateway whose policies do not fit their schema does not start.
    store = Store(settings.store, schemas)
    seed(store, settings)
    vault = Vault(settings.vault, settings.keys)
    # Never rotated: a subject's dates must move by the same days for ever.
    archive = Archive(store, vault, bytes.fromhex(read_key(settings.keys / "shift.key")))
    staging = Staging(store, vault, archive)
    finish_withdrawals(store, vault)
    staging.forget_abandoned(at_start=True)
    return State(settings, store, vault, tokens, archive, staging, ReadLog(store), SliceReader(), Leases(store))
