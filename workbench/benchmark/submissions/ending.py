"""How a submission ends: a result from whoever holds its lease, or its author taking it back; once, in one transaction.

Runs in: gateway
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.benchmark.evaluation.failures import FAILURES
from workbench.benchmark.submissions.leases import holds
from workbench.benchmark.submissions.payloads import Payloads
from workbench.benchmark.submissions.records import AGAIN, find_row, next_change
from workbench.benchmark.submissions.states import next_state
from workbench.errors import Conflict, InvalidInput
from workbench.governance.canonical import canonical_json
from workbench.governance.store import Store, stamped

VERBS = {"scored": "score", "valid": "accept", "failed": "fail"}
ENDINGS = {
    "scored": "Scored on the public test.", "valid": "It runs and can be scored; nothing was measured.",
    "rescore": "Scored again from its stored predictions.", "final": "Scored on the final test.",
}  # fmt: skip
# Codes whose sentence names the rule or the line; it is the evaluator's own, never a submission's output.
CLOSER = frozenset({"MODEL_REFUSED", "MALFORMED_OUTPUT", "UNKNOWN_ITEM_IDS", "OUTPUT_TOO_LARGE"})
MAX_MESSAGE = 500


@dataclass(frozen=True)
class Measure:
    """What was measured: aggregate scores as canonical JSON, and the resamples' draws (float64, little-endian)."""

    scores: str
    draws: bytes | None = None


@dataclass(frozen=True)
class Outcome:
    """How an evaluation ended: `scored` with a measure, `valid`, or `failed` with a code."""

    state: str
    code: str | None = None
    message: str = ""
    measure: Measure | None = None
    cost: str | None = None
    baselines: tuple[tuple[str, Measure], ...] = ()


def outcome_of(body: Mapping[str, Any]) -> Outcome:
    """Read the result that an evaluator sent.

    Raises
    ------
    InvalidInput
        When it is not one.
    """
    state, code = body.get("state"), body.get("code")
    known = isinstance(state, str) and state in VERBS and (code is None or (isinstance(code, str) and code in FAILURES))
    if not known or (state == "failed") != (code is not None):
        raise InvalidInput("The result needs a state (scored, valid, failed) and, when failed, a known code.")
    if state == "failed":
        return Outcome("failed", str(code), _sentence(str(code), body.get("message")), cost=_cost(body))
    if state == "valid":
        return Outcome("valid", cost=_cost(body))
    baselines = body.get("baselines", {})
    if not isinstance(baselines, dict):
        raise InvalidInput("“baselines” must be an object of measures by name.")
    measured = tuple((name[:200], _measure(one)) for name, one in baselines.items())
    return Outcome("scored", measure=_measure(body), cost=_cost(body), baselines=measured)


def finish(store: Store, submission: str, lease: str, outcome: Outcome) -> None:
    """End a submission with the result of whoever holds its lease.

    Parameters
    ----------
    store : Store
        The home's store.
    submission, lease : str
        Which, and the lease it runs under.
    outcome : Outcome
        How it ended.

    Raises
    ------
    Conflict
        When the submission has ended, or runs under another lease: the result is not taken then.
    InvalidInput
        When a validation comes back with a score, or what is to be scored with none.
    """
    row = find_row(store, submission)
    if not holds(row, lease):
        raise lease_lost(submission)
    if outcome.state != "failed" and (outcome.state == "valid") != (row["intent"] == "validation"):
        raise InvalidInput("A validation ends as valid, everything else as scored, or as failed.")
    measure, now = outcome.measure or Measure(""), stamped(store)
    if outcome.state == "failed":
        message = outcome.message or FAILURES[str(outcome.code)]
    else:
        message = ENDINGS.get(row["intent"], ENDINGS[outcome.state])
    with store.change(row["person"], "submission.finish", submission, state=outcome.state, code=outcome.code) as db:
        done = db.execute(
            "UPDATE submissions SET state = ?, code = ?, message = ?, scores = ?, draws = ?, cost = ?, ended = ?, "
            "lease = NULL, changed = ? WHERE id = ? AND state = 'running' AND lease = ?",
            (next_state("running", VERBS[outcome.state]), outcome.code, message, measure.scores or None,
             measure.draws, outcome.cost, now, next_change(db), submission, lease),
        )  # fmt: skip
        if done.rowcount != 1:
            raise lease_lost(submission)
        db.executemany(
            "INSERT OR IGNORE INTO baselines (task_version, split, name, scores, draws, created) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [(row["task_version"], row["split"], name, one.scores, one.draws, now) for name, one in outcome.baselines],
        )


def keep_predictions(store: Store, payloads: Payloads, submission: str, lease: str, content: bytes) -> str:
    """Keep the canonical predictions of a running evaluation and give their digest, for whoever scores them again.

    Raises
    ------
    Conflict
        When the lease is lost.
    """
    digest = hashlib.sha256(content).hexdigest()
    row = find_row(store, submission)
    if not holds(row, lease):
        raise lease_lost(submission)
    staged = payloads.stage(content)
    try:
        with store.change(row["person"], "submission.predictions", submission, sha256=digest) as db:
            done = db.execute(
                "UPDATE submissions SET predictions = ? WHERE id = ? AND state = 'running' AND lease = ?",
                (digest, submission, lease),
            )
            if done.rowcount != 1:
                raise lease_lost(submission)
            payloads.place(staged, payloads.predictions(submission))
    finally:
        staged.unlink(missing_ok=True)
    return digest


def withdraw(store: Store, payloads: Payloads, submission: str, person: str) -> None:
    """Take a submission back that has not ended: nothing was shown of it, so it uses up no quota.

    Raises
    ------
    Conflict
        When it has ended already.
    """
    row = find_row(store, submission, person)
    if row["intent"] in AGAIN:
        # A final run that could be taken back would be a way out of a bad result.
        raise Conflict(f"{submission} is a {row['intent']} run of {row['origin']}, and runs to its end.")
    state = next_state(row["state"], "withdraw")
    with store.change(person, "submission.withdraw", submission) as db:
        done = db.execute(
            "UPDATE submissions SET state = ?, message = ?, ended = ?, lease = NULL, changed = ? "
            "WHERE id = ? AND state = ?",
            (state, "Withdrawn by its author; it does not count.", stamped(store), next_change(db), submission,
             row["state"]),
        )  # fmt: skip
        if done.rowcount != 1:
            raise Conflict(f"{submission} has gone on in the meantime; try again.", code="wrong-state")
    payloads.drop(submission, row["kind"])


def lease_lost(submission: str) -> Conflict:
    """Give the refusal of an evaluator that does not hold the lease any more."""
    return Conflict(
        f"Submission {submission} does not run under this lease any more; its result is not taken.", code="lease-lost"
    )


def _measure(body: object) -> Measure:
    scores = body.get("scores") if isinstance(body, dict) else None
    value = scores.get("value") if isinstance(scores, dict) else None
    if not isinstance(body, dict) or not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidInput("A measure needs its “scores”, an object with at least a “value”, a number.")
    draws = body.get("draws")
    try:
        # Read and written again: what counts is the one form, whatever the evaluator's spaces were.
        text = canonical_json(scores).decode()
        drawn = None if draws is None else base64.b64decode(draws, validate=True)
    except (ValueError, TypeError, binascii.Error):
        raise InvalidInput("The scores must be finite numbers, and the draws base64 of float64.") from None
    if drawn is not None and len(drawn) % 8:
        raise InvalidInput("The draws must be float64, 8 bytes each.")
    return Measure(text, drawn)


def _cost(body: Mapping[str, Any]) -> str | None:
    cost = body.get("cost")
    if cost is None:
        return None
    if not isinstance(cost, dict) or not all(isinstance(value, int | float) for value in cost.values()):
        raise InvalidInput("“cost” must be an object of numbers.")
    try:
        return canonical_json(cost).decode()
    except ValueError:
        raise InvalidInput("“cost” must hold finite numbers.") from None


def _sentence(code: str, closer: object) -> str:
    """Give the sentence of the table, or for the codes that name a rule the evaluator's own, on one line."""
    if code not in CLOSER or not isinstance(closer, str) or not closer.strip():
        return FAILURES[code]
    return "".join(mark if mark.isprintable() else " " for mark in closer)[:MAX_MESSAGE]
