"""The typed parameters of a notebook, read from its one parameters cell and checked before any kernel starts.

Runs in: anywhere
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import InvalidInput

TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
TAG = "parameters"
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Value = int | float | str | bool | list[Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, type, default (None when it must be given) and the comment behind it."""

    name: str
    type: str
    default: Value | None
    help: str = ""


def read_parameters(notebook: Mapping[str, Any]) -> dict[str, Parameter]:
    """Read the parameters of a notebook from the cell tagged ``parameters``.

    The cell holds assignments of literals only: ``seed: int = 7  # what it is for``. One without a value must be given.

    Raises
    ------
    InvalidInput
        When there are several such cells, or one holds something else.
    """
    cells = [cell for cell in notebook["cells"] if TAG in cell.get("metadata", {}).get("tags", [])]
    if not cells:
        return {}
    if len(cells) > 1:
        raise InvalidInput(f"The notebook has {len(cells)} cells tagged “{TAG}”; it may have one.")
    source = cells[0]["source"]
    text = source if isinstance(source, str) else "".join(source)
    try:
        statements = ast.parse(text).body
    except SyntaxError as problem:
        raise InvalidInput(f"The parameters cell is not Python (line {problem.lineno}); mend it.") from None
    lines = text.splitlines()
    found: dict[str, Parameter] = {}
    for statement in statements:
        parameter = _parameter(statement, lines)
        if parameter.name in found:
            raise InvalidInput(f"The parameters cell sets “{parameter.name}” twice; keep one.")
        found[parameter.name] = parameter
    return found


def _parameter(statement: ast.stmt, lines: Sequence[str]) -> Parameter:
    line = lines[(statement.end_lineno or 1) - 1]
    comment = line[statement.end_col_offset or 0 :].strip().removeprefix("#").strip()
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind), value=value) if kind in TYPES:
            default = None if value is None else _literal(name, value)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            default = _literal(name, value)
            kind = type(default).__name__
        case _:
            raise InvalidInput(
                f"The parameters cell may only hold lines such as `seed: int = 7`; line {statement.lineno} is another "
                f"(types: {', '.join(TYPES)})."
            )
    if default is not None:
        default = _checked(name, kind, default)
    return Parameter(name, kind, default, comment)


def _literal(name: str, node: ast.expr) -> Value:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        value = None
    if type(value).__name__ not in TYPES:
        raise InvalidInput(f"The default of “{name}” must be a plain {', '.join(TYPES)}.")
    return value  # type: ignore[no-any-return]


def choose(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """Give the value of every parameter: what was given, checked and turned into its type, else its default.

    Raises
    ------
    InvalidInput
        For an unknown name, a value of the wrong type, or one that is missing.
    """
    known = ", ".join(parameters) or "none"
    for name in given:
        if name not in parameters:
            raise InvalidInput(f"The notebook has no parameter “{name}”; it has {known}.")
    missing = [name for name, parameter in parameters.items() if parameter.default is None and name not in given]
    if missing:
        raise InvalidInput(f"The notebook needs a value for “{missing[0]}”: give -p {missing[0]}=….")
    chosen: dict[str, Value] = {}
    for name, parameter in parameters.items():
        default = parameter.default
        chosen[name] = _checked(name, parameter.type, given[name] if name in given else default)
    return chosen


def _checked(name: str, kind: str, value: object) -> Value:
    """Give a value as its type; text from a command line is read."""
    if isinstance(value, str) and kind != "str":
        value = _read(kind, value)
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not TYPES[kind] or (isinstance(value, float) and not math.isfinite(value)):
        raise InvalidInput(f"The parameter “{name}” must be of type {kind}; {value!r} is not.")
    return value  # type: ignore[return-value]


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
    except ValueError:
        return text


def split_pairs(pairs: Sequence[str]) -> dict[str, object]:
    """Turn ``name=value`` words into a dictionary.

    >>> split_pairs(["seed=7", "note=a=b"])
    {'seed': '7', 'note': 'a=b'}
    """
    given: dict[str, object] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.isidentifier():
            raise InvalidInput(f"“{pair}” is not of the form name=value.")
        if name in given:
            raise InvalidInput(f"The parameter “{name}” is given twice.")
        given[name] = value
    return given
