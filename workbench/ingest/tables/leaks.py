"""The table's own check, made from the source and the result alone: nothing that identifies is left.

Runs in: ingest host
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from workbench.ingest.tables.declaration import Declaration

PSEUDONYM = re.compile(r"[0-9a-f]{16}")
# Shorter values, such as a bed's number, meet others by chance.
SHORTEST = 4


def find_leaks(
    frame: Any, declaration: Declaration, identifying: Mapping[str, Collection[str]]
) -> list[tuple[str, str]]:
    """Give (column, rule) of everything that should not be in a table that is to be published.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table as it would be published.
    declaration : Declaration
        What is declared of it.
    identifying : mapping of str to collection of str
        By source column: the values of subjects, ids, free texts and dropped columns.
    """
    found: list[tuple[str, str]] = []
    allowed = _allowed(declaration)
    secrets = {value.casefold() for values in identifying.values() for value in values if len(value) >= SHORTEST}
    secrets -= {word.casefold() for words in allowed.values() for word in words}
    wanted = [column.name for column in declaration.columns if column.is_kept]
    if list(frame.columns) != wanted:
        found.append(("", "undeclared-column"))
    for column in declaration.columns:
        if not column.is_kept or column.name not in frame.columns:
            continue
        if column.stored_type not in ("string", "int64"):
            continue
        texts = {str(value) for value in frame[column.name].dropna().unique().tolist()}
        if column.stored_type == "string":
            if column.type in ("subject", "id"):
                found += [(column.name, "not-a-pseudonym")] if not all(map(PSEUDONYM.fullmatch, texts)) else []
            elif not texts <= allowed[column.name]:
                found.append((column.name, "undeclared-value"))
        if not secrets.isdisjoint(text.casefold() for text in texts):
            found.append((column.name, "source-value"))
    return found


def _allowed(declaration: Declaration) -> dict[str, set[str]]:
    """Give the texts that each column may hold: declared codes, and the labels of groups."""
    allowed: dict[str, set[str]] = {}
    for column in declaration.columns:
        edges = zip(column.bins, column.bins[1:], strict=False)
        allowed[column.name] = {f"{low:g}-{high:g}" for low, high in edges} | set((column.values or {}).values())
    return allowed
