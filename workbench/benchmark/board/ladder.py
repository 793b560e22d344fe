"""What a person is told of their scored submissions: the Ladder's answers, read from the store.

The answers follow from the scored submissions of a person to one task version, in the order in which they were scored;
that order stands in the same transaction as the score and never changes. So there is nothing besides the scores that
could be lost, come twice or disagree with them.

Runs in: gateway
Source: Blum and Hardt, The Ladder, ICML 2015; see `climbing`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from workbench.benchmark.board.climbing import Floats, Rung, is_improvement, shown_numbers
from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.submissions.records import find_row, metric_of
from workbench.governance.store import Store

NOT_BETTER = (
    "Scored, and not a significant improvement on your best, so its number is not shown: "
    "{best} with {name} {value} stays on the board."
)
BETTER = "{name} {value} on the public test, a significant improvement on your best before."
FIRST = "{name} {value} on the public test."


@dataclass(frozen=True)
class Answer:
    """What the Ladder says of one submission: whether its number is shown, and which one stands on the board."""

    submission: str
    is_shown: bool
    best: str


_KNOWN: WeakKeyDictionary[Store, dict[tuple[str, str], tuple[Answer, ...]]] = WeakKeyDictionary()


def shown(store: Store, submission: str) -> dict[str, Any] | None:
    """Give a scored submission's scores as its author may see them; None when it has none.

    Returns
    -------
    dict
        `is_shown`, `message`, `metric`, `value` and `interval` (None when they are not shown), what does not depend on
        labels (`units`, `items`, `answered`, `coverage`), and `best`: submission, value and interval that stand.
    """
    row = find_row(store, submission)
    if row["scores"] is None:
        return None
    if row["intent"] == "rescore":
        return shown(store, row["origin"])
    told = {answer.submission: answer for answer in answers(store, row["person"], row["task_version"])}
    if submission not in told:
        # A run on the final split is shown on the board, once all of them have ended.
        return None
    answer, metric = told[submission], metric_of(store, row)
    best = find_row(store, answer.best)
    value, interval = numbers_of(best["scores"], best["draws"])
    seen = of_scores(row["scores"], row["draws"], is_shown=answer.is_shown)
    is_first = next(iter(told)) == submission
    text = NOT_BETTER if not answer.is_shown else FIRST if is_first else BETTER
    return {
        **seen, "metric": metric, "is_shown": answer.is_shown,
        "message": text.format(best=answer.best, name=definition(metric).name, value=in_words(value, interval)),
        "best": {"submission": answer.best, "value": value, "interval": interval},
    }  # fmt: skip


def answers(store: Store, person: str, task_version: str) -> tuple[Answer, ...]:
    """Give the Ladder's answers to a person's scored submissions to a task version, in the order of scoring."""
    rows = store.read().execute(
        "SELECT id, task, task_version FROM submissions WHERE person = ? AND task_version = ? "
        "AND intent = 'scored' AND state = 'scored' ORDER BY changed", (person, task_version),
    ).fetchall()  # fmt: skip
    order, known = [row["id"] for row in rows], _KNOWN.setdefault(store, {})
    # What was scored never changes, so the answers so far hold and only what came since climbs.
    found = known.get((person, task_version), ())
    if [answer.submission for answer in found] != order[: len(found)]:
        found = ()
    if len(found) < len(order):
        is_better_higher = definition(metric_of(store, rows[0])).higher_is_better
        best = _rung(store, found[-1].best) if found else None
        for submission in order[len(found) :]:
            new = _rung(store, submission)
            is_shown = is_improvement(new, best, higher_is_better=is_better_higher)
            best = new if is_shown or best is None else best
            found = (*found, Answer(submission, is_shown, submission if is_shown else found[-1].best))
        known[person, task_version] = found
    return found


def numbers_of(scores: str, draws: bytes | None) -> tuple[float, tuple[float, float] | None]:
    """Give value and interval of stored scores as they are shown."""
    exact = json.loads(scores)
    return shown_numbers(exact["value"], exact.get("interval"), draws_of(draws))


def draws_of(stored: bytes | None) -> Floats | None:
    """Give stored draws (float64, little endian) as an array; None when there are none."""
    return None if not stored else np.frombuffer(stored, dtype="<f8")


def of_scores(scores: str, draws: bytes | None, *, is_shown: bool) -> dict[str, Any]:
    """Give stored scores as they are shown, or only what of them says nothing about the labels."""
    exact = json.loads(scores)
    open_to_all = {name: exact.get(name) for name in ("units", "items", "answered", "coverage")}
    if not is_shown:
        return {**open_to_all, "value": None, "interval": None, "secondary": {}, "subgroups": []}
    value, interval = shown_numbers(exact["value"], exact.get("interval"), draws_of(draws))
    return {
        **open_to_all, "value": value, "interval": interval,
        "secondary": {name: _rounded(part) for name, part in (exact.get("secondary") or {}).items()},
        "subgroups": [_of_group(part) for part in exact.get("subgroups") or ()],
    }  # fmt: skip


def in_words(value: float, interval: Sequence[float] | None) -> str:
    """Give ``0.812 (0.730–0.881)`` with the digits that the numbers have."""
    return f"{value}" if interval is None else f"{value} ({interval[0]}–{interval[1]})"


def _rung(store: Store, submission: str) -> Rung:
    row = find_row(store, submission)
    draws = draws_of(row["draws"])
    return Rung(float(json.loads(row["scores"])["value"]), np.empty(0) if draws is None else draws)


def _of_group(part: dict[str, Any]) -> dict[str, Any]:
    """Give a subgroup as it is shown: too few for an interval are no group but persons, whose labels it would tell."""
    return _rounded(part) if part.get("interval") else {**part, "value": None, "interval": None}


def _rounded(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("value") is None:
        return dict(part)
    value, interval = shown_numbers(part["value"], part.get("interval"), None)
    return {**part, "value": value, "interval": interval}
