"""How a kernel tells the gateway of its cluster: that it starts, lives, changes and ends.

Runs in: kernel
"""

from __future__ import annotations

import os
import threading
from typing import Any

from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection, connect_from_environment
from workbench.errors import NotFound, NotSignedIn, WorkbenchError

TIMEOUT_S = 30.0


class Record:
    """One cluster in the gateway's record.

    Parameters
    ----------
    line : Connection
        The kernel's own; used by one thread at a time.
    facts : dict
        What the gateway answered to the start: `id`, `workers`, `ends`, `quota`.
    """

    def __init__(self, line: Connection, facts: dict[str, Any]) -> None:
        self._line = line
        self._lock = threading.Lock()
        self.id = str(facts["id"])
        self.workers = int(facts["workers"])

    def beat(self, facts: dict[str, Any]) -> str | None:
        """Say that the cluster lives, and give why it shall end, or None when it shall go on."""
        try:
            answer = self._post("beat", facts)
        except (NotFound, NotSignedIn) as gone:
            return gone.message
        except WorkbenchError:
            # The gateway may be starting again; the cluster is closed in the record when this goes on.
            return None
        if answer["state"] == "stopping":
            return "it was stopped from outside of its notebook"
        return str(answer["why"]) if answer["state"] == "ended" else None

    def scale(self, workers: int) -> None:
        """Have another number of workers counted, or refused."""
        self._post("scale", {"workers": workers})
        self.workers = workers

    def end(self, why: str) -> None:
        """Say that it has ended; a gateway that is gone notices by itself."""
        try:
            self._post("stop", {"why": why[:200]})
        except WorkbenchError:
            return
        finally:
            with self._lock:
                self._line.close()

    def _post(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            answer: dict[str, Any] = self._line.post(f"/v1/clusters/{self.id}/{verb}", body)
        return answer


def begin(kind: str, workers: int, hours: float, idle_minutes: float, *, is_at_most: bool) -> Record | None:
    """Ask the gateway for a cluster; None where Python was not started by the workbench, so nobody is signed in.

    Raises
    ------
    AccessDenied
        With ``cluster-quota`` when the person's quota has less left.
    """
    if not (os.environ.get(SOCKET_VARIABLE) and os.environ.get(TOKEN_VARIABLE)):
        return None
    line = connect_from_environment()
    line.timeout_s = TIMEOUT_S
    facts = line.post(
        "/v1/clusters",
        {
            "kind": kind, "workers": workers, "hours": hours, "idle_minutes": idle_minutes, "is_at_most": is_at_most,
        },
    )  # fmt: skip
    return Record(line, facts)
