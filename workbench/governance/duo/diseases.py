"""Whether one disease is another, a kind of it, or near it; what the table does not know is told by name alone.

Runs in: anywhere
Source: Mondo Disease Ontology for identifiers and parents; `diseases.json` holds those of this workbench's data.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Literal


def compare_diseases(studied: str, allowed: str) -> Literal["yes", "no", "review"]:
    """Say whether the study of a disease is the study of the allowed one.

    Returns
    -------
    str
        ``yes`` for the same disease or a kind of it; ``review`` for a wider or a near one, and where a name is not
        known; ``no`` for another.

    >>> compare_diseases("lung adenocarcinoma", "MONDO:0008903"), compare_diseases("cancer", "lung cancer")
    ('yes', 'review')
    """
    first, second = _find(studied), _find(allowed)
    if first is None or second is None:
        return "yes" if _plain(studied) == _plain(allowed) else "review"
    if second["name"] in _ancestors(first["name"]):
        return "yes"
    is_near = first["name"] in _ancestors(second["name"]) or second["name"] in first["near"]
    return "review" if is_near else "no"


@cache
def _table() -> dict[str, dict[str, Any]]:
    found = json.loads((files(__package__) / "diseases.json").read_text(encoding="utf-8"))["diseases"]
    return {_plain(name): item for item in found for name in (item["name"], item["id"], *item["also"])}


def _find(text: str) -> dict[str, Any] | None:
    return _table().get(_plain(text))


@cache
def _ancestors(name: str) -> frozenset[str]:
    parents = _table()[_plain(name)]["parents"]
    return frozenset({name}).union(*(_ancestors(parent) for parent in parents))


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("_", ":" if text.casefold().startswith("mondo_") else " ").split())
