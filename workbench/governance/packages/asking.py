"""What somebody may ask for: names with versions, never addresses, files or options; and what is on the list.

A name travels to the package index only when it is on the list or a person let it pass: a name that code in a
kernel made up could carry data out, and so could an address.

Runs in: anywhere
Source: PEP 503 (names), PEP 508 (requirements).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from workbench.errors import InvalidInput

MOST_NAMES = 20
LONGEST = 100
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
FORM = "Give names, with a version where it matters, such as `lifelines` or `lifelines==0.30.0`"


@dataclass(frozen=True)
class Wanted:
    """One package that somebody asks for.

    Parameters
    ----------
    name : str
        Its normalised name.
    text : str
        The requirement as pip takes it, with extras and versions.
    """

    name: str
    text: str


def normalised(name: str) -> str:
    """Give a name as an index compares it.

    >>> normalised("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(text: str) -> Wanted:
    """Read one requirement.

    Raises
    ------
    InvalidInput
        When it is an address, a file, an option, or no requirement at all.

    Examples
    --------
    >>> wanted("Lifelines >=0.30, <1").text
    'lifelines<1,>=0.30'
    """
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - loaded where packages are asked

    text = text.strip()
    if text.startswith("-") or "/" in text or "@" in text or "\\" in text or len(text) > LONGEST:
        raise InvalidInput(
            f"{FORM}; addresses, files and options are not taken, because packages come from the home's own index."
        )
    try:
        found = Requirement(text)
    except InvalidRequirement:
        raise InvalidInput(f"“{text}” is not the name of a package. {FORM}.") from None
    if found.url or found.marker or not _NAME.fullmatch(found.name):
        raise InvalidInput(f"“{text}” says more than a name and versions. {FORM}.")
    name, extras = normalised(found.name), ",".join(sorted(found.extras))
    return Wanted(name, f"{name}{f'[{extras}]' if extras else ''}{found.specifier}")


def wanted_all(texts: Sequence[object]) -> list[Wanted]:
    """Read a list of requirements, each name once.

    Raises
    ------
    InvalidInput
        When one of them is none, or there are none, or too many.
    """
    if not texts or len(texts) > MOST_NAMES or not all(isinstance(text, str) for text in texts):
        raise InvalidInput(f"{FORM}; 1 to {MOST_NAMES} of them.")
    found = {item.name: item for item in (wanted(str(text)) for text in texts)}
    return list(found.values())


@cache
def listed() -> frozenset[str]:
    """Give the names that come with the workbench's list, normalised."""
    groups = json.loads(files("workbench.governance.packages").joinpath("listed.json").read_text())
    return frozenset(normalised(name) for names in groups.values() for name in names)
