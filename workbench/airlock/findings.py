"""What an automatic check of the airlock found: in which file, at which place, by which rule, and how grave it is.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, NamedTuple

Severity = Literal["stop", "look"]


class Hit(NamedTuple):
    """What a check found in a piece of a file, before the file and the place are known."""

    rule: str
    reason: str
    severity: Severity = "stop"
    place: str = ""

    def at(self, file: str, place: str) -> Finding:
        """Give the finding at a place; the hit's own place is told behind it."""
        return Finding(file, f"{place}, {self.place}" if self.place else place, self.rule, self.reason, self.severity)


@dataclass(frozen=True)
class Finding:
    """One thing that an automatic check found; its texts never repeat what it found.

    Attributes
    ----------
    file, place : str
        Where: the file's name, and the cell, page, column or tensor inside.
    rule : str
        A short name that programs can match, such as ``row-level-table``.
    reason : str
        One sentence: what was found and what to do.
    severity : {"stop", "look"}
        ``stop`` refuses the release; ``look`` is shown to the output checkers, who decide.

    Examples
    --------
    >>> Finding("a.png", "trailing bytes", "trailing-bytes", "Bytes follow the picture.", "stop").is_stop
    True
    """

    file: str
    place: str
    rule: str
    reason: str
    severity: Severity = "look"

    @property
    def is_stop(self) -> bool:
        """Whether the release is refused."""
        return self.severity == "stop"

    def as_dict(self) -> dict[str, str]:
        """Give the finding as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class ScanContext:
    """What is known beside the file itself; each check uses what it needs and is strict about what is missing.

    Attributes
    ----------
    files : mapping of str to bytes
        The other files of the same offer by name: the sidecar of a table, the evaluation of a model.
    subjects : int, optional
        How many distinct subjects the offered results were made from, where the offer says so.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    subjects: int | None = None
