"""The facts of a run, as a crate's ``about.json`` tells them, each of the kind that a report and a re-run need.

Runs in: anywhere
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from workbench.errors import InvalidInput


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_time(value: Any) -> bool:
    """Whether it is a time with its zone, as ISO 8601 writes it, or None."""
    try:
        return value is None or datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _rows_of(**fields: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Give a check of a list of objects that hold at least these fields."""

    def is_right(value: Any) -> bool:
        rows = [] if value is None else value
        return isinstance(rows, list) and all(
            isinstance(row, dict) and all(check(row.get(name)) for name, check in fields.items()) for row in rows
        )

    return is_right


def _is_stage_list(value: Any) -> bool:
    taken = _rows_of(name=_is_text, made=is_time)
    return _rows_of()(value) and taken([row for row in value or [] if row.get("cached")])


def _is_head(value: Any) -> bool:
    if not isinstance(value, dict):
        return value is None
    return isinstance(value.get("seq"), int) and isinstance(value.get("hash"), str)


# In this order the first that is wrong is named.
FACTS: dict[str, Callable[[Any], bool]] = {
    "parameters": lambda value: isinstance(value, dict),
    "data": lambda value: isinstance(value, dict) and all(isinstance(one, str) for one in value.values()),
    "environment": lambda value: isinstance(value, list) and all(isinstance(line, str) for line in value),
    "notebook": _is_text,
    "question": _is_text,
    "account": _is_text,
    "isolation": _is_text,
    "kernel": _is_text,
    "started": is_time,
    "ended": is_time,
    "packages": _rows_of(name=_is_text, version=_is_text),
    "stages": _is_stage_list,
    "audit_head": _is_head,
    "data_seen": lambda value: value is None or isinstance(value, dict),
}


def checked_facts(about: Any) -> dict[str, Any]:
    """Give the facts of a run from a file that anybody may have written.

    Raises
    ------
    InvalidInput
        When one is missing or of another kind; nothing of the crate is used then.
    """
    told: Mapping[str, Any] = about if isinstance(about, dict) else {}
    for name, is_right in FACTS.items():
        if not is_right(told.get(name)):
            raise InvalidInput(f"The crate does not say its {name}; it was not written by a workbench run.")
    # A half of a surrogate pair is JSON, and no text that can be written.
    json.dumps(told, ensure_ascii=False).encode()
    return dict(told)
