"""The one guard: every request passes here, and nothing below asks again who somebody is.

Token → kind → person and kernel still there → (where the route has a dataset) purpose and `decide`, whose answer is a
lease that later requests look up. What is refused because of a policy is audited with its reason; what is refused
because nobody is signed in has no actor and is not.

Runs in: gateway
"""

from __future__ import annotations

from dataclasses import replace

from workbench.benchmark.submissions.leases import holds
from workbench.benchmark.submissions.records import definition_of, find_row
from workbench.errors import AccessDenied, NotSignedIn
from workbench.gateway.call import Answer, Call, Route
from workbench.gateway.enforcing import UNMET
from workbench.gateway.leases import Key
from workbench.gateway.tokens import Token
from workbench.governance.decide import authorise
from workbench.governance.decision import Context, Decision
from workbench.governance.store import Store, stamped

WRONG_PURPOSE = "wrong-purpose"


def check_kind(route: Route, token: Token) -> None:
    """Refuse a token of a kind that this route does not serve."""
    if token.kind not in route.kinds:
        raise AccessDenied(
            f"This is not open to a {token.kind} token, only to: {', '.join(route.kinds)}. "
            "Use the command line or the sidebar for what a notebook may not do, and the other way round."
        )


def run(route: Route, call: Call) -> Answer:
    """Let a call in and give its handler's answer."""
    state, token = call.state, call.token
    if token.lease_s and state.heartbeats.silence_s(token.id) > token.lease_s:
        raise NotSignedIn("Nobody has watched over this job for a while, so its token has ended; start the job again.")
    state.leases.check_holder(token, lambda: check_holder(state.store, token))
    if route.dataset is None:
        return route.handler(call)
    call.purpose = token.purpose
    call.dataset = route.dataset(call)
    key = Key(token, route.action, call.dataset, call.purpose)
    call.lease = state.leases.hold(key, lambda: _ask(state.store, key))
    call.reason, call.obligations = call.lease.decision.reason, call.lease.decision.obligations
    try:
        return route.handler(call)
    except AccessDenied as refused:
        if refused.code == UNMET:
            policy = call.lease.decision.policy
            state.store.note(
                call.person, route.action, call.dataset, outcome="denied", reason=refused.message, policy=policy
            )
        raise


def _ask(store: Store, key: Key) -> Decision:
    """Ask all that a lease hangs on: the holder, the evaluator's job, the purpose, and the policy."""
    check_holder(store, key.token)
    if key.token.kind == "evaluator":
        _check_evaluator(store, key)
    context = replace(context_of(key.token), purpose=key.purpose)
    if key.purpose:
        _check_purpose(store, key)
    return authorise(store, key.token.person, key.action, key.dataset, context)


def require(call: Call, action: str, resource: str, *, person: str | None = None) -> Decision:
    """Ask the policy whether the holder of the call's token may do this; a no is audited and raised."""
    return authorise(call.state.store, person or call.person, action, resource, context_of(call.token))


def context_of(token: Token) -> Context:
    """Give what the policy may know of the circumstances of a request."""
    kernel = token.id if token.kind == "kernel" else ""
    return Context(
        kind=token.kind, isolation=token.isolation, purpose=token.purpose, kernel=kernel, task=token.task or ""
    )


def _check_purpose(store: Store, key: Key) -> None:
    """Refuse whoever was started for another purpose than those they may use this dataset for."""
    rows = store.read().execute(
        "SELECT purpose FROM grants WHERE person = ? AND dataset = ? AND revoked IS NULL AND ends > ?",
        (key.token.person, key.dataset, stamped(store)),
    )
    granted = {row["purpose"] for row in rows.fetchall()}
    known = store.read().execute("SELECT 1 FROM purposes WHERE id = ?", (key.purpose,)).fetchone()
    if known is None or (granted and key.purpose not in granted):
        reason = (
            f"This kernel was started for another purpose than the one “{key.dataset}” was granted to you for; "
            "start a kernel for that purpose, or ask for access for this one."
        )
        store.note(key.token.person, key.action, key.dataset, outcome="denied", reason=reason, code=WRONG_PURPOSE)
        raise AccessDenied(reason, code=WRONG_PURPOSE)


def _check_evaluator(store: Store, key: Key) -> None:
    """Refuse an evaluator all but the hidden datasets of its submission's task, and those too once it has ended."""
    task, submission = key.token.task or "", key.token.submission or ""
    job = find_row(store, submission)
    is_own = holds(job, key.token.id) and job["task"] == task
    if not is_own or key.dataset not in definition_of(store, job["task_version"], task).hidden_datasets():
        reason = "An evaluator reads the data of the submission it was started for, while that runs, and nothing else."
        store.note(key.token.person, "task.evaluate", key.dataset, outcome="denied", reason=reason)
        raise AccessDenied(reason)


def check_holder(store: Store, token: Token) -> None:
    """Refuse a token whose person is gone or whose kernel has ended."""
    if token.kind == "operator":
        return
    if store.read().execute("SELECT 1 FROM people WHERE id = ?", (token.person,)).fetchone() is None:
        raise NotSignedIn("This token belongs to nobody in this home any more; sign in again.")
    if token.kind == "kernel":
        row = store.read().execute(
            "SELECT isolation, purpose FROM kernels WHERE id = ? AND person = ? AND ended IS NULL",
            (token.id, token.person),
        ).fetchone()  # fmt: skip
        if row is None or (row["isolation"], row["purpose"]) != (token.isolation, token.purpose):
            raise NotSignedIn("The kernel of this token has ended; restart the kernel and run the cell again.")
