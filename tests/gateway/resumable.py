"""An ingest of six scans as one command would do it; also run in a process of its own, to be killed."""

from __future__ import annotations

import sys
from typing import Any

from homes import REPORT, scan_facts, volume_of

from workbench.connection import Connection, sign_in
from workbench.geometry import Geometry
from workbench.ingest.delivery import Delivery, send_object, send_scan, send_table
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.settings import load_settings

SCANS = 6


def encoded(number: int) -> tuple[dict[str, bytes], dict[str, Any]]:
    voxels = volume_of(number, (20, 40, 40))
    facts = scan_facts(voxels, number)
    objects, facts["levels"] = write_ome_zarr(voxels, Geometry.from_dict(facts))
    return objects, facts


def bring_in(line: Connection, *, say: bool = False) -> str:
    """Bring six scans, a label of each and a table in, as one command would, and give the version."""
    with Delivery(line, "clinic-ct", resume_key="the same folder") as delivery:
        if say:
            _say("begun")
        scans = []
        for number in range(1, SCANS + 1):
            done = delivery.done_scans.get(f"2.25.{number}")
            if done is None:
                objects, done = encoded(number)
                send_scan(line, delivery.id, done, objects, labels={"lungs.zarr/0": b"x" * number, "lungs.json": b"{}"})
            scans.append(done)
        send_table(
            line, delivery.id, "sites", {"title": "Sites", "columns": [{"name": "subject", "type": "string"}]}, {}
        )
        send_object(line, delivery.id, "report.html", REPORT)
        return str(delivery.commit(scans, {}, findings=[])["version"])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(bring_in(sign_in(load_settings(), "custodian"), say=True))
