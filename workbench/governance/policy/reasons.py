"""The sentence for people that belongs to each answer of the policies: why, until when, and what to do next.

One table says it of each policy of the house that forbids, one of each action that is permitted, and one of each
action that nothing permits.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from workbench.governance.canonical import day
from workbench.governance.decision import Decision, unknown_dataset
from workbench.governance.evidence.standing import Item
from workbench.governance.policy.denials import why_no_grant
from workbench.governance.policy.reading import HOUSE, Policy
from workbench.governance.policy.situation import DATASET
from workbench.governance.question import Case, needs, no_such

Said = tuple[str, str]
BAD_POLICY = "bad-policy"
NO_SANDBOX = (
    "“{name}” is controlled: its scans are read only inside an isolated kernel, and this one is not isolated. "
    "Install bubblewrap (`apt-get install bubblewrap`) where the notebooks run and start the kernel again."
)


def decision_of(case: Case) -> Decision:
    """Give the decision on a case."""
    outcome, grant = case.outcome, case.standing.grant if case.standing else None
    code, reason = _said(case)
    return Decision(
        outcome.allowed, reason, code, outcome.obligations,
        policy=_shown_ids(outcome.policies, case.ask.resource),
        grant=str(grant["id"]) if grant and outcome.allowed else "", purpose=case.situation.purpose,
    )  # fmt: skip


def shown_id(policy: Policy, dataset: str) -> str:
    """Give a policy's id as people read it: ``house/NAME``, or the dataset and the name of its own."""
    return f"{HOUSE if policy.id.startswith(HOUSE) else dataset}/{policy.name}"


@lru_cache(maxsize=1024)
def _shown_ids(policies: tuple[Policy, ...], dataset: str) -> str:
    return ", ".join(shown_id(policy, dataset) for policy in policies)


def _said(case: Case) -> Said:
    outcome, action = case.outcome, case.ask.action
    if outcome.allowed:
        return PERMITTED[action](case)
    if outcome.problem:
        return _failed(case)
    if not outcome.policies:
        return UNPERMITTED[action](case)
    first = outcome.policies[0]
    return FORBIDDEN[first.name](case) if first.id.startswith(HOUSE) else own_words(first, case)


def _failed(case: Case) -> Said:
    """Say that the policies could not be asked; only those who can mend it are told what is wrong."""
    name = case.ask.resource
    if case.situation.type != DATASET:
        return BAD_POLICY, "The policies could not answer this, so it is refused; tell an administrator."
    if case.situation.custodian == case.ask.person or "administrator" in case.ask.roles:
        return BAD_POLICY, (
            f"The policy of “{name}” refuses everybody until it is mended: {case.outcome.problem}. "
            f"`workbench policy show {name}` shows it and `workbench policy set {name} FILE` replaces it."
        )
    return BAD_POLICY, f"The policy of “{name}” has a mistake, so it is read by nobody until its custodian mends it."


def own_words(policy: Policy, case: Case) -> Said:
    """Say what a custodian's forbid says, in the custodian's own words where there are some."""
    called = policy.annotations.get("title") or policy.name
    why = policy.annotations.get("because") or f"the rule “{called}” in the policy of “{case.ask.resource}” forbids it"
    advice = policy.annotations.get("advice") or f"ask its custodian, {case.situation.custodian}"
    return "policy-forbids", f"{_sentence(why)} {_sentence(advice)}"


def _not_permitted(case: Case) -> Said:
    name = case.ask.resource
    return "policy-permits-not", (
        f"The policy of “{name}” permits this to some, and not to you as things stand; "
        f"`workbench explain {case.ask.person} {case.situation.action} {name}` says what it asks."
    )


def _hidden(case: Case) -> Said:
    return _of(unknown_dataset(case.ask.resource))


def _undisclosed(case: Case) -> Said:
    return "undisclosed", (
        f"“{case.ask.resource}” is undisclosed: only the evaluator reads it, never a person or a kernel. "
        "Submit a model to its task to be scored on it."
    )


def _missing(code: str, key: str, fallback: str) -> Callable[[Case], Said]:
    """Make the sentence of a missing item of the checklist: its state, and what to do next."""

    def say(case: Case) -> Said:
        items = [item for item in missing_items(case) if item.key.partition(":")[0] == key]
        texts = [f"{_sentence(item.text)} {_sentence(item.next)}".strip() for item in items]
        return code, " ".join(texts) or fallback.format(name=case.ask.resource)

    return say


def missing_items(case: Case) -> tuple[Item, ...]:
    """Give what of the checklist is not met."""
    return case.standing.missing if case.standing else ()


def _use(case: Case) -> Said:
    match = case.standing.match if case.standing else None
    code = "use-needs-review" if match and match.answer == "review" else "use-not-permitted"
    return _missing(code, "use", "The terms of use of “{name}” do not permit this purpose; name another one.")(case)


def _no_view(case: Case) -> Said:
    return "no-view", f"You have no open view of “{case.ask.resource}”; show the scan in a running notebook first."


def _no_sandbox(case: Case) -> Said:
    return "no-sandbox", NO_SANDBOX.format(name=case.ask.resource)


def _own_request(case: Case) -> Said:
    return "own-request", (
        f"{case.ask.resource} is your own request, and nobody decides their own; somebody else must."
    )  # fmt: skip


def _own_version(case: Case) -> Said:
    return "own-version", (
        f"You brought this version of “{case.ask.resource}” in, and nobody signs off their own; another custodian, an "
        "output checker or an administrator must."
    )


def _own_release(case: Case) -> Said:
    return "own-release", "Nobody checks their own release; two other output checkers have to."


def _own_final(case: Case) -> Said:
    return "own-final", (
        f"You proposed to open this final test ({case.ask.resource}), and it is opened only once; another custodian, "
        "an output checker or an administrator must agree."
    )


def _own_training(case: Case) -> Said:
    return "own", "Nobody records their own training; another custodian or an administrator must."


def _may_read(case: Case) -> Said:
    name, tier = case.ask.resource, case.situation.tier
    grant = case.standing.grant if case.standing else None
    if tier == "undisclosed":
        return "evaluator", "The evaluator reads the undisclosed test data to score a submission."
    if grant is not None and tier == "controlled":
        return "granted", _granted(grant)
    if tier == "registered":
        return "registered", f"“{name}” is registered: you are signed in, so you may read it."
    return "open", f"“{name}” is open: everybody who is signed in may read it."


def _granted(grant: Mapping[str, object]) -> str:
    by = f"Granted by {grant['approved_by']}" if not grant.get("visa") else f"A visa of {grant['approved_by']} stands"
    what = f" for “{grant['label']}”" if grant["label"] else ""
    return f"{by}{what} until {day(str(grant['ends']))}."


def _says(code: str, text: str) -> Callable[[Case], Said]:
    return lambda case: (code, text.format(name=case.ask.resource))


def _answers(deed: str) -> Callable[[Case], Said]:
    """Make the sentence for who answers for the dataset that a thing belongs to."""

    def say(case: Case) -> Said:
        if case.ask.action == "grant.revoke" and case.situation.owner == case.ask.person:
            return "own-grant", f"{case.ask.resource} is your own grant, and you may give it back."
        full = deed.format(name=case.ask.resource)
        if any(policy.name.startswith("custodian") for policy in case.outcome.policies):
            what = f"“{case.ask.resource}”" if case.situation.type == DATASET else "its dataset"
            return "custodian", f"You answer for {what}, so you may {full}."
        return "administrator", f"You are an administrator, so you may {full}."

    return say


def _not_answering(deed: str, thing: str) -> Callable[[Case], Said]:
    """Make the refusal of who does not answer for a dataset; to a custodian of another, its requests do not exist."""

    def say(case: Case) -> Said:
        if not {"custodian", "administrator"} & case.ask.roles:
            return _of(needs("custodian", deed.format(name=case.ask.resource)))
        if thing == "dataset":
            return "wrong-custodian", (
                f"Only its own custodian and administrators may {deed.format(name=case.ask.resource)}."
            )
        return _of(no_such(thing, case.ask.resource))

    return say


def _role(role: str, deed: str) -> Callable[[Case], Said]:
    return lambda case: _of(needs(role, deed))


def _no_ingest(case: Case) -> Said:
    if "custodian" not in case.ask.roles:
        return _of(needs("custodian", f"bring data in as “{case.ask.resource}”"))
    text = f"“{case.ask.resource}” belongs to another custodian; choose another name or ask them."
    return "wrong-custodian", text


def _no_withdrawal(case: Case) -> Said:
    name = case.ask.resource
    return "wrong-custodian", (
        f"Only the custodian of “{name}” withdraws a subject, because it cannot be undone; ask them."
    )  # fmt: skip


def _no_proposal(case: Case) -> Said:
    return "wrong-custodian", (
        f"Only the custodian of “{case.ask.resource}” proposes to open a final test on it, because that is done once; "
        "ask them."
    )  # fmt: skip


def _rescores(case: Case) -> Said:
    if case.situation.owner == case.ask.person:
        return "own-submission", f"{case.ask.resource} is your own submission, so you may have it scored again."
    return "custodian", f"You answer for the hidden test of {case.ask.resource}, so you may have it scored again."


def _no_rescoring(case: Case) -> Said:
    # To everybody else a submission does not exist, as for whoever reads one.
    return _of(no_such("submission", case.ask.resource))


def _no_cluster(case: Case) -> Said:
    return _of(no_such("cluster", case.ask.resource))


def _of(decision: Decision) -> Said:
    return decision.code, decision.reason


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text[-1] in ".!?" else ".")


FORBIDDEN: dict[str, Callable[[Case], Said]] = {
    "hidden": _hidden,
    "undisclosed": _undisclosed,
    "no-grant": why_no_grant,
    "no-agreement": _missing("no-agreement", "agreement", "“{name}” asks you to accept its agreement first."),
    "no-training": _missing("no-training", "training", "“{name}” asks for a training that you do not have in date."),
    "use-not-permitted": _use,
    "no-view": _no_view,
    "no-sandbox": _no_sandbox,
    "own-request": _own_request,
    "own-version": _own_version,
    "own-release": _own_release,
    "own-final": _own_final,
    "own-training": _own_training,
    "own-quota": _says("own-quota", "Nobody sets their own quota of clusters; another custodian does."),
}
_SEEN = _says("visible", "Its card is open to everybody who may know of it.")
_REVIEWS = _says("reviewer", "Custodians, output checkers and administrators review versions that wait.")
PERMITTED: dict[str, Callable[[Case], Said]] = {
    "dataset.see": _SEEN,
    "dataset.request": _SEEN,
    "dataset.read": _may_read,
    "dataset.view": _may_read,
    "dataset.ingest": _says("custodian", "A custodian brings data in."),
    "dataset.govern": _answers("set the terms of “{name}”"),
    "task.publish": _answers("publish tasks on “{name}”"),
    "score.read": _answers("read exact scores on “{name}”"),
    "final.propose": _answers("propose to open a final test on “{name}”"),
    "final.open": _says("second-person", "You are not who proposed {name}, so you may open it."),
    "submission.read": _says("own-submission", "Its author and who answers for the hidden test see {name}."),
    "submission.withdraw": _says("own-submission", "{name} is your own submission, so you may take it back."),
    "submission.rescore": _rescores,
    "home.govern": _says("administrator", "You are an administrator."),
    "training.record": _says("custodian", "Custodians and administrators record the training of others."),
    "project.manage": _says("custodian", "Custodians and administrators make projects."),
    "version.review": _REVIEWS,
    "version.publish": _REVIEWS,
    "version.reject": _REVIEWS,
    "subject.withdraw": _says("custodian", "You answer for “{name}”, so you may withdraw its subjects."),
    "request.decide": _answers("decide request {name}"),
    "grant.revoke": _answers("revoke grant {name}"),
    "package.request": _says("packages", "Everybody with an account may ask for packages."),
    "package.decide": _says("custodian", "Administrators and custodians decide about packages off the list."),
    "audit.read": _says("auditor", "Custodians, checkers and administrators may read the log."),
    "task.submit": _says("researcher", "You hold the role researcher, so you may submit to a task."),
    "task.evaluate": _says("evaluator", "The evaluator scores a submission to “{name}”."),
    "release.offer": _says("researcher", "You hold the role researcher, so you may offer files for release."),
    "release.vote": _says("checker", "You hold the role checker, so you may vote on a release."),
    "cluster.start": _says("clusters", "Everybody with an account may start a cluster in a kernel of theirs."),
    "cluster.stop": _says("own-cluster", "{name} is your own cluster, so you may stop it."),
    "cluster.govern": _says("custodian", "Custodians and administrators set the quotas of clusters."),
    "cohort.manage": _says("teacher", "You hold the role teacher, so you may manage a teaching cohort."),
}
_NO_REVIEW = _says(
    "wrong-role", "Ingest reports are for custodians, output checkers and administrators; you are none of them."
)
UNPERMITTED: dict[str, Callable[[Case], Said]] = {
    "dataset.see": _hidden,
    "dataset.request": _not_permitted,
    "dataset.read": _not_permitted,
    "dataset.view": _not_permitted,
    "dataset.ingest": _no_ingest,
    "dataset.govern": _not_answering("set the terms of “{name}”", "dataset"),
    "task.publish": _not_answering("publish tasks on “{name}”", "dataset"),
    "score.read": _not_answering("read exact scores on “{name}”", "dataset"),
    "final.propose": _no_proposal,
    "final.open": _role("custodian", "open a final test that somebody else proposed"),
    "submission.read": _no_rescoring,
    "submission.withdraw": _no_rescoring,
    "submission.rescore": _no_rescoring,
    "home.govern": _role("administrator", "set what counts for the whole home"),
    "training.record": _role("custodian", "record a training"),
    "project.manage": _role("custodian", "make a project or change its members"),
    "version.review": _NO_REVIEW,
    "version.publish": _NO_REVIEW,
    "version.reject": _NO_REVIEW,
    "subject.withdraw": _no_withdrawal,
    "request.decide": _not_answering("decide request {name}", "request"),
    "grant.revoke": _not_answering("revoke grant {name}", "grant"),
    "package.request": _role("researcher", "ask for packages"),
    "package.decide": _role("administrator", "decide about packages"),
    "audit.read": _role("custodian", "read the audit log"),
    "task.submit": _role("researcher", "submit to a task"),
    "task.evaluate": _says(
        "evaluator", "Only the evaluator of a submission does this, for the task it was started for."
    ),
    "release.offer": _role("researcher", "offer files for release"),
    "release.vote": _role("checker", "vote on a release"),
    "cluster.start": _says("wrong-place", "Clusters run in governed kernels; start one from a notebook or a job."),
    "cluster.stop": _no_cluster,
    "cluster.govern": _role("custodian", "set quotas of clusters"),
    "cohort.manage": _role("teacher", "manage a teaching cohort"),
}
