"""The typed parameters of a notebook, read from its one parameters cell and checked before any kernel starts.

A line of the cell is a name, a type, a default, and in its comment what it is for and what it may be:

    seed: int = 7  # of training [0..]
    rate: float = 1e-3  # learning rate [0..1]
    network: str = "small"  # which network [small | large]
    sizes: list[int] = [8, 16]  # channels
    scans: int  # how many scans; must be given

`Literal["small", "large"]` and `Annotated[float, "0..1"]` say the same in the annotation.

Runs in: anywhere
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from workbench.benchmark.reports.parameter_types import (
    TYPES,
    Value,
    bounds_of,
    choices_of,
    plain_value,
    split_help,
    typed,
)
from workbench.errors import InvalidInput

TAG = "parameters"
TYPING = ("typing", "typing_extensions")
MAX_PARAMETERS = 100


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Parameters
    ----------
    name : str
        Its name.
    type : str
        ``int``, ``float``, ``str``, ``bool`` or ``list``.
    default : Value or None
        None when it must be given.
    help : str
        The comment behind it, without its limits.
    choices : tuple of Value
        The only values it may have; empty when any will do.
    minimum, maximum : float or None
        Of a number; of each number of a list.
    items : str or None
        The type of a list's members; None when a list may hold any plain value.
    """

    name: str
    type: str
    default: Value | None
    help: str = ""
    choices: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    items: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give what a form needs to know, as plain JSON values."""
        return {
            "name": self.name, "type": self.type, "default": self.default, "required": self.default is None,
            "help": self.help, "choices": list(self.choices), "minimum": self.minimum, "maximum": self.maximum,
            "items": self.items,
        }  # fmt: skip

    def value(self, given: object) -> Value:
        """Give a value as this parameter's type; text, as a command line or a form gives it, is read.

        Raises
        ------
        InvalidInput
            When it has another type, lies outside the limits or is none of the choices.
        """
        value = typed(self.name, self.type, given, self.items)
        for one in value if isinstance(value, list) else [value]:
            self._check_limits(one)
        return value

    def _check_limits(self, value: Value) -> None:
        if self.choices and value not in self.choices:
            known = ", ".join(str(choice) for choice in self.choices)
            raise InvalidInput(f"The parameter “{self.name}” may be {known}; {value!r} is none of them.")
        if isinstance(value, bool | str | list) or (self.minimum is None and self.maximum is None):
            return
        low = float("-inf") if self.minimum is None else self.minimum
        high = float("inf") if self.maximum is None else self.maximum
        if not low <= value <= high:
            raise InvalidInput(f"The parameter “{self.name}” must be {self.limits()}; {value!r} is not.")

    def limits(self) -> str:
        """Say in words between which numbers it lies; nothing when anywhere."""
        low, high = (None if side is None else _plain(side) for side in (self.minimum, self.maximum))
        if low is None or high is None:
            return f"{low} or more" if low else f"{high} or less" if high else ""
        return f"from {low} to {high}"


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == int(number) else f"{number:g}"


def parameters_of(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe a notebook's parameters for a form, in the order of its parameters cell; no code of it runs.

    Parameters
    ----------
    notebook : mapping
        The notebook as JSON or as `nbformat` reads it.

    Returns
    -------
    list of dict
        Each with ``name``, ``type`` (``int float str bool list``), ``default`` (None when it must be given),
        ``required``, ``help``, ``choices`` (empty: any), ``minimum``, ``maximum`` (None: no limit) and ``items`` (the
        type of a list's members, None: any plain value).

    Raises
    ------
    InvalidInput
        When there are several such cells, or one holds something else than parameters.

    Examples
    --------
    >>> cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "seed: int = 7  # of it [0..]"}
    >>> parameters_of({"cells": [cell]})[0]["minimum"]
    0.0
    """
    return [parameter.as_dict() for parameter in read_parameters(notebook).values()]


def read_parameters(notebook: Mapping[str, Any]) -> dict[str, Parameter]:
    """Read the parameters of a notebook from the cell tagged ``parameters``; one without a value must be given.

    Raises
    ------
    InvalidInput
        When there are several such cells, or one holds something else than parameters.
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
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        line = f" (line {problem.lineno})" if isinstance(problem, SyntaxError) else ""
        raise InvalidInput(f"The parameters cell is not Python{line}; mend it.") from None
    lines = text.splitlines()
    found: dict[str, Parameter] = {}
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and statement.module in TYPING:
            continue
        parameter = _parameter(statement, lines)
        if parameter.name in found:
            raise InvalidInput(f"The parameters cell sets “{parameter.name}” twice; keep one.")
        found[parameter.name] = parameter
    if len(found) > MAX_PARAMETERS:
        raise InvalidInput(f"The notebook has {len(found)} parameters; it may have {MAX_PARAMETERS}.")
    return found


def _parameter(statement: ast.stmt, lines: Sequence[str]) -> Parameter:
    annotation: ast.expr | None = None
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            pass
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case _:
            raise _not_a_parameter(statement)
    # The column counts bytes, the comment may hold any letter.
    line = lines[(statement.end_lineno or 1) - 1].encode()[statement.end_col_offset or 0 :].decode(errors="replace")
    said, limits = split_help(line.strip().removeprefix("#").strip())
    default = None if value is None else plain_value(name, value)
    if annotation is None:
        return _with_limits(Parameter(name, type(default).__name__, default, said), limits)
    match annotation:
        case ast.Subscript(
            value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, ast.Constant(value=str(limits))])
        ):
            annotation = inner
    kind, items, choices = _type(annotation, statement)
    return _with_limits(Parameter(name, kind, default, said, choices, items=items), limits)


def _not_a_parameter(statement: ast.stmt) -> InvalidInput:
    return InvalidInput(
        f"The parameters cell may only hold lines such as `seed: int = 7`; line {statement.lineno} is another "
        f"(types: {', '.join(TYPES)})."
    )


def _type(annotation: ast.expr, statement: ast.stmt) -> tuple[str, str | None, tuple[Value, ...]]:
    """Give the type, the type of a list's members, and the choices that an annotation names."""
    match annotation:
        case ast.Name(id=kind) if kind in TYPES:
            return kind, None, ()
        case ast.Subscript(value=ast.Name(id="list"), slice=ast.Name(id=items)) if items in TYPES and items != "list":
            return "list", items, ()
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inside):
            members = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            choices = tuple(plain_value("Literal", member) for member in members)
            kinds = {type(choice).__name__ for choice in choices}
            if len(kinds) == 1 and kinds <= {"int", "str"}:
                return kinds.pop(), None, choices
    raise _not_a_parameter(statement)


def _with_limits(parameter: Parameter, limits: str) -> Parameter:
    """Add the limits that the comment or the annotation names, and hold the default to them."""
    choices, low, high = parameter.choices, None, None
    kind = parameter.items if parameter.type == "list" else parameter.type
    if "|" in limits:
        choices = choices_of(parameter.name, kind or "str", limits)
    elif limits:
        low, high = bounds_of(parameter.name, kind or "", limits)
    full = Parameter(
        parameter.name, parameter.type, parameter.default, parameter.help, choices, low, high, parameter.items
    )
    if full.default is None:
        return full
    return Parameter(full.name, full.type, full.value(full.default), full.help, choices, low, high, full.items)


def problems_of(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, str]:
    """Say for each parameter what is wrong with what was given; empty when a run may start.

    Parameters
    ----------
    parameters : mapping
        As `read_parameters` gives them.
    given : mapping
        Values by name; text is read as the parameter's type.
    """
    found: dict[str, str] = {}
    for name in given:
        if name not in parameters:
            near = get_close_matches(str(name), parameters, 1)
            meant = f" Did you mean “{near[0]}”?" if near else ""
            known = ", ".join(parameters) or "none"
            found[str(name)] = f"The notebook has no parameter “{name}”; it has {known}.{meant}"
    for name, parameter in parameters.items():
        try:
            if name in given:
                parameter.value(given[name])
            elif parameter.default is None:
                found[name] = f"The notebook needs a value for “{name}”: give -p {name}=…."
        except InvalidInput as problem:
            found[name] = problem.message
    return found


def choose(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """Give the value of every parameter: what was given, checked and turned into its type, else its default.

    Raises
    ------
    InvalidInput
        For an unknown name, a value of the wrong type or outside its limits, or one that is missing.
    """
    problems = problems_of(parameters, given)
    if problems:
        raise InvalidInput(" ".join(problems.values()))
    return {
        name: parameter.value(given[name] if name in given else parameter.default)
        for name, parameter in parameters.items()
    }


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
