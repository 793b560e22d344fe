"""YAML read with the line of every field, and nothing that could surprise: one small document of plain values.

Anchors, aliases, tags, repeated keys, several documents and deep nesting are refused before a value is built, so a
hostile file costs no more than reading it. Scalars follow YAML 1.2's core schema: `yes` and `1:30` are words and
`1e-9` is a number, where YAML 1.1 had it otherwise.

Runs in: anywhere
Source: YAML 1.2.2 (2021), section 10.3.2, core schema
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from workbench.errors import InvalidInput

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 8
# Names and values together; 200 classes are 200. Each wrong one is looked up among the words that would do.
MAX_VALUES = 1500
Place = tuple[str | int, ...]

_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:(true|True|TRUE)|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?\Z")


@dataclass(frozen=True)
class Document:
    """A YAML file as plain values, and the line, counted from 1, on which each field stands.

    Parameters
    ----------
    value : object
        Dictionaries with text keys, lists, text, numbers, true, false and None.
    lines : dict of (tuple of str or int) to int
        By the path of the field, such as ``("splits", "train")``; the whole file is ``()``.
    """

    value: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        r"""Give the line of a field, or of the nearest thing around one that is not there.

        >>> read_document("a:\n  b: 1", "x").line(("a", "missing"))
        1
        """
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_document(text: str, name: str) -> Document:
    """Read one YAML document.

    Raises
    ------
    InvalidInput
        With the line, for whatever is not one small document of plain values with every key once.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"{name} has {len(text):,} characters; a task has at most {MAX_CHARACTERS:,}.")
    try:
        _check_events(text, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise refused(name, line, "a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise refused(name, mark.line + 1 if mark else 1, f"not YAML: {problem.problem or problem.context}") from None
    except (ValueError, OverflowError):
        # PyYAML takes an escape such as \UFFFFFFFF and a version of any length for a number, unchecked.
        raise refused(name, 1, "an escape or a %YAML version in it is beyond what YAML knows") from None
    if node is None:
        raise refused(name, 1, "the file is empty")
    lines: dict[Place, int] = {(): 1}
    return Document(_value(node, (), lines, name), lines)


def refused(name: str, line: int, what: str) -> InvalidInput:
    """Give the error that names file and line."""
    return InvalidInput(f"{name}, line {line}: {what}.")


def _check_events(text: str, name: str) -> None:
    """Refuse what could grow or hide: the parser gives events one by one and does not recurse."""
    depth, documents, values = 0, 0, 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise refused(name, line, "anchors and aliases (& and *) are not read; write the value out")
        if getattr(event, "tag", None):
            raise refused(name, line, "tags (!) are not read; write plain values")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise refused(name, line, "a second document begins (---); write one task in one file")
        values += isinstance(event, yaml.ScalarEvent)
        if values > MAX_VALUES:
            raise refused(name, line, f"it holds more than {MAX_VALUES:,} fields and values")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise refused(name, line, f"nested more than {MAX_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: yaml.Node, place: Place, lines: dict[Place, int], name: str) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise refused(name, line, "a field's name must be a word")
            key = str(key_node.value)
            if key in found:
                raise refused(name, line, f"“{_short(key)}” stands twice (first on line {lines[(*place, key)]})")
            lines[(*place, key)] = line
            found[key] = _value(value_node, (*place, key), lines, name)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, number), lines, name) for number, item in enumerate(node.value)]
    return _scalar(str(node.value), is_plain=getattr(node, "style", None) is None)


def _scalar(text: str, *, is_plain: bool) -> Any:
    if not is_plain:
        return text
    if _NULL.match(text):
        return None
    if (word := _BOOL.match(text)) is not None:
        return word[1] is not None
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def _short(word: str) -> str:
    return word if len(word) <= 40 and word.isprintable() else f"{ascii(word[:40])[1:-1]}…"
