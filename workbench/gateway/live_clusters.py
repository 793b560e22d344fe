"""What running clusters last said of themselves, and since when they are silent; kept in memory alone.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.compute.clusters import records
from workbench.gateway.heartbeats import Heartbeats
from workbench.governance.canonical import stamp
from workbench.governance.store import Store

# A kernel says that its cluster lives every few seconds; one that says nothing for so long is dead or cut off.
SILENCE_S = 120.0


class LiveClusters:
    """The last words of the clusters that run.

    Parameters
    ----------
    silence_s : float
        After how many seconds without a word a cluster counts as lost.
    """

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        self._silence_s = silence_s
        self._beats = Heartbeats()
        self._told: dict[str, dict[str, Any]] = {}

    def tell(self, cluster: str, facts: dict[str, Any]) -> None:
        """Note what a cluster says of itself."""
        self._beats.beat(cluster)
        self._told[cluster] = facts

    def told(self, cluster: str) -> dict[str, Any]:
        """Give what it said last; empty before its first word."""
        return self._told.get(cluster, {})

    def forget(self, cluster: str) -> None:
        """Forget one that has ended."""
        self._beats.forget(cluster)
        self._told.pop(cluster, None)

    def settle(self, store: Store) -> None:
        """Close in the record what cannot run any more: its hours are over, its kernel ended or fell silent."""
        now = stamp(store.now())
        for row in records.running(store):
            kernel = store.read().execute("SELECT ended FROM kernels WHERE id = ?", (row["kernel"],)).fetchone()
            if kernel is None or kernel["ended"] is not None:
                why = records.KERNEL_ENDED
            elif row["ends"] < now:
                why = records.HOURS_OVER
            elif self._beats.silence_s(row["id"]) > self._silence_s:
                why = records.SILENT
            else:
                continue
            records.end(store, row["id"], why)
            self.forget(row["id"])
