"""The examples that stand as comments in a policy file, each asked of the house and this policy together.

    // example "A trained researcher sees ages in steps": {"roles": ["researcher"]} => allow, bin people.age by 5
    // example "Nobody reads it without training": {"training": false} => deny

What an example does not say is as for a researcher who meets everything that the house asks, reading controlled data
in a governed kernel. A long example may go on in the next comment line.

Runs in: anywhere
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from workbench.errors import InvalidInput
from workbench.governance.obligations import ANNOTATIONS, NONE, Obligations, nearest, obligations_of
from workbench.governance.policy.settling import Outcome, settle
from workbench.governance.policy.situation import Situation

_START = re.compile(r"^[ \t]*//[ \t]*example\b(.*)$", re.MULTILINE)
_MORE = re.compile(r"\n[ \t]*//(?![ \t]*example\b)([^\n]*)")
_FORM = re.compile(
    r'\s*"(?P<title>[^"]*)"\s*:\s*(?P<facts>\{.*\})\s*=>\s*(?P<answer>allow|deny)\b(?P<rest>.*)', re.DOTALL
)
_AND = re.compile(rf",\s+(?=(?:{'|'.join(ANNOTATIONS)})\b)")
_WRITE = 'write // example "TITLE": {"roles": ["researcher"]} => allow (or deny)'

_NOW = "2026-01-01T00:00:00Z"
TYPICAL = Situation(
    "somebody", frozenset({"researcher"}), "read", "Dataset", "this-dataset",
    agreement=True, training=True, use=True, grant=True, held=True, tier="controlled", custodian="the-custodian",
    discoverable=True, published=True, kind="kernel", sandbox=True, view=True, now=_NOW,
)  # fmt: skip
# What an example may say, with the kind of each value.
_FACTS: dict[str, type] = {
    "roles": list, "action": str, "purpose": str, "tier": str, "kind": str, "institution": str, "country": str,
    "projects": list, "agreement": bool, "training": bool, "use": bool, "grant": bool, "sandbox": bool,
    "looking": bool, "view": bool, "now": str, "person": str,
}  # fmt: skip
_CHOICES = {
    "action": ("read", "request"),
    "tier": ("open", "registered", "controlled", "undisclosed"),
    "kind": ("person", "kernel", "evaluator", "operator"),
    "roles": ("researcher", "custodian", "checker", "teacher", "reviewer", "administrator"),
}


@dataclass(frozen=True)
class Example:
    """One example: what it says, what came out, and whether that is the same."""

    line: int
    title: str
    expected: str
    got: str
    ok: bool
    policy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the example as plain JSON values."""
        return asdict(self)

    def sentence(self) -> str:
        """Say it in one line."""
        by = f" ({self.policy})" if self.policy else ""
        return f"line {self.line}: the example “{self.title}” should {self.expected}, and the answer is {self.got}{by}."


def run_examples(text: str) -> list[Example]:
    """Ask every example of a text that has no mistakes."""
    return [_run(text, line, body) for line, body in _written(text)]


def _written(text: str) -> Iterator[tuple[int, str]]:
    """Give each example with its line, joined from the comment lines over which it goes."""
    for start in _START.finditer(text):
        body, end = start[1], start.end()
        while "=>" not in body and (more := _MORE.match(text, end)):
            body, end = f"{body} {more[1].strip()}", more.end()
        yield text.count("\n", 0, start.start(1)) + 1, body


def _run(text: str, line: int, body: str) -> Example:
    form = _FORM.fullmatch(body.rstrip())
    title = form["title"] if form else body.strip()[:60]
    try:
        if form is None:
            raise InvalidInput(f"it cannot be read: {_WRITE}")
        allowed, wanted = form["answer"] == "allow", _obligations(form["rest"])
        situation = _situation(form["facts"])
    except InvalidInput as mistake:
        return Example(line, title, "be an example", mistake.message.rstrip("."), ok=False)
    outcome = settle(situation, text)
    same = outcome.allowed == allowed and (not allowed or outcome.obligations == wanted)
    by = ", ".join(policy.id.replace("own/", "") for policy in outcome.policies)
    return Example(line, title, _said(allowed, wanted), _answer(outcome), ok=same, policy=by)


def _situation(facts_text: str) -> Situation:
    try:
        facts = json.loads(facts_text)
    except ValueError:
        raise InvalidInput('its facts are not JSON; write {"name": value, …}') from None
    for name, value in facts.items():
        if name not in _FACTS:
            raise InvalidInput(f"there is no fact “{name[:40]}”{nearest(name, _FACTS)}")
        if not isinstance(value, _FACTS[name]):
            raise InvalidInput(f"“{name}” is not {_KINDS[_FACTS[name]]}")
        for word in value if isinstance(value, list) else [value]:
            if not isinstance(word, str | bool):
                raise InvalidInput(f"“{name}” holds something that is no text")
            if name in _CHOICES and word not in _CHOICES[name]:
                raise InvalidInput(f"there is no {name} “{str(word)[:40]}”{nearest(str(word), _CHOICES[name])}")
    if "now" in facts and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", facts["now"]):
        raise InvalidInput("“now” is a day, written YYYY-MM-DD")
    sets = {name: frozenset(value) for name, value in facts.items() if isinstance(value, list)}
    found = TYPICAL._replace(**{**facts, **sets})
    # Where somebody looks from their browser, there is no sandbox unless the example says so.
    return found._replace(held=found.grant, sandbox=facts.get("sandbox", found.kind == "kernel"))


def _obligations(rest: str) -> Obligations:
    """Read what follows “allow”: obligations as annotations say them, such as ``, bin people.age by 5``."""
    found = NONE
    for piece in _AND.split(rest):
        name, _, value = piece.strip(" ,.").partition(" ")
        if name:
            found = found.plus(obligations_of({name: value}))
    return found


def _said(allowed: bool, obligations: Obligations) -> str:
    if not allowed:
        return "deny"
    return f"allow: {' '.join(obligations.sentences())}".rstrip(". ") if obligations else "allow everything"


def _answer(outcome: Outcome) -> str:
    return f"deny, because {outcome.problem}" if outcome.problem else _said(outcome.allowed, outcome.obligations)


_KINDS = {str: "a text", bool: "true or false", list: "a list of texts"}
