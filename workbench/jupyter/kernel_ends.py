"""How a kernel ended: of itself, for lack of memory, or by another signal.

Runs in: Jupyter server | terminal
Source: proc(5), /proc/vmstat: `oom_kill` counts what the system ended for lack of memory, control groups included.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from workbench.governance.first_process import TOO_MUCH_MEMORY

# A shell's convention, which the first process of a sandbox keeps: 128 and the number of the signal.
SIGNALLED = 128
KILLED = (-signal.SIGKILL, SIGNALLED + signal.SIGKILL)
VMSTAT = Path("/proc/vmstat")
LOG_TAIL_BYTES = 64 * 1024


def host_kills(vmstat: Path = VMSTAT) -> int:
    """Give how many processes this machine has ended for lack of memory since it started; 0 where it does not say."""
    try:
        counts = dict(line.split() for line in vmstat.read_text().splitlines())
    except (OSError, ValueError):
        return 0
    return int(counts.get("oom_kill", 0))


def unusual_end(log: Path, status: int | None, kills_before: int, vmstat: Path = VMSTAT) -> dict[str, Any]:
    """Say how a kernel ended when that was not as it should be.

    Parameters
    ----------
    log : Path
        What the kernel's sandbox wrote on standard error.
    status : int or None
        The exit status; None when nobody saw it end by itself.
    kills_before : int
        What `host_kills` gave when it started.

    Returns
    -------
    dict
        Empty for a usual end; else `status`, `signal` (its name, or None) and `out_of_memory`.
    """
    limit_reached = TOO_MUCH_MEMORY.encode() in _tail(log)
    host_ended_it = status in KILLED and host_kills(vmstat) > kills_before
    if not status and not limit_reached:
        return {}
    number = -status if status and status < 0 else (status or 0) - SIGNALLED
    known = {one.value: one.name for one in signal.Signals}
    return {"status": status, "signal": known.get(number), "out_of_memory": limit_reached or host_ended_it}


def _tail(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - LOG_TAIL_BYTES, 0))
            return file.read()
    except OSError:
        return b""
