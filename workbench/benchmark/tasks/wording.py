"""What is wrong with a task file, in words: the field, its line, and the nearest word that would do.

Runs in: anywhere
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from workbench.benchmark.tasks.documents import Document, Place

RULES = "task_rules"
MAX_LISTED = 12


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, at a dotted field."""

    field: str
    what: str


def broken(findings: list[Finding]) -> PydanticCustomError:
    """Give the error of fields that do not go together; `problems_of` gives each finding its line."""
    return PydanticCustomError(RULES, "the fields do not go together", {"findings": findings})


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, with its line in the file."""

    line: int
    field: str
    what: str

    def __str__(self) -> str:
        """Give ``line 3: kind: …``."""
        return f"line {self.line}: {self.field}: {self.what}."

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {"line": self.line, "field": self.field, "message": self.what}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give how a sentence about an unknown word ends: the nearest known one, or all of them.

    >>> did_you_mean("metric", ("metrics", "missing"))
    '; the nearest is “metrics”'
    """
    words, start = list(known), word[:60].lower().partition(":")[0]
    # “auc:v1” means auc_delong:v1, although ece:v1 has more letters in common.
    longer = [other for other in words if len(start) >= 3 and other.startswith(start)]
    close = longer or get_close_matches(word[:60].lower(), words, n=1, cutoff=0.6)
    if close:
        return f"; the nearest is “{close[0]}”"
    shown = ", ".join(words[:MAX_LISTED]) + (" …" if len(words) > MAX_LISTED else "")
    return f"; there {'is' if len(words) == 1 else 'are'} {shown}" if words else ""


def problems_of(failure: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """Give everything that a failed validation found, in the order of the lines.

    Parameters
    ----------
    failure : ValidationError
        From validating the document's value.
    document : Document
        Where the lines come from.
    model : type
        The model, whose fields are the words that would have done.
    """
    found: dict[tuple[int, str, str], Problem] = {}
    findings = list(_findings(failure, model))
    for finding in findings:
        # What is wrong with a list as a whole is often only that some of its items are wrong.
        if any(other.field.startswith(f"{finding.field}.") for other in findings):
            continue
        place: Place = tuple(int(part) if part.isdigit() else part for part in finding.field.split("."))
        problem = Problem(document.line(place), _field(finding.field), finding.what)
        found[problem.line, problem.field, problem.what] = problem
    return [found[key] for key in sorted(found)]


def _findings(failure: ValidationError, model: type[BaseModel]) -> Iterator[Finding]:
    for error in failure.errors(include_url=False):
        if error["type"] == RULES:
            yield from error["ctx"]["findings"]
        else:
            yield Finding(".".join(_path(error, model)), _sentence(error, model))


def _path(error: ErrorDetails, model: type[BaseModel]) -> list[str]:
    """Give the path in the file: pydantic adds parts of its own for keys and for alternatives."""
    return [str(part) for part in error["loc"] if part != "[key]" and not _is_alternative(part)]


def _is_alternative(part: str | int) -> bool:
    return isinstance(part, str) and ("[" in part or "(" in part)


def _field(field: str) -> str:
    """Give a field's path as it may be printed: what stands in the file is a stranger's."""
    if not field:
        return "the file"
    return field if len(field) <= 80 and field.isprintable() else f"{ascii(field[:80])[1:-1]}…"


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    place = [str(part) for part in error["loc"] if part != "[key]"]
    if kind == "extra_forbidden":
        return f"there is no such field{did_you_mean(place[-1], _fields_at(model, place[:-1]))}"
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        known = [word.strip().strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
        near = did_you_mean(str(error["input"]), known)
        if error["loc"][-1:] == ("[key]",):
            return f"there is no such field{near}"
        return f"“{_shown(error['input'])}” will not do{near}"
    if kind == "string_pattern_mismatch":
        return f"“{_shown(error['input'])}” has another form than {_form(str(context['pattern']))}"
    wanted = _WANTED.get(kind)
    if wanted is not None:
        return f"{wanted}, not {_named(error['input'])}"
    bound = _BOUNDS.get(kind)
    if bound is not None:
        return bound.format(**context)
    text = error["msg"]
    return text[0].lower() + text[1:]


_WANTED = {
    "bool_type": "must be true or false", "int_type": "must be a whole number", "float_type": "must be a number",
    "string_type": "must be text", "tuple_type": "must be a list, [a, b]", "list_type": "must be a list, [a, b]",
    "dict_type": "must be fields, {a: b}", "model_type": "must be fields, {a: b}",
    "model_attributes_type": "must be fields, {a: b}", "finite_number": "must be a number",
}  # fmt: skip
_BOUNDS = {
    "greater_than": "must be above {gt}", "greater_than_equal": "must be {ge} or more",
    "less_than": "must be below {lt}", "less_than_equal": "must be {le} or less",
    "string_too_short": "must have {min_length} characters at least", "too_short": "must hold {min_length} at least",
    "string_too_long": "must have {max_length} characters at most", "too_long": "must hold {max_length} at most",
}  # fmt: skip
_FORMS = {
    r"^[a-z][a-z0-9-]{1,62}$": "a short name in small letters, digits and hyphens, such as lung-segmentation",
    r"^[A-Za-z][A-Za-z0-9_]{0,62}$": "a column's name in letters, digits and underscores, such as diameter_mm",
    r"^[0-9a-f]{64}$": "a version, 64 hexadecimal digits, as `workbench datasets` shows it",
    r"^[a-z_]{1,40}$": "a split's name in small letters and underscores, such as public_test",
}


def _form(pattern: str) -> str:
    return _FORMS.get(pattern, pattern)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 and text.isprintable() else f"{ascii(text[:40])[1:-1]}…"


def _named(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "fields"
    if isinstance(value, list | tuple):
        return "a list"
    return f"“{str(value).lower() if isinstance(value, bool) else _shown(value)}”"


def _fields_at(model: type[BaseModel], place: list[str]) -> list[str]:
    """Give the fields of the block at a path."""
    found: type[BaseModel] | None = model
    for part in place:
        if found is None or part not in found.model_fields:
            continue
        found = _model_in(found.model_fields[part].annotation) or found
    return list(found.model_fields) if found else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        if (model := _model_in(inner)) is not None:
            return model
    return None
