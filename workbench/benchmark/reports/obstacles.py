"""What stands in the way of running a crate again here: another environment, data that are gone, no grant.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from workbench.connection import Connection
from workbench.errors import NotFound

ENV_DRIFT, DATA_MISSING, DATA_CHANGED, NO_GRANT = "ENV_DRIFT", "DATA_MISSING", "DATA_CHANGED", "NO_GRANT"
NAMED_CHANGES = 3


@dataclass(frozen=True)
class Obstacle:
    """Why nothing runs: the cause that the verdict names, and a sentence."""

    cause: str
    message: str


def environment_obstacle(changes: list[str]) -> Obstacle | None:
    """Say that the environment is not that of the run, as `drift` found; None when it is."""
    if not changes:
        return None
    text = f"The environment is not that of the run: {in_short(changes)}. Use --any-environment to run it anyway."
    return Obstacle(ENV_DRIFT, text)


def in_short(changes: list[str]) -> str:
    """Name the first few of some changes."""
    more = len(changes) - NAMED_CHANGES
    return ", ".join(changes[:NAMED_CHANGES]) + (f" and {more} more" if more > 0 else "")


def data_obstacle(line: Connection, account: str, about: Mapping[str, Any]) -> Obstacle | None:
    """Say why the data that a run read cannot be read here as they were then; None when they can.

    Parameters
    ----------
    line : Connection
        Of the account.
    account : str
        Who would run it.
    about : mapping
        What the crate says of its run: `data` (name to version) and, when it was written, `data_seen` (name to the
        numbers of scans and subjects that the run could read).
    """
    for name, version in sorted(about["data"].items()):
        try:
            here = line.get(f"/v1/datasets/{quote(str(name), safe='')}")
        except NotFound:
            return Obstacle(DATA_MISSING, f"“{name}” is not in this home; ask its custodian for it.")
        known = next((row for row in here["versions"] if row["version"] == version), None)
        if known is None:
            return Obstacle(
                DATA_CHANGED, f"“{name}” has no version {str(version)[:12]} here, which the run read; it has "
                f"{', '.join(row['version'][:12] for row in here['versions']) or 'none'}.",
            )  # fmt: skip
        if not here["allowed"]:
            return Obstacle(NO_GRANT, f"{account} may not read “{name}”: {here['reason']}")
        changed = _changed_inside(name, known, dict(about.get("data_seen") or {}).get(name))
        if changed is not None:
            return changed
    return None


def _changed_inside(name: str, known: Mapping[str, Any], seen: Any) -> Obstacle | None:
    """Say that a version holds other scans than the run could read: subjects withdrew, or a rule withholds some."""
    if not isinstance(seen, dict):
        return None
    told = [(word, seen.get(word), known.get(word)) for word in ("scans", "subjects")]
    differing = [f"{then} {word} then, {now} now" for word, then, now in told if then is not None and then != now]
    if not differing:
        return None
    text = f"Version {str(known['version'])[:12]} of “{name}” does not hold for you what the run read: "
    return Obstacle(
        DATA_CHANGED, f"{text}{'; '.join(differing)}. Subjects withdrew since, or the rules for the data changed."
    )
