"""The types that a notebook's parameter may have: reading them from text, their limits and their choices.

Runs in: anywhere
"""

from __future__ import annotations

import ast
import json
import math
import re
from typing import Any

from workbench.errors import InvalidInput

Value = int | float | str | bool | list[Any]
TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
MAX_TEXT, MAX_ITEMS = 10_000, 1_000
# `[0..1]`, `[1..]`, `[..5]` or `[small | large]` at the end of a comment.
LIMITS = re.compile(r"\s*\[([^\[\]]*(?:\.\.|\|)[^\[\]]*)\]\s*$")


def split_help(comment: str) -> tuple[str, str]:
    """Give what a comment says and the limits in brackets at its end.

    >>> split_help("passes of training [1..50]")
    ('passes of training', '1..50')
    """
    found = LIMITS.search(comment)
    return (comment, "") if found is None else (comment[: found.start()].strip(), found.group(1).strip())


def bounds_of(name: str, kind: str, limits: str) -> tuple[float | None, float | None]:
    """Read ``1..50``, ``0..`` or ``..1``; a side that is left open has no limit."""
    low, dots, high = limits.partition("..")
    try:
        bounds = tuple(float(side) if side.strip() else None for side in (low, high))
    except ValueError:
        bounds = (None, None)
    if kind not in ("int", "float") or not dots or bounds == (None, None) or not _in_order(*bounds):
        raise InvalidInput(f"The limits [{limits}] of “{name}” are not of the form [1..50] for a number.")
    return bounds[0], bounds[1]


def _in_order(low: float | None, high: float | None) -> bool:
    sides = [side for side in (low, high) if side is not None]
    return all(math.isfinite(side) for side in sides) and sides == sorted(sides)


def choices_of(name: str, kind: str, limits: str) -> tuple[Value, ...]:
    """Read ``small | large``."""
    return tuple(typed(name, kind, word.strip()) for word in limits.split("|") if word.strip())


def plain_value(name: str, node: ast.expr) -> Value:
    """Give the literal that stands in the cell; nothing is evaluated."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        value = None
    if type(value).__name__ not in TYPES:
        raise InvalidInput(f"The default of “{name}” must be a plain {', '.join(TYPES)}.")
    return value  # type: ignore[no-any-return]


def typed(name: str, kind: str, value: object, items: str | None = None) -> Value:
    """Give a value as its type; text, as a command line or a form gives it, is read.

    Raises
    ------
    InvalidInput
        When it is of another type, not finite or far too long.
    """
    if isinstance(value, str) and kind != "str":
        value = _read(kind, value.strip())
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = _as_float(value)
    if type(value) is not TYPES[kind] or not _is_plain(value):
        raise InvalidInput(f"The parameter “{name}” must be of type {kind}; {_shown(value)} is not.")
    if isinstance(value, str) and (len(value) > MAX_TEXT or "\0" in value):
        raise InvalidInput(f"The parameter “{name}” may have {MAX_TEXT} characters, none of them NUL.")
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise InvalidInput(f"The parameter “{name}” may have {MAX_ITEMS} members; it has {len(value)}.")
        return value if items is None else [typed(name, items, one) for one in value]
    return value  # type: ignore[return-value]


def _is_plain(value: object) -> bool:
    """Whether a value can stand in a notebook's cell as it is."""
    if isinstance(value, list):
        return all(_is_plain(one) for one in value)
    return isinstance(value, int | str | bool) or (isinstance(value, float) and math.isfinite(value))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _as_float(value: int) -> object:
    try:
        return float(value)
    except OverflowError:
        return value


def _read(kind: str, text: str) -> object:
    try:
        match kind:
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "bool":
                return WORDS.get(text.lower(), text)
            case _:
                return json.loads(text)
    except (ValueError, RecursionError):
        return text
