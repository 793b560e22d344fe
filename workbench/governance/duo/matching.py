"""Whether a planned use is permitted by the terms of a dataset: yes, no, or a person has to look.

Runs in: anywhere
Source: GA4GH Data Use Ontology (DUO), release 2021-02-23; Lawson et al., “The Data Use Ontology to streamline
responsible access to human biomedical datasets”, Cell Genomics 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from workbench.governance.duo.facts import PurposeFacts
from workbench.governance.duo.modifiers import MODIFIERS
from workbench.governance.duo.permissions import PERMISSIONS
from workbench.governance.duo.terms import Term, find_term

Answer = Literal["yes", "no", "review"]
CLINICAL_CARE, DISEASE = "DUO:0000043", "DUO:0000007"
_RANKED: tuple[Answer, ...] = ("yes", "review", "no")
_RANK = {answer: rank for rank, answer in enumerate(_RANKED)}


@dataclass(frozen=True)
class TermAnswer:
    """What one term says to a planned use, with the sentence for people."""

    code: str
    label: str
    answer: Answer
    text: str
    value: str = ""

    @property
    def key(self) -> str:
        """Name the term with its parameter, such as ``DS=lung cancer``."""
        return Term(self.code, self.value).key


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
    care = any(term.code == CLINICAL_CARE for term in usage)
    said = [_answer(term, purpose, care) for term in usage]
    if not any(term.code in PERMISSIONS for term in usage):
        text = "The terms name no permission, so the custodian has to look."
        said.append(TermAnswer("", "no permission named", "review", text))
    said = _of_several_diseases(said)
    answers = {term.answer for term in said}
    return Match("no" if "no" in answers else "review" if "review" in answers else "yes", tuple(said))


def _answer(term: Term, purpose: PurposeFacts, care: bool) -> TermAnswer:
    known = find_term(term.code)
    label = known.label if known else "unknown term"
    if term.code in PERMISSIONS:
        answer, text = PERMISSIONS[term.code](term, purpose, care)
    elif term.code in MODIFIERS:
        answer, text = MODIFIERS[term.code](term, purpose)
    else:
        answer, text = "review", f"{term.code} is no term that is matched here, so the custodian has to look."
    return TermAnswer(term.code, label, answer, text, term.value)


def _of_several_diseases(said: list[TermAnswer]) -> list[TermAnswer]:
    """Let one fitting disease do where a dataset names several: they are alternatives."""
    best = min((_RANK[term.answer] for term in said if term.code == DISEASE), default=None)
    if best is None:
        return said
    text = "Another of the diseases that are named fits better."
    return [
        replace(term, answer=_RANKED[best], text=text) if term.code == DISEASE and _RANK[term.answer] > best else term
        for term in said
    ]
