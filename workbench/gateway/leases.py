"""Leases: the short-lived permission by which a page, kernel or evaluator reads one dataset.

Opening one asks the policy and puts the answer on record with everything it hangs on: person, kernel, purpose, grant,
policy and the dataset's version. Each later request looks the lease up. The policy is asked again at once when
anything in the store has changed since, and once a second besides, since grants and trainings also end by the clock;
so a revoked grant is refused at the next request, and within a long answer at its next piece.

Runs in: gateway
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.gateway.tokens import Token
from workbench.governance.decision import Decision
from workbench.governance.store import Store

LEASE_S = 300.0
FRESH_S = 1.0
# With more than this in memory, those that have ended go.
MANY = 10_000

# Asks the policy; raises when the answer is no, having put that on record.
Ask = Callable[[], Decision]


@dataclass(frozen=True)
class Key:
    """Who does what to which dataset, by which token; another purpose or kernel is another lease."""

    token: Token
    action: str
    dataset: str
    purpose: str


@dataclass
class Lease:
    """A permission that holds now, and how to find out whether it still does."""

    key: Key
    decision: Decision
    ask: Ask
    generation: int
    asked: float
    ends: float
    opened: set[str] = field(default_factory=set)


class Leases:
    """The leases of one gateway; they live in its memory alone.

    Parameters
    ----------
    store : Store
        Whose changes end what was known.
    lease_s, fresh_s : float
        How long a lease lasts until its opening is recorded anew, and how long an answer holds, seconds.
    """

    def __init__(self, store: Store, *, lease_s: float = LEASE_S, fresh_s: float = FRESH_S) -> None:
        self._store = store
        self._lease_s, self._fresh_s = lease_s, fresh_s
        self._leases: dict[Key, Lease] = {}
        self._holders: dict[Token, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def check_holder(self, token: Token, check: Callable[[], None]) -> None:
        """Check the holder of a token, unless nothing has changed since they were last found to be there."""
        known = self._holders.get(token)
        if known is not None and self._is_fresh(*known):
            return
        generation, asked = self._store.generation, time.monotonic()
        check()
        if len(self._holders) > MANY:
            self._holders.clear()
        self._holders[token] = generation, asked

    def hold(self, key: Key, ask: Ask) -> Lease:
        """Give the lease of a key, opened when there is none.

        Raises
        ------
        AccessDenied, NotFound
            When the policy says no; a lease that there was is gone then.
        """
        lease = self._leases.get(key)
        if lease is None or lease.ends <= time.monotonic():
            # The number is read before the tables are: a change in between makes the answer old, never the reverse.
            generation, asked = self._store.generation, time.monotonic()
            lease = Lease(key, ask(), ask, generation, asked, asked + self._lease_s)
            with self._lock:
                if len(self._leases) > MANY:
                    self._leases = {k: kept for k, kept in self._leases.items() if kept.ends > asked}
                self._leases[key] = lease
            return lease
        lease.ask = ask
        self.check(lease)
        return lease

    def check(self, lease: Lease) -> None:
        """Go on only while the lease holds: a look at two numbers, unless something has changed.

        Raises
        ------
        AccessDenied, NotFound, NotSignedIn
            When it does not any more.
        """
        if self._is_fresh(lease.generation, lease.asked):
            return
        generation, asked = self._store.generation, time.monotonic()
        before = lease.decision
        try:
            lease.decision = lease.ask()
        except BaseException:
            self._leases.pop(lease.key, None)
            raise
        if lease.decision != before:
            # Another grant, policy or obligation is another opening.
            lease.opened = set()
        lease.generation, lease.asked = generation, asked

    def open(self, lease: Lease, version: str) -> None:
        """Put on record, before the first byte of a version leaves, who reads it and by what right."""
        if version in lease.opened:
            return
        key, decision = lease.key, lease.decision
        self._store.note(
            key.token.person, "dataset.open", key.dataset, reason=decision.reason, version=version,
            kind=key.token.kind, token=key.token.id, purpose=decision.purpose or key.purpose, grant=decision.grant,
            policy=decision.policy, obligations=list(decision.obligations.sentences()), seconds=self._lease_s,
        )  # fmt: skip
        lease.opened.add(version)

    def _is_fresh(self, generation: int, asked: float) -> bool:
        return generation == self._store.generation and time.monotonic() - asked < self._fresh_s
