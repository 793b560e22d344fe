"""How many workers, for how long: what may be asked of a cluster.

Runs in: kernel
"""

from __future__ import annotations

from workbench.errors import InvalidInput

MAX_WORKERS = 64
MAX_HOURS = 24.0
MAX_IDLE_MINUTES = 24 * 60.0


def check_whole(name: str, value: object) -> None:
    """Refuse what is no number of workers.

    Parameters
    ----------
    name : str
        How the caller calls it.
    value : object
        What was given.

    Raises
    ------
    InvalidInput
        When it is no whole number from 1 to 64.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_WORKERS:
        raise InvalidInput(f"{name} must be a whole number from 1 to {MAX_WORKERS}; got {value!r}.")


def check_amounts(workers: object, gpus: object, hours: float, idle_minutes: float) -> None:
    """Refuse amounts out of their range; workers and GPUs may be left out.

    Parameters
    ----------
    workers, gpus : object
        1–64, or None.
    hours, idle_minutes : float
        Above 0, at most 24 hours and 1440 minutes.

    Raises
    ------
    InvalidInput
        When one is out of its range.
    """
    for name, value in (("workers", workers), ("gpus", gpus)):
        if value is not None:
            check_whole(name, value)
    for name, amount, top in (("hours", hours, MAX_HOURS), ("idle_minutes", idle_minutes, MAX_IDLE_MINUTES)):
        if not 0 < amount <= top:
            raise InvalidInput(f"{name} must be above 0 and at most {top:g}; got {amount!r}.")
