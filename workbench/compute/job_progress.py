"""A bar that follows a job until it has ended.

Runs in: kernel | terminal
"""

from __future__ import annotations

import time

from workbench.compute.jobs import LOOK_S, UNDER_WAY, Job
from workbench.compute.progress import Progress


def follow(job: Job) -> None:
    """Show how far a job is until it has ended.

    Parameters
    ----------
    job : Job
        Any; one that has ended shows its last word.
    """
    facts = job.look()
    while facts["state"] in UNDER_WAY and not (facts.get("progress") or {}).get("total"):
        time.sleep(LOOK_S)
        facts = job.look()
    last = facts.get("progress") or {}
    if not last.get("total"):
        return
    with Progress(str(last.get("text") or job.name), int(last["total"])) as bar:
        while True:
            last = facts.get("progress") or last
            bar.total = int(last.get("total", bar.total))
            bar.step(int(last.get("done", 0)) - bar.done)
            if facts["state"] not in UNDER_WAY:
                return
            time.sleep(LOOK_S)
            facts = job.look()
