"""What each permission of the Data Use Ontology says to a planned use.

The permissions form a lattice: no restriction holds general research, which holds health research and the study of
ancestry; health research holds that of one disease.

Runs in: anywhere
Source: GA4GH Data Use Ontology (DUO), release 2021-02-23, the children of DUO:0000001.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from workbench.governance.duo.diseases import compare_diseases
from workbench.governance.duo.facts import PurposeFacts
from workbench.governance.duo.terms import Term

Answer = Literal["yes", "no", "review"]
Said = tuple[Answer, str]
Rule = Callable[[Term, PurposeFacts, bool], Said]
_RESEARCH = frozenset({"biomedical", "ancestry", "other"})
_UNSAID: Said = "review", "Declare `research_kind` with the request: what kind of research this is."


def _any(term: Term, facts: PurposeFacts, care: bool) -> Said:
    return "yes", "Every use is allowed."


def _general(term: Term, facts: PurposeFacts, care: bool) -> Said:
    other = _no_research(facts, care)
    if other:
        return other
    if facts.research_kind in _RESEARCH or facts.is_method_development or facts.is_ancestry or facts.is_genetic:
        return "yes", "Every kind of research is allowed, and this is research."
    return _UNSAID


def _health(term: Term, facts: PurposeFacts, care: bool) -> Said:
    other = _no_research(facts, care)
    if other:
        return other
    if facts.is_ancestry or facts.research_kind == "ancestry":
        return "no", "Health research does not hold the study of population origins or ancestry."
    if facts.research_kind == "other":
        return "no", "Only health, medical or biomedical research is allowed, and this is declared as other research."
    return ("yes", "This is health research.") if facts.research_kind else _UNSAID


def _disease(term: Term, facts: PurposeFacts, care: bool) -> Said:
    answer, text = _health(term, facts, care)
    if answer == "no":
        return answer, text
    if not term.value:
        return "review", "The term names no disease, so the custodian has to look."
    if not facts.disease:
        return "review", f"Declare `disease` with the request: these data are for the study of {term.value}."
    near = compare_diseases(facts.disease, term.value)
    if near == "no":
        control = " Control data of another disease are another use." if facts.is_control_set else ""
        return "no", f"Only the study of {term.value} is allowed, and this studies {facts.disease}.{control}"
    if near == "review":
        return "review", f"The custodian has to say whether {facts.disease} belongs to {term.value}."
    return (answer, text) if answer == "review" else ("yes", f"This studies {term.value}.")


def _ancestry(term: Term, facts: PurposeFacts, care: bool) -> Said:
    other = _no_research(facts, care)
    if other:
        return other
    if facts.is_ancestry or facts.research_kind == "ancestry":
        return "yes", "This studies population origins or ancestry."
    if facts.is_ancestry is False or facts.research_kind:
        return "no", "Only the study of population origins or ancestry is allowed."
    return _UNSAID


def _no_research(facts: PurposeFacts, care: bool) -> Said | None:
    """Answer for clinical care, teaching and quality work, which are no research."""
    if facts.research_kind == "clinical-care":
        if care:
            return "yes", "Clinical care is allowed besides research (CC)."
        return "no", "Research is allowed, and clinical care is not."
    if facts.research_kind in ("education", "quality"):
        return "review", "The term speaks of research only; the custodian has to say whether this may be done too."
    return None


PERMISSIONS: dict[str, Rule] = {
    "DUO:0000004": _any,
    "DUO:0000042": _general,
    "DUO:0000006": _health,
    "DUO:0000007": _disease,
    "DUO:0000011": _ancestry,
}
