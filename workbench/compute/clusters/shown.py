"""A cluster in words: its static view, and the sentence for each way in which work on it ends badly.

Runs in: kernel
"""

from __future__ import annotations

AGAIN = "start a new one with wb.cluster()"
# Exceptions of distributed that mean: workers died under a task, again and again.
MISSING_DEATHS = {"KilledWorker": "workers-died"}


def as_html(kind: str, workers: int, hours: float, is_open: bool) -> str:
    """Give the view that stays in a report: what was started, never what happened to be measured.

    Parameters
    ----------
    kind : str
        ``cpu`` or ``gpu``.
    workers : int
        How many are wanted.
    hours : float
        After how many it closes.
    is_open : bool
        Whether it runs.
    """
    colour = "#2e7d32" if is_open else "#9e9e9e"
    state = "running" if is_open else "closed"
    return (
        '<div style="font-family:var(--jp-ui-font-family,sans-serif);font-size:13px;border:1px solid '
        'var(--jp-border-color1,#ccc);border-radius:8px;padding:.7em 1em;display:inline-block">'
        f'<b>Cluster</b> <span style="color:{colour}">● {state}</span><br>'
        f"{workers} {kind.upper()} worker{'s' * (workers != 1)} in this kernel’s sandbox · "
        f"closes with the kernel or after {hours:g} h</div>"
    )


def not_open(why: str) -> str:
    """Say that a cluster is closed, why, and what to do.

    Parameters
    ----------
    why : str
        ``closed`` when somebody closed it; else the reason.
    """
    because = "" if why in ("", "closed") else f": {why}"
    return f"This cluster is closed{because}; {AGAIN}."


def stopped_midway(why: str) -> str:
    """Say that a cluster ended under its work.

    Parameters
    ----------
    why : str
        The reason.
    """
    return f"The cluster ended while it worked: {why}. What was finished before is kept where it was written; {AGAIN}."


def item_failed(problem: BaseException | None, number: int, total: int) -> str:
    """Say why an item has no result.

    Parameters
    ----------
    problem : exception or None
        What the worker raised, or distributed on its behalf.
    number, total : int
        Which item of how many, counted from 1.
    """
    if type(problem).__name__ in MISSING_DEATHS:
        return (
            f"Item {number} of {total} ended every worker that took it (killed, mostly for lack of memory). The "
            "workers are back; make the item smaller, or scale the cluster to fewer workers, so that each has more "
            "memory."
        )
    return (
        f"Item {number} of {total} failed on a worker ({type(problem).__name__}: {problem}); "
        "mend it and run the cell again."
    )
