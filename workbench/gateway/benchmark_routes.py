"""What a kernel read, for the crates of reports.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import IntegrityError, NotFound
from workbench.gateway.call import Call, Route
from workbench.governance.catalogue import get_dataset
from workbench.governance.record.checkpoints import checkpoint_now

if TYPE_CHECKING:
    from workbench.gateway.state import State


def kernel_reads(call: Call) -> dict[str, Any]:
    """Tell the owner of the home which dataset versions a kernel read, from the audit log, and the log's head."""
    store, kernel = call.state.store, call.path["kernel"]
    started = store.read().execute("SELECT person FROM kernels WHERE id = ?", (kernel,)).fetchone()
    if started is None:
        raise NotFound("There is no such kernel.")
    call.state.reads.flush()
    rows = store.read().execute(
        "SELECT DISTINCT resource, json_extract(details, '$.version') AS version FROM audit "
        "WHERE action = 'dataset.read' AND outcome = 'allowed' AND json_extract(details, '$.token') = ?", (kernel,),
    ).fetchall()  # fmt: skip
    head = store.sealer.read_head()
    signed = None if head is None else {"seq": head.seq, "hash": head.hash}
    reads = {row["resource"]: row["version"] for row in rows}
    try:
        checkpoint = checkpoint_now(store)
    except IntegrityError:
        # Nothing is signed for a log that was tampered with, and the report says so by having none.
        checkpoint = None
    seen = _seen(call.state, started["person"], reads)
    return {"reads": reads, "seen": seen, "head": signed, "checkpoint": checkpoint}


def _seen(state: State, person: str, reads: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Give how many scans and subjects of each version there are for a person; fewer later when subjects withdraw."""
    found: dict[str, dict[str, int]] = {}
    for name, version in reads.items():
        try:
            rows = get_dataset(state.store, person, name, None, state.count)["versions"]
        except NotFound:
            continue
        for row in rows:
            if row["version"] == version:
                found[name] = {"scans": row["scans"], "subjects": row["subjects"]}
    return found


ROUTES = (Route("GET", "/v1/kernels/{kernel}/reads", kernel_reads, ("operator",), "kernel.reads"),)
