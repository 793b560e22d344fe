"""The clock of a timed read, as the browser keeps it.

Runs in: kernel
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from workbench.errors import InvalidInput

STATES = ("none", "idle", "running", "paused", "finished")
NO_READING = {"state": "none", "seconds": 0.0, "paused_seconds": 0.0}
LONGEST_S = 7 * 86_400.0


def read_reading(value: object) -> dict[str, Any]:
    """Read the state of a timed read; what is left out is as before anybody read.

    Parameters
    ----------
    value : mapping
        `state`: none (no timed read), idle (hidden until somebody starts), running, paused or finished; `seconds`
        that it ran and `paused_seconds` that it stood still.

    Raises
    ------
    InvalidInput
        When the state is unknown or a number of seconds impossible.
    """
    given = {**NO_READING, **value} if isinstance(value, Mapping) else {"state": value}
    if given.get("state") not in STATES:
        raise InvalidInput(f"There is no state {given.get('state')!r} of a read; the states are {', '.join(STATES)}.")
    return {"state": given["state"], **{name: _seconds(name, given[name]) for name in ("seconds", "paused_seconds")}}


def _seconds(name: str, value: object) -> float:
    if isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= LONGEST_S:
        return float(value)
    raise InvalidInput(f"{name} of a read is {value!r}; it must be from 0 to {LONGEST_S:.0f} seconds.")
