"""What a person declares of a planned use: the facts that the terms of a dataset are held against.

Runs in: anywhere
Source: the questions behind the modifiers of the GA4GH Data Use Ontology, release 2021-02-23.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from workbench.errors import InvalidInput

# Kinds of use. The first three are research; the Data Use Ontology is silent about the last two.
KINDS = ("biomedical", "ancestry", "other", "clinical-care", "education", "quality")
LONGEST = 500
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class PurposeFacts:
    """A planned use, as it was declared; ``None`` and ``""`` mean “not declared”, which never counts as a yes.

    Parameters
    ----------
    research_kind : str
        One of ``biomedical``, ``ancestry``, ``other`` (research), ``clinical-care``, ``education``, ``quality``.
    disease : str
        What is studied, by name or MONDO id.
    is_method_development : bool, optional
        Whether models, software or algorithms are trained or developed.
    is_commercial, is_for_profit : bool, optional
        Whether the use is commercial; whether the organisation works for profit.
    is_ancestry, is_control_set, is_genetic : bool, optional
        Whether origins or ancestry are studied, the data serve as controls, the study is a genetic one.
    ethics_approval, ethics_until : str
        Reference of the ethics approval, and its last day (YYYY-MM-DD).
    collaboration : str
        With whom of those who made the data.
    will_publish, will_return : bool, optional
        Whether results will be published, and given back to the resource.
    publish_after : str
        No publication before this day (YYYY-MM-DD).
    country, institution, project : str
        Where (ISO 3166 code), for whom, and in which project of this home.
    person, investigation : str
        Who, and the DUO code of the purpose's kind of study.
    starts, until, now : str
        First and last moment of the use, and the moment of the question (UTC stamps).
    """

    research_kind: str = ""
    disease: str = ""
    is_method_development: bool | None = None
    is_commercial: bool | None = None
    is_for_profit: bool | None = None
    is_ancestry: bool | None = None
    is_control_set: bool | None = None
    is_genetic: bool | None = None
    ethics_approval: str = ""
    ethics_until: str = ""
    collaboration: str = ""
    will_publish: bool | None = None
    publish_after: str = ""
    will_return: bool | None = None
    country: str = ""
    institution: str = ""
    project: str = ""
    person: str = ""
    investigation: str = ""
    starts: str = ""
    until: str = ""
    now: str = ""


# What the gateway knows by itself, and so nobody declares.
KNOWN = ("person", "investigation", "starts", "until", "now")
DECLARED = tuple(field.name for field in fields(PurposeFacts) if field.name not in KNOWN)
_IS_CHOICE = frozenset(field.name for field in fields(PurposeFacts) if field.type == "bool | None")


def is_choice(name: str) -> bool:
    """Say whether a fact is answered by yes or no."""
    return name in _IS_CHOICE


def read_facts(value: object) -> dict[str, Any]:
    """Give declared facts, checked: only known names, each of its type, without those left undeclared.

    Raises
    ------
    InvalidInput
        When a name is unknown or a value is not of its kind; the message names it.

    >>> read_facts({"is_commercial": False, "disease": " lung cancer "})
    {'is_commercial': False, 'disease': 'lung cancer'}
    """
    if not isinstance(value, Mapping):
        raise InvalidInput("The facts of a purpose are an object, such as {“is_commercial”: false}.")
    found: dict[str, Any] = {}
    for name, given in value.items():
        if name not in DECLARED:
            raise InvalidInput(f"“{str(name)[:40]}” is not a fact to declare; the facts are {', '.join(DECLARED)}.")
        checked = _choice(name, given) if name in _IS_CHOICE else _text(name, given)
        if checked not in (None, ""):
            found[name] = checked
    return found


def _choice(name: str, value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"“{name}” is true or false, or left out while it is not known.")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or "\x00" in value:
        raise InvalidInput(f"“{name}” is a text of at most {LONGEST} characters.")
    text = value.strip()
    if text and name == "research_kind" and text not in KINDS:
        raise InvalidInput(f"“research_kind” is one of {', '.join(KINDS)}.")
    if text and name in ("ethics_until", "publish_after") and not _DAY.fullmatch(text):
        raise InvalidInput(f"“{name}” is a day, written YYYY-MM-DD.")
    return text
