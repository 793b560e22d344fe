"""A cluster without a notebook: it runs in a job's sandbox until its time is over or somebody stops it.

Notebooks of the same account join it with `wb.cluster(join="CL3")`.

Runs in: kernel
"""

from __future__ import annotations

import time
from typing import Any

from workbench.compute.cluster import cluster
from workbench.compute.clusters.passage import open_way_in
from workbench.compute.job_inside import job_folder, report_progress

LOOK_S = 0.3
STANDING = "workbench.compute.clusters.standing:stand"


def stand(workers: int | None, gpus: int | None, hours: float, idle_minutes: float) -> dict[str, Any]:
    """Start a cluster, say its id, and give it back once it has ended.

    Parameters
    ----------
    workers, gpus : int or None
        As for `wb.cluster`.
    hours, idle_minutes : float
        As for `wb.cluster`.

    Returns
    -------
    dict
        Its `cluster` and `why` it ended.
    """
    with cluster(workers, gpus=gpus, hours=hours, idle_minutes=idle_minutes) as running:
        folder = job_folder()
        if folder:
            running.close_with(open_way_in(running.id, running.client.scheduler.address, folder.parents[1]).close)
        report_progress(0, 1, running.id)
        while running.is_open:
            time.sleep(LOOK_S)
    return {"cluster": running.id, "why": running.ended_because}
