"""The answer of the policies to a situation: permitted only when Cedar says a clean yes, with what it obliges to.

Runs in: anywhere
Source: Cedar policy language 4: default deny, forbid overrides permit, a policy that fails is reported.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import IntegrityError, InvalidInput
from workbench.governance.obligations import NONE, Obligations
from workbench.governance.policy.mistakes import checked_policies
from workbench.governance.policy.reading import FOLDER, HOUSE, Policy, read_policies, schema_text
from workbench.governance.policy.situation import Situation

if TYPE_CHECKING:
    from cedarpy import PolicySet

MOST_REMEMBERED = 10_000
# No account can have this name.
ANYBODY_ELSE = "?"


class Outcome(NamedTuple):
    """What the policies say.

    Parameters
    ----------
    allowed : bool
        True only for a clean yes.
    policies : tuple of Policy
        Those that decided, in the order of their texts: the forbids that matched, else the permits; none when it is
        refused because nothing permits it.
    obligations : Obligations
        Of all permits that matched, together.
    problem : str
        Why the policies could not be asked; empty when they could.
    """

    allowed: bool
    policies: tuple[Policy, ...] = ()
    obligations: Obligations = NONE
    problem: str = ""


class Rules:
    """The policies of the house and those of one dataset, parsed once and asked often.

    Parameters
    ----------
    own : tuple of Policy
        The dataset's own.
    """

    def __init__(self, own: tuple[Policy, ...]) -> None:
        self.own = own
        self._policies = {policy.id: policy for policy in (*house(), *own)}
        self._order = {policy_id: number for number, policy_id in enumerate(self._policies)}
        self._ruled = {action for action in ("read", "request") if any(_permits(policy, action) for policy in own)}
        self._sets: dict[str, PolicySet] = {}
        self._obligations: dict[tuple[str, ...], Obligations] = {}
        self._outcomes: dict[Situation, Outcome] = {}
        bodies = json.dumps([policy.body for policy in self._policies.values()])
        self.looks_at_the_clock, self._names_people = '"now"' in bodies, '"Person"' in bodies

    def rules(self, action: str) -> bool:
        """Whether the dataset's own policies permit an action to somebody."""
        return action in self._ruled

    def settle(self, situation: Situation) -> Outcome:
        """Give the answer; one situation always has the same, so it is remembered.

        Who asks matters to the policies only where they name people, or where that person is the custodian, the
        uploader or the owner; everybody else who stands alike is given the same answer.
        """
        others = (situation.custodian, situation.uploader, situation.owner, situation.resource)
        if not self._names_people and situation.person not in others:
            situation = situation._replace(person=ANYBODY_ELSE)
        found = self._outcomes.get(situation)
        if found is None:
            if len(self._outcomes) >= MOST_REMEMBERED:
                self._outcomes.clear()
                self._obligations.clear()
            found = self._outcomes[situation] = self.ask(situation)
        return found

    def ask(self, situation: Situation) -> Outcome:
        """Ask the policies."""
        from cedarpy import is_authorized  # noqa: PLC0415 - heavy, loaded on first use

        try:
            answer = is_authorized(situation.request(), self._asked(situation.action), situation.entities_text())
        except (ValueError, TypeError):
            return Outcome(False, problem="the question could not be put to the policies")
        if answer.diagnostics.errors:
            failed = sorted({name for text in answer.diagnostics.errors for name in re.findall(r"`(\w+/[^`]*)`", text)})
            return Outcome(False, problem=f"it fails at this question ({', '.join(failed)})")
        names = tuple(sorted(answer.diagnostics.reasons, key=self._order.__getitem__))
        matched = tuple(self._policies[name] for name in names)
        return Outcome(True, matched, self._together(names)) if answer.allowed else Outcome(False, matched)

    def _together(self, names: tuple[str, ...]) -> Obligations:
        """Add up what permits oblige to."""
        found = self._obligations.get(names)
        if found is None:
            found = NONE
            for name in names:
                found = found.plus(self._policies[name].obligations)
            self._obligations[names] = found
        return found

    def _asked(self, action: str) -> PolicySet:
        """Give the policies that are about an action, parsed; the others could not match."""
        found = self._sets.get(action)
        if found is None:
            found = self._sets[action] = _parsed([p for p in self._policies.values() if p.covers(action)])
        return found


@cache
def house() -> tuple[Policy, ...]:
    """Give the policies of the house.

    Raises
    ------
    IntegrityError
        When the shipped policies do not fit the shipped schema; nothing can be decided then.
    """
    import cedarpy  # noqa: PLC0415 - heavy, loaded on first use

    text = (FOLDER / "house.cedar").read_text(encoding="utf-8")
    found = cedarpy.validate_policies(text, schema_text(HOUSE))
    if not found.validation_passed:
        raise IntegrityError("The policies of the house do not fit their schema, so nothing is permitted; reinstall.")
    return read_policies(text, HOUSE)


@lru_cache(maxsize=256)
def rules_of(text: str) -> Rules:
    """Give the rules that hold with a dataset's own policy text, which may be empty.

    Raises
    ------
    InvalidInput
        When the text has a mistake; code ``bad-policy``.
    """
    return Rules(checked_policies(text) if text.strip() else ())


def settle(situation: Situation, text: str) -> Outcome:
    """Ask the policies of the house and a dataset's own text; a text with a mistake refuses everything.

    The facts `ruled` and, where no policy looks at it, `now` are set here.
    """
    try:
        rules = rules_of(text)
    except InvalidInput as mistake:
        return Outcome(False, problem=mistake.message)
    now = situation.now if rules.looks_at_the_clock else ""
    return rules.settle(situation._replace(ruled=rules.rules(situation.action), now=now))


def _permits(policy: Policy, action: str) -> bool:
    return policy.effect == "permit" and policy.covers(action)


def _parsed(policies: list[Policy]) -> PolicySet:
    from cedarpy import PolicySet  # noqa: PLC0415 - heavy, loaded on first use

    bodies = {policy.id: policy.body for policy in policies}
    return PolicySet.from_json_str(json.dumps({"templates": {}, "staticPolicies": bodies, "templateLinks": []}))
