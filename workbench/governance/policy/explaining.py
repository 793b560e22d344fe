"""Why somebody may or may not do a thing: the policies that decided, and what would change the answer.

What would change it is found by asking the policies again with one fact turned at a time, so it holds for a
custodian's own policies as well.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.governance.canonical import day
from workbench.governance.decide import ACTIONS, Context, authorise, find_case
from workbench.governance.obligations import nearest
from workbench.governance.people import ROLES, find_person, list_purposes
from workbench.governance.policy.reading import HOUSE, Policy
from workbench.governance.policy.reasons import FORBIDDEN, decision_of, missing_items, own_words, shown_id
from workbench.governance.policy.settling import settle
from workbench.governance.policy.situation import Situation
from workbench.governance.policy.texts import policy_text
from workbench.governance.question import Case
from workbench.governance.store import Store

SHORT = {"read": "dataset.read", "view": "dataset.view", "see": "dataset.see", "request": "dataset.request"}
# What a fact is called in a sentence, when the answer turns with it.
_FACTS = {
    "grant": "an approval that runs", "agreement": "the agreement accepted", "training": "the training in date",
    "use": "a purpose that the terms of use permit", "sandbox": "a governed kernel",
    "view": "an open view: show the scan in a running notebook",
}  # fmt: skip

# The fact that each forbid of the house waits for, and the item of the checklist where it has another name.
_NEEDED = {
    "no-grant": "grant", "no-agreement": "agreement", "no-training": "training", "use-not-permitted": "use",
    "no-sandbox": "sandbox", "no-view": "view",
}  # fmt: skip
_ITEMS = {"grant": "approval"}


def explain(store: Store, asker: str, person: str, action: str, resource: str, *, purpose: str = "") -> dict[str, Any]:
    """Explain the answer to a question, for the person themself, the dataset's custodian or an administrator.

    Parameters
    ----------
    store : Store
        The home's store.
    asker : str
        Who wants to know.
    person, action, resource : str
        The question: ``read``, ``view``, ``see``, ``request`` or a full action of the log, mostly of a dataset. It
        is answered as for a governed kernel (``view``: a browser) of the person.
    purpose : str, default ""
        A purpose's id.

    Returns
    -------
    dict
        `person, action, resource, purpose, allowed, code, reason, obligations` (sentences), `policies` (those that
        decided, as `id, source, line, effect, title`), `changes` (sentences) and `missing` (items of the checklist).

    Raises
    ------
    AccessDenied, NotFound
        When the asker may not know, or there is no such person.
    InvalidInput
        When there is no such action.
    """
    action = full_action(action)
    if asker != person:
        authorise(store, asker, "dataset.govern", resource)
    if find_person(store, person) is None:
        raise NotFound(f"No account “{person}” in this home; `workbench people` lists the accounts.")
    looks = action == "dataset.view"
    context = Context("person" if looks else "kernel", "none" if looks else "bubblewrap", purpose=purpose)
    case = find_case(store, person, action, resource, context)
    decision = decision_of(case) if isinstance(case, Case) else case
    answer: dict[str, Any] = {"person": person, "action": action, "resource": resource, "purpose": purpose}
    answer |= decision.as_dict() | {"obligations": list(decision.obligations.sentences())}
    # To whoever may not know of a dataset, it looks in everything as if there were none.
    if not isinstance(case, Case) or (asker == person and decision.code == "unknown-dataset"):
        return answer | {"policies": [], "changes": [], "missing": []}
    return answer | {
        "policies": [_shown(policy, resource) for policy in case.outcome.policies],
        "changes": list(dict.fromkeys(_changes(case, may_mend=asker != person))),
        "missing": [item.as_dict() for item in missing_items(case)],
    }


def full_action(action: str) -> str:
    """Give the action that a short or full name means.

    Raises
    ------
    InvalidInput
        When there is none; the message names the nearest.
    """
    found = SHORT.get(action, action)
    if found not in ACTIONS:
        raise InvalidInput(f"There is no action “{action[:60]}”{nearest(action, (*SHORT, *ACTIONS))}.")
    return found


def _changes(case: Case, *, may_mend: bool) -> Iterator[str]:
    """Say what would turn the answer."""
    if case.outcome.problem and may_mend:
        yield f"The policy of “{case.ask.resource}” must be mended: {case.outcome.problem}."
    if case.outcome.allowed:
        yield from _what_holds_it(case)
        return
    yield from (_what_lifts(policy, case) for policy in case.outcome.policies)
    if not case.outcome.policies and not case.outcome.problem:
        found = list(_what_opens_it(case))
        yield from found
        if not found:
            yield f"Only another policy would; ask {case.situation.custodian or 'an administrator'}."


def _what_lifts(policy: Policy, case: Case) -> str:
    """Say what a person needs for a forbid to match no more."""
    if not policy.id.startswith(HOUSE):
        return own_words(policy, case)[1]
    if policy.name == "hidden":
        return "It needs to be known to them: it is not discoverable, and they hold no approval for it."
    fact = _NEEDED.get(policy.name)
    if fact is None:
        return FORBIDDEN[policy.name](case)[1]
    steps = [item.next for item in missing_items(case) if _ITEMS.get(fact, fact) == item.key.partition(":")[0]]
    return " ".join([f"It needs {_FACTS[fact]}.", *(step for step in steps if step)])


def _what_holds_it(case: Case) -> Iterator[str]:
    """Say which facts the yes rests on, and until when each stands."""
    dates = {item.key.partition(":")[0]: item.until for item in (case.standing.items if case.standing else ())}
    for fact, text in _FACTS.items():
        item = _ITEMS.get(fact, fact)
        is_asked = item in dates or fact in ("sandbox", "view")
        if is_asked and getattr(case.situation, fact) and not _answer(case, _with(case.situation, fact, value=False)):
            ends = dates.get(item)
            yield f"It rests on {text}" + (f", which ends on {day(ends)}." if ends else ".")


def _what_opens_it(case: Case) -> Iterator[str]:
    """Say which one fact, were it otherwise, would permit what nothing permits now."""
    now = case.situation
    for fact, text in _FACTS.items():
        if not getattr(now, fact) and _answer(case, _with(now, fact, value=True)):
            yield f"It would be a yes with {text}."
    for role in ROLES:
        if role not in now.roles and _answer(case, now._replace(roles=now.roles | {role})):
            yield f"It would be a yes with the role {role}."
    for purpose in list_purposes(case.ask.store):
        if purpose["id"] != now.purpose and _answer(case, now._replace(purpose=purpose["id"])):
            yield f"It would be a yes for the purpose “{purpose['label']}”."


def _with(situation: Situation, fact: str, *, value: bool) -> Situation:
    changed: dict[str, Any] = {fact: value}
    return situation._replace(**changed)


def _answer(case: Case, situation: Situation) -> bool:
    text = policy_text(case.ask.store, case.ask.resource) if situation.action in ("read", "request") else ""
    return settle(situation, text).allowed


def _shown(policy: Policy, dataset: str) -> dict[str, Any]:
    source = HOUSE if policy.id.startswith(HOUSE) else dataset
    title = policy.annotations.get("title", "")
    return {
        "id": shown_id(policy, dataset), "source": source, "line": policy.line, "effect": policy.effect, "title": title
    }  # fmt: skip
