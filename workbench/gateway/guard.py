"""The one guard: every request passes here, and nothing below asks again who somebody is.

Token → kind → person and kernel still there → (where the route has a dataset) `decide`. What is refused because of a
policy is audited with its reason; what is refused because nobody is signed in has no actor and is not.

Runs in: gateway
"""

from __future__ import annotations

from workbench.benchmark import submissions
from workbench.benchmark.definition import task_definition
from workbench.errors import AccessDenied, NotSignedIn
from workbench.gateway.call import Answer, Call, Route
from workbench.gateway.tokens import Token
from workbench.governance.decide import authorise
from workbench.governance.decision import Context, Decision
from workbench.governance.store import Store


def check_kind(route: Route, token: Token) -> None:
    """Refuse a token of a kind that this route does not serve."""
    if token.kind not in route.kinds:
        raise AccessDenied(
            f"This is not open to a {token.kind} token, only to: {', '.join(route.kinds)}. "
            "Use the command line or the sidebar for what a notebook may not do, and the other way round."
        )


def run(route: Route, call: Call) -> Answer:
    """Let a call in and give its handler's answer."""
    check_holder(call.state.store, call.token)
    if route.dataset is not None:
        call.dataset = route.dataset(call)
        if call.token.kind == "evaluator":
            _check_evaluator(call)
        call.reason = require(call, route.action, call.dataset).reason
    return route.handler(call)


def require(call: Call, action: str, resource: str, *, person: str | None = None) -> Decision:
    """Ask the policy whether the holder of the call's token may do this; a no is audited and raised."""
    return authorise(call.state.store, person or call.person, action, resource, context_of(call.token))


def context_of(token: Token) -> Context:
    """Give what the policy may know of the circumstances of a request."""
    kernel = token.id if token.kind == "kernel" else ""
    return Context(kind=token.kind, isolation=token.isolation, kernel=kernel, task=token.task or "")


def _check_evaluator(call: Call) -> None:
    """Refuse an evaluator any dataset but those of its submission's task, and all of them once it has ended."""
    task, submission = call.token.task or "", call.token.submission or ""
    job = submissions.read(call.state.store, submission)
    if job["state"] != "running" or job["task"] != task or call.dataset not in task_definition(task).datasets():
        reason = "An evaluator reads the data of the submission it was started for, while that runs, and nothing else."
        call.state.store.note(call.person, "task.evaluate", call.dataset, outcome="denied", reason=reason)
        raise AccessDenied(reason)


def check_holder(store: Store, token: Token) -> None:
    """Refuse a token whose person is gone or whose kernel has ended."""
    if token.kind == "operator":
        return
    if store.read().execute("SELECT 1 FROM people WHERE id = ?", (token.person,)).fetchone() is None:
        raise NotSignedIn("This token belongs to nobody in this home any more; sign in again.")
    if token.kind == "kernel":
        row = store.read().execute(
            "SELECT isolation FROM kernels WHERE id = ? AND person = ? AND ended IS NULL", (token.id, token.person)
        ).fetchone()  # fmt: skip
        if row is None or row["isolation"] != token.isolation:
            raise NotSignedIn("The kernel of this token has ended; restart the kernel and run the cell again.")
