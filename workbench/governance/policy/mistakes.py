"""The mistakes in a custodian's policy text, each with its line, its column and the nearest word that would do.

Cedar says what is wrong and seldom where, so each message is traced back to the word in the text that caused it.

Runs in: anywhere
Source: Cedar policy language 4, strict validation against a schema.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Any

from workbench.errors import InvalidInput
from workbench.governance.obligations import ANNOTATIONS, TEXTS, obligations_of
from workbench.governance.policy.reading import (
    OWN,
    Policy,
    Statement,
    Token,
    oversize,
    place,
    read_policies,
    schema_text,
    statements,
)

_METHODS = ("contains", "containsAll", "containsAny", "isEmpty", "toDate", "toTime", "offset", "durationSince")
_FUNCTIONS = ("datetime", "duration", "decimal", "ip")
_SCOPE = ("principal", "action", "resource", "context", "permit", "forbid", "when", "unless")
# What other languages write.
_ELSEWHERE = {"and": "&&", "or": "||", "not": "!", "=": "==", "'": '"', "allow": "permit", "deny": "forbid"}


@dataclass(frozen=True)
class Mistake:
    """One mistake: where, what, and the nearest word that would do (empty when none is near)."""

    line: int
    column: int
    text: str
    nearest: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the mistake as plain JSON values."""
        return asdict(self)

    def sentence(self) -> str:
        """Say it in one line."""
        hint = f" Did you mean “{self.nearest}”?" if self.nearest and "did you mean" not in self.text else ""
        return f"line {self.line}, column {self.column}: {self.text}{hint}"


def checked_policies(text: str) -> tuple[Policy, ...]:
    """Give the policies of a custodian's text with their obligations.

    Raises
    ------
    InvalidInput
        At the first mistake; code ``bad-policy``.
    """
    found = find_mistakes(text)
    if found:
        raise InvalidInput(f"The policy has a mistake in {found[0].sentence()}", code="bad-policy")
    return tuple(replace(policy, obligations=obligations_of(policy.annotations)) for policy in read_policies(text, OWN))


def find_mistakes(text: str, *, dataset: str = "", purposes: Collection[str] = ()) -> list[Mistake]:
    """Give every mistake that can be found at once, in the order of the text.

    Parameters
    ----------
    text : str
        The policies of one dataset.
    dataset : str, default ""
        Its name, where it is known: naming another dataset is then a mistake.
    purposes : collection of str, default ()
        The ids of the purposes, where they are known: naming another is then a mistake.
    """
    if too_large := oversize(text):
        return [_at(text, *too_large)]
    parts = statements(text)
    slots = [token for part in parts for token in part.tokens if token.text == "?"]
    if slots:
        return [
            _at(text, slots[0].offset, "A policy of a dataset has no slots such as ?principal; name what is meant.")
        ]
    found = [mistake for part in parts if (mistake := _unreadable(text, part))]
    if not found:
        try:
            policies = read_policies(text, OWN)
        except ValueError as problem:
            return [Mistake(1, 1, f"{problem}.")]
        found = [*_invalid(text, parts), *_own_rules(text, parts, policies)]
        found += _foreign(text, parts, {"Dataset": {dataset} if dataset else set(), "Purpose": set(purposes)})
    return sorted(set(found), key=lambda mistake: (mistake.line, mistake.column, mistake.text))


def _unreadable(text: str, part: Statement) -> Mistake | None:
    """Say why Cedar cannot read one policy."""
    problem = _parse_problem(part.text)
    if problem is None:
        return None
    if problem.startswith(("unexpected", "invalid token")):
        found = _culprit(part)
        is_end = found == part.tokens[-1] and found.text != ";"
        before = next((a for a, b in zip(part.tokens, part.tokens[1:], strict=False) if b == found), found)
        if before.text in ("permit", "forbid") and before != part.tokens[0]:
            return _at(text, before.offset, f"The policy before “{before.text}” lacks its semicolon.")
        what = "the policy ends too early: its semicolon or a bracket is missing" if is_end else "this does not fit"
        return _at(text, found.offset, f"At “{found.text[:40]}” {what}.", _hint(found.text, _SCOPE))
    word = _quoted(problem)
    known: Collection[str] = (
        _METHODS if "valid method" in problem else _FUNCTIONS if "valid function" in problem else _SCOPE
    )
    if "with type" in problem:
        word, known = problem.rpartition("got `")[2].partition("::")[0], ("Action",)
    place_of = _find(part, word) or part.tokens[0]
    return _at(text, place_of.offset, f"{problem.replace('`', '')}.", _hint(place_of.text, known))


def _invalid(text: str, parts: tuple[Statement, ...]) -> Iterator[Mistake]:
    """Say what Cedar's validator finds: words that the schema does not know, and values of the wrong type."""
    import cedarpy  # noqa: PLC0415 - heavy, loaded on first use

    errors = cedarpy.validate_policies(text, schema_text(OWN)).errors
    named = {error.policy_id for error in errors if "applicable action" not in error.error}
    for error in errors:
        if "applicable action" in error.error and error.policy_id in named:
            continue  # It only repeats that a name in the scope is unknown.
        part = parts[int(error.policy_id.removeprefix("policy") or 0)]
        problem = error.error.partition(f"`{error.policy_id}`")[2].lstrip(":, ") or error.error
        sentence, word, known = _reworded(problem)
        last = word.rpartition(".")[2]  # `dataset.read` is the house's word for `read`.
        near = last if last != word and last in known else _nearest(word, known)
        choice = f" Choose one of {', '.join(sorted(known))}." if known and not near else ""
        yield _at(text, (_find(part, word) or part.tokens[0]).offset, sentence + choice, near)


def _own_rules(text: str, parts: tuple[Statement, ...], policies: tuple[Policy, ...]) -> Iterator[Mistake]:
    """Say what the gateway asks beyond Cedar: names once, annotations it knows, no templates, no unknown `has`."""
    seen: set[str] = set()
    for part, policy in zip(parts, policies, strict=True):
        if policy.name in seen:
            yield _at(text, part.offset, f"there are two policies named “{policy.name}”; give each its own @id.")
        seen.add(policy.name)
        known = {*ANNOTATIONS, *TEXTS}
        for name, value in policy.annotations.items():
            at = _find(part, name) or part.tokens[0]
            try:
                obligations_of({name: value})
            except InvalidInput as mistake:
                yield _at(text, at.offset, mistake.message, "" if name in known else _nearest(name, known))
            if policy.effect == "forbid" and name in ANNOTATIONS:
                yield _at(text, at.offset, f"@{name} on a forbid obliges to nothing; put it on the permit.")
        for at, after in zip(part.tokens, part.tokens[1:], strict=False):
            word = after.text.strip('"')
            if at.text == "has" and word not in _attributes():
                yield _at(text, after.offset, f"nothing has “{word}”.", _nearest(word, _attributes()))


def _foreign(text: str, parts: tuple[Statement, ...], known: dict[str, set[str]]) -> Iterator[Mistake]:
    """Say where a purpose or a dataset is named that is none, or another one."""
    for part in parts:
        for kind, sign, name in zip(part.tokens, part.tokens[1:], part.tokens[2:], strict=False):
            words, word = known.get(kind.text, set()), name.text.strip('"')
            if sign.text == "::" and words and word and word not in words:
                only = "; a policy speaks of its own dataset only" if kind.text == "Dataset" else ""
                text_of = f"there is no {kind.text.lower()} “{word[:60]}” here{only}."
                yield _at(text, name.offset, text_of, _nearest(word, words))


def _parse_problem(text: str) -> str | None:
    """Give Cedar's words for why it cannot read a text, or None."""
    import cedarpy  # noqa: PLC0415 - heavy, loaded on first use

    try:
        cedarpy.PolicySet.from_json_str(cedarpy.policies_to_json_str(text))
    except ValueError as problem:
        if "serializing" in str(problem):
            return "this policy is too deep; make several of it"
        return str(problem)
    return None


def _culprit(part: Statement) -> Token:
    """Give the first word with which the text can no longer become a policy.

    Cedar's parser stops at the first word that cannot follow what stands before it, and calls everything before it
    an unexpected end.
    """
    for number, token in enumerate(part.tokens):
        end = token.offset + len(token.text) - part.offset
        problem = _parse_problem(part.text[:end]) or ""
        if problem.startswith(("unexpected token", "invalid token")):
            return part.tokens[number]
    return part.tokens[-1]


def _find(part: Statement, word: str) -> Token | None:
    """Give the place of a word in a policy, as a name or as a string."""
    wanted = {word.strip("`'\""), word.rpartition("::")[2].strip('"'), word.partition(".")[0]} - {""}
    return next((token for token in part.tokens if token.text.strip('"') in wanted), None)


def _reworded(problem: str) -> tuple[str, str, Collection[str]]:
    """Give a validator's message in plain words, the word it is about, and the words that would do in its place."""
    for pattern, sentence, known in (
        (r'unrecognized action `Action::"([^"]*)"`', "There is no action “{0}” for a dataset.", _words("action")),
        (r"unrecognized entity type `(?:\w+::)*(\w+)`", "There is no type “{0}”.", _words("entity")),
        (r"attribute `([^`]*)` on entity type `(\w+)`", "A {1} has no “{0}”.", None),
        (r"attribute `([^`]*)` in context", "The context has no “{0}”.", _attributes("Circumstances")),
        (r'entity `(\w+)::"([^"]*)"` is of an enumerated', "There is no {0} “{1}”.", _words("enum")),
    ):
        if match := re.search(pattern, problem):
            word = match[2] if "{1}”" in sentence else match[1]
            return sentence.format(*match.groups()), word, _attributes(match[2]) if known is None else known
    return f"{problem.replace('`', '')}.", _quoted(problem), ()


@cache
def _words(kind: str) -> frozenset[str]:
    """Give the names of actions or entity types of a dataset's schema, or the values of its enumerations."""
    text = re.sub(r"//[^\n]*", "", schema_text(OWN))
    if kind == "enum":
        return frozenset(
            word for row in re.findall(r"enum\s*\[([^\]]*)\]", text) for word in re.findall(r'"(\w+)"', row)
        )
    return frozenset(re.findall(rf'^{kind}\s+"?(\w+)', text, re.MULTILINE))


@cache
def _attributes(kind: str = "") -> frozenset[str]:
    """Give the attributes of an entity type or of the context, or those of all."""
    text = re.sub(r"//[^\n]*", "", schema_text(OWN))
    blocks = re.findall(r"^(?:entity|type) (\w+)[^{};]*\{(.*?)^\};", text, re.MULTILINE | re.DOTALL)
    return frozenset(
        word for name, block in blocks if kind in ("", name) for word in re.findall(r"^  (\w+):", block, re.MULTILINE)
    )


def _quoted(problem: str) -> str:
    match = re.search(r"[`']([^`']*)[`']", problem)
    return match[1] if match else problem.rpartition(": ")[2]


def _nearest(word: str, known: Collection[str]) -> str:
    bare = word.strip('"')
    close = get_close_matches(bare, [name for name in known if name != bare], n=1, cutoff=0.6)
    return close[0] if close else ""


def _hint(word: str, known: Collection[str]) -> str:
    if word != word.lower() and word.lower() in known:
        return word.lower()
    return _ELSEWHERE.get(word.lower()) or _nearest(word, known)


def _at(text: str, offset: int, problem: str, nearest: str = "") -> Mistake:
    return Mistake(*place(text, offset), problem[:1].upper() + problem[1:], nearest)
