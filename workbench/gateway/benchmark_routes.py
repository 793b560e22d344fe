"""What a kernel read, for the crates of reports.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.errors import IntegrityError, NotFound
from workbench.gateway.call import Call, Route
from workbench.governance.record.checkpoints import checkpoint_now


def kernel_reads(call: Call) -> dict[str, Any]:
    """Tell the owner of the home which dataset versions a kernel read, from the audit log, and the log's head."""
    store, kernel = call.state.store, call.path["kernel"]
    started = store.read().execute("SELECT started FROM kernels WHERE id = ?", (kernel,)).fetchone()
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
    return {"reads": reads, "head": signed, "checkpoint": checkpoint}


ROUTES = (Route("GET", "/v1/kernels/{kernel}/reads", kernel_reads, ("operator",), "kernel.reads"),)
