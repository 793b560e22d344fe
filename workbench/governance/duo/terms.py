"""The terms of the Data Use Ontology, as data, and a term as a dataset carries it.

Runs in: anywhere
Source: GA4GH Data Use Ontology (DUO), release 2021-02-23; `terms.json` holds every code that is matched.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from workbench.errors import InvalidInput

Kind = Literal["permission", "modifier", "investigation"]
MOST_TERMS = 50
LONGEST_VALUE = 500
_CODE = re.compile(r"(?:https?://purl\.obolibrary\.org/obo/)?DUO[_:](\d{7})", re.IGNORECASE)


@dataclass(frozen=True)
class Term:
    """One term of a dataset's permitted use: a DUO code and, where the code needs one, its parameter.

    >>> read_term("DS=lung cancer")
    Term(code='DUO:0000007', value='lung cancer')
    """

    code: str
    value: str = ""

    @property
    def key(self) -> str:
        """Name the term with its parameter, such as ``DS=lung cancer``."""
        known = find_term(self.code)
        short = known.short if known else self.code
        return f"{short}={self.value}" if self.value else short


@dataclass(frozen=True)
class Definition:
    """What the ontology says of a code; `facts` are those that an investigation of this kind implies."""

    code: str
    short: str
    label: str
    definition: str
    kind: Kind
    parents: tuple[str, ...] = ()
    parameter: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@cache
def vocabulary() -> dict[str, Definition]:
    """Give every term that is known, by its code."""
    found = json.loads((files(__package__) / "terms.json").read_text(encoding="utf-8"))["terms"]
    terms = [Definition(**{**term, "parents": tuple(term["parents"])}) for term in found]
    return {term.code: term for term in terms}


@cache
def _by_short() -> dict[str, Definition]:
    return {term.short: term for term in vocabulary().values()}


def find_term(name: str) -> Definition | None:
    """Give the definition of a code, an address or a short name such as ``NMDS``; None when there is none."""
    matched = _CODE.fullmatch(name.strip())
    return vocabulary().get(f"DUO:{matched[1]}") if matched else _by_short().get(name.strip().upper())


def is_within(code: str, wider: str) -> bool:
    """Say whether a term is another one or, by its parents, a kind of it."""
    known = vocabulary().get(code)
    return code == wider or (known is not None and any(is_within(parent, wider) for parent in known.parents))


def read_term(value: object) -> Term:
    """Read a term from ``"NMDS"``, ``"DS=lung cancer"`` or ``{"code": …, "value": …}``.

    A DUO code that is not known is kept: it makes every match a review.

    Raises
    ------
    InvalidInput
        When it is no term at all; the message names the nearest one.
    """
    if isinstance(value, Mapping):
        name, parameter = value.get("code"), value.get("value", "")
    elif isinstance(value, str):
        name, _, parameter = value.partition("=")
    else:
        name, parameter = None, ""
    if not isinstance(name, str) or not isinstance(parameter, str) or len(parameter) > LONGEST_VALUE:
        raise InvalidInput("A term of use is a DUO code with, where it needs one, a value: “NMDS” or “DS=lung cancer”.")
    known, code = find_term(name), _CODE.fullmatch(name.strip())
    if known is None and code is None:
        near = difflib.get_close_matches(name.strip().upper(), list(_by_short()), n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise InvalidInput(f"“{name.strip()[:40]}” is not a term of the Data Use Ontology{hint}.")
    return Term(known.code if known else f"DUO:{code[1]}" if code else "", " ".join(parameter.split()))


def read_terms(value: object) -> tuple[Term, ...]:
    """Read the terms of a dataset from a list, each once; see `read_term`."""
    if not isinstance(value, list | tuple) or len(value) > MOST_TERMS:
        raise InvalidInput(f"The terms of use are a list of at most {MOST_TERMS} terms, such as [“GRU”, “NMDS”].")
    return tuple(dict.fromkeys(read_term(item) for item in value))
