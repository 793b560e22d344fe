"""The live view of a cluster in a notebook: state, workers, memory, tasks, time left, and buttons to scale and close.

Where no kernel answers (a report, a saved notebook) the cluster's static HTML stands in its place.

Runs in: kernel
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.compute.cluster import Cluster
    from workbench.compute.clusters.watch import Look

FOLDER = Path(__file__).resolve().parent
MIB = 2**20


class ClusterWidget(anywidget.AnyWidget):
    """One cluster, as it is at this moment.

    Parameters
    ----------
    cluster : Cluster
        What it shows and steers.

    Attributes
    ----------
    facts : dict
        What is shown: `state`, `kind`, `wanted`, `actual`, `memory_mib`, `tasks`, `left_min`, `why`.
    problem : str
        Why the last wish was refused; empty otherwise.
    """

    _esm = FOLDER / "widget.js"
    _css = FOLDER / "widget.css"
    facts = t.Dict().tag(sync=True)
    problem = t.Unicode().tag(sync=True)

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        self.show()
        self.on_msg(self._on_message)

    def show(self, look: Look | None = None) -> None:
        """Show what was seen last; the browser hears of it only when a figure that it shows has changed."""
        cluster, seen = self._cluster, look or self._cluster.last_look
        self.facts = {
            "state": "running" if cluster.is_open else "closed", "kind": cluster.kind.upper(), "id": cluster.id,
            "wanted": cluster.workers, "actual": seen.actual if cluster.is_open else 0, "tasks": seen.tasks,
            "memory_mib": seen.memory_bytes // MIB, "left_min": int(seen.left_s // 60) + 1,
            "why": cluster.ended_because, "idle_min": int(seen.idle_s // 60),
        }  # fmt: skip

    def _on_message(self, _widget: Any, content: object, _buffers: object) -> None:
        wish = content if isinstance(content, dict) else {}
        try:
            self.problem = ""
            if wish.get("verb") == "close":
                self._cluster.close()
            elif wish.get("verb") == "scale":
                self._cluster.scale(wish.get("workers", 0))
        except WorkbenchError as refused:
            self.problem = refused.message
        self.show()
