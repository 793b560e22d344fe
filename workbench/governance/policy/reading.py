"""Cedar text, read: its tokens and statements with their places, and its policies with what the gateway needs of them.

Runs in: anywhere
Source: Cedar policy language 4, grammar of policies; its JSON policy format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from workbench.governance.obligations import NONE, Obligations

HOUSE, OWN = "house", "own"
FOLDER = Path(__file__).parent
MOST_CHARACTERS, MOST_POLICIES = 64_000, 100
# Cedar's parser recurses: thousands of brackets would overflow the stack of the process that reads them.
MOST_TOKENS, MOST_NESTED = 2_000, 30
_TOKEN = re.compile(
    r'(?P<space>\s+|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<word>[A-Za-z_]\w*|\d+)|(?P<sign>::|==|!=|<=|>=|&&|\|\||.)',
    re.DOTALL,
)


class Token(NamedTuple):
    """A word, string or sign of a policy text, and where it begins."""

    text: str
    offset: int


class Statement(NamedTuple):
    """One policy of a text, from its first annotation to its semicolon."""

    text: str
    offset: int
    tokens: tuple[Token, ...]


@dataclass(frozen=True, eq=False)
class Policy:
    """One policy, of the house or of a dataset.

    Parameters
    ----------
    id : str
        ``house/NAME`` or ``own/NAME``.
    name, effect : str
        Its ``@id`` (``line-N`` without one), and ``permit`` or ``forbid``.
    actions : frozenset of str, optional
        The actions it is about; None for all.
    line : int
        Where it begins, counted from 1.
    annotations : mapping of str to str
        Its annotations.
    body : mapping
        Cedar's JSON form of it.
    obligations : Obligations
        What its annotations oblige the gateway to do; only permits have some.
    """

    id: str
    name: str
    effect: str
    actions: frozenset[str] | None
    line: int
    annotations: Mapping[str, str]
    body: Mapping[str, Any]
    obligations: Obligations = NONE

    def covers(self, action: str) -> bool:
        """Whether it is about an action."""
        return self.actions is None or action in self.actions


def tokens(text: str) -> tuple[Token, ...]:
    """Give the tokens of a text, without spaces and comments."""
    return tuple(Token(m[0], m.start()) for m in _TOKEN.finditer(text) if m.lastgroup != "space")


def statements(text: str) -> tuple[Statement, ...]:
    """Cut a text after each semicolon that is in no string and no comment; the last may lack its own."""
    found, current = [], []
    for token in tokens(text):
        current.append(token)
        if token.text == ";":
            found.append(_statement(text, current))
            current = []
    return (*found, _statement(text, current)) if current else tuple(found)


def place(text: str, offset: int) -> tuple[int, int]:
    """Give the line and column of an offset, both counted from 1.

    >>> place("permit", 3)
    (1, 4)
    """
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def read_policies(text: str, source: str) -> tuple[Policy, ...]:
    """Give the policies of a text in its order, their obligations left unread.

    Raises
    ------
    ValueError
        When Cedar cannot parse it; `mistakes.find_mistakes` says where.
    """
    import cedarpy  # noqa: PLC0415 - heavy, loaded on first use

    bodies = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
    return tuple(
        _policy(body, place(text, part.offset)[0], source) for body, part in zip(bodies, statements(text), strict=True)
    )


@cache
def schema_text(source: str) -> str:
    """Give the schema that policies of the house, or of a dataset, are validated against."""
    own = (FOLDER / "dataset.cedarschema").read_text(encoding="utf-8")
    return own if source == OWN else own + (FOLDER / "house.cedarschema").read_text(encoding="utf-8")


def oversize(text: str) -> tuple[int, str] | None:
    """Say where a text is too long, or so deeply nested that reading it could end the process; None when it is not."""
    parts = statements(text[: MOST_CHARACTERS + 1])
    if len(text) > MOST_CHARACTERS or len(parts) > MOST_POLICIES:
        return 0, f"A policy text has at most {MOST_CHARACTERS} characters and {MOST_POLICIES} policies; shorten it."
    for part in parts:
        if len(part.tokens) > MOST_TOKENS or _depth(part) > MOST_NESTED:
            most = f"at most {MOST_TOKENS} words and signs, brackets {MOST_NESTED} deep"
            return part.offset, f"This policy is too large ({most}); make several of it."
    return None


def _depth(part: Statement) -> int:
    depth = deepest = 0
    for token in part.tokens:
        depth += (token.text in "([{") - (token.text in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _statement(text: str, found: list[Token]) -> Statement:
    start, last = found[0].offset, found[-1]
    return Statement(text[start : last.offset + len(last.text)], start, tuple(found))


def _policy(body: Mapping[str, Any], line: int, source: str) -> Policy:
    annotations = {name: value or "" for name, value in body.get("annotations", {}).items()}
    scope = body["action"]
    named = [scope["entity"]] if "entity" in scope else scope.get("entities", [])
    actions = None if scope["op"] == "All" else frozenset(entity["id"] for entity in named)
    name = annotations.get("id") or f"line-{line}"
    return Policy(f"{source}/{name}", name, body["effect"], actions, line, annotations, body)
