"""Whether a planned use is permitted by the terms of a dataset: yes, no, or a person has to look.

Runs in: anywhere
Source: GA4GH Data Use Ontology (DUO), release 2021-02-23; Lawson et al., “The Data Use Ontology to streamline
responsible access to human biomedical datasets”, Cell Genomics 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from workbench.governance.duo.facts import PurposeFacts
from workbench.governance.duo.terms import Term

Answer = Literal["yes", "no", "review"]


@dataclass(frozen=True)
class TermAnswer:
    """What one term says to a planned use, with the sentence for people."""

    code: str
    label: str
    answer: Answer
    text: str
    value: str = ""


@dataclass(frozen=True)
class Match:
    """What all terms together say: ``no`` when one does, else ``review`` when one needs a look, else ``yes``."""

    answer: Answer
    terms: tuple[TermAnswer, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the match as plain JSON values."""
        return {"answer": self.answer, "terms": [asdict(term) for term in self.terms]}


def match(usage: Sequence[Term], purpose: PurposeFacts) -> Match:
    """Hold every term of a dataset against a planned use.

    Parameters
    ----------
    usage : sequence of Term
        The terms of the dataset.
    purpose : PurposeFacts
        What was declared, and what the gateway knows.

    Returns
    -------
    Match
        Never ``yes`` for an unknown code, a term without its parameter, or a fact that was not declared.
    """
    text = "Nothing is matched by itself here; the custodian looks at the purpose."
    answers = tuple(TermAnswer(term.code, term.code, "review", text, term.value) for term in usage)
    return Match("review", answers)
