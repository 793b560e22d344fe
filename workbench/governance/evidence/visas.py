"""Visas as evidence: which issuers, sources and values somebody of this home trusts, and who sent which visa.

A visa counts for a dataset while it has not expired, its key is still trusted for the dataset (or for the whole
home), and its subject is linked to the person. Untrusting or unlinking bites at the next decision.

Runs in: gateway
Source: GA4GH Passport 1.2, “Passport Clearinghouse” requirements.
"""

from __future__ import annotations

import json
from typing import Any

from workbench.errors import AccessDenied, InvalidInput, NotFound, WorkbenchError
from workbench.governance.canonical import canonical_json
from workbench.governance.decide import authorise
from workbench.governance.evidence.passport import MOST_URL, TYPES, Visa, issuer_of, read_keys, read_visa, thumbprint
from workbench.governance.people import whoami
from workbench.governance.store import Store, stamped

APPROVAL = "ControlledAccessGrants"
_SHOWN = "id, person, issuer, source, type, value, issued, expires, received"
_TRUSTED = "id, dataset, issuer, source, type, value, is_approval, author, created"


def trust_visas(
    store: Store, person: str, dataset: str | None, facts: dict[str, str], *, keys: object, is_approval: bool = False
) -> dict[str, Any]:
    """Trust the visas of an issuer and source that say one exact thing.

    Parameters
    ----------
    store : Store
        The home's store.
    person : str
        The dataset's custodian or an administrator; for the whole home an administrator.
    dataset : str, optional
        For which dataset; None for the whole home.
    facts : dict
        `issuer, source, type, value`: the visa must say exactly these.
    keys : JSON value
        The issuer's public keys, as a JWK set; given once, never fetched.
    is_approval : bool, default False
        Whether such a visa stands for the custodian's approval (ControlledAccessGrants for a dataset only).

    Raises
    ------
    AccessDenied, NotFound, InvalidInput
        When this person may not, or something is odd.
    """
    _authorise(store, person, dataset)
    issuer, source, kind, value = (_fact(facts, name) for name in ("issuer", "source", "type", "value"))
    if kind not in TYPES:
        raise InvalidInput(f"“{kind[:40]}” is not a type of visa that counts here: {', '.join(TYPES)}.")
    if is_approval and (kind != APPROVAL or dataset is None):
        raise InvalidInput(f"Only {APPROVAL} for one dataset can stand for its custodian's approval.")
    public = read_keys(keys)
    with store.change(person, "visa.trust", dataset or "home", issuer=issuer, source=source, value=value) as db:
        trusted = db.details["trusted"] = db.next_id("trusted_visas", "W")
        db.details |= {"type": kind, "is_approval": is_approval, "keys": [thumbprint(key) for key in public.values()]}
        db.execute(
            "INSERT INTO trusted_visas (id, dataset, issuer, source, type, value, keys, is_approval, author, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                trusted, dataset, issuer, source, kind, value, canonical_json(public).decode(), is_approval, person,
                stamped(store),
            ),
        )  # fmt: skip
    return {"id": trusted, "dataset": dataset, "issuer": issuer, "source": source, "type": kind, "value": value}


def untrust_visas(store: Store, person: str, trusted: str) -> dict[str, Any]:
    """Trust those visas no longer; what was sent under them counts no more from the next decision on."""
    row = store.read().execute("SELECT dataset, ended FROM trusted_visas WHERE id = ?", (trusted,)).fetchone()
    if row is None or row["ended"]:
        raise NotFound(f"No trust “{trusted[:20]}” that still counts; `workbench visa list` shows them.")
    _authorise(store, person, row["dataset"])
    with store.change(person, "visa.untrust", row["dataset"] or "home", trusted=trusted) as db:
        db.execute("UPDATE trusted_visas SET ended = ? WHERE id = ?", (stamped(store), trusted))
    return {"id": trusted, "ended": True}


def link_identity(
    store: Store, actor: str, dataset: str | None, person: str, *, issuer: str, subject: str
) -> dict[str, Any]:
    """Say that an issuer's subject is this person, so that nobody can send the visa of another.

    Raises
    ------
    AccessDenied, NotFound, InvalidInput
        When the actor may not, it would be themselves, the subject is somebody else's, or a value is odd.
    """
    _authorise(store, actor, dataset)
    whoami(store, person)
    if actor == person:
        raise AccessDenied("Nobody links an identity to themselves; somebody else must.", code="own-identity")
    named = {"issuer": issuer, "subject": subject}
    issuer, subject = _fact(named, "issuer"), _fact(named, "subject")
    taken = store.read().execute(
        "SELECT person FROM visa_identities WHERE dataset IS ? AND issuer = ? AND subject = ?",
        (dataset, issuer, subject),
    )
    row = taken.fetchone()
    if row and row["person"] != person:
        raise InvalidInput("This subject of the issuer is linked to another account already.")
    if row is None:
        with store.change(actor, "visa.link", dataset or "home", person=person, issuer=issuer) as db:
            db.execute(
                "INSERT INTO visa_identities (dataset, issuer, subject, person, author, created) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (dataset, issuer, subject, person, actor, stamped(store)),
            )
    return {"person": person, "dataset": dataset, "issuer": issuer}


def send_visa(store: Store, person: str, jws: str) -> dict[str, Any]:
    """Take a visa in as evidence for this person; a refusal is recorded with its reason, the visa itself never is.

    Raises
    ------
    InvalidInput, AccessDenied
        When the visa cannot be read, does not hold, is not trusted, or is about somebody else.
    """
    try:
        visa = _trusted_visa(store, person, jws)
    except WorkbenchError as refusal:
        store.note(person, "visa.send", "home", outcome="denied", reason=refusal.message, code=refusal.code)
        raise
    db = store.read()
    known = db.execute("SELECT id FROM visas WHERE person = ? AND digest = ?", (person, visa.digest)).fetchone()
    if known is None:
        with store.change(
            person, "visa.send", "home", source=visa.source, type=visa.type, digest=visa.digest
        ) as change:
            known = {"id": change.next_id("visas", "V")}
            change.details["visa"] = known["id"]
            change.execute(
                "INSERT INTO visas (id, person, issuer, subject, source, type, value, by_whom, conditions, issued, "
                "expires, digest, key, received) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    known["id"], person, visa.issuer, visa.subject, visa.source, visa.type, visa.value, visa.by,
                    canonical_json(visa.conditions).decode(), visa.issued, visa.expires, visa.digest, visa.key,
                    stamped(store),
                ),
            )  # fmt: skip
    row = db.execute(f"SELECT {_SHOWN} FROM visas WHERE id = ?", (known["id"],)).fetchone()  # noqa: S608 - constant
    return dict(row)


def list_visas(store: Store, person: str) -> dict[str, Any]:
    """Give this person's visas, and what is trusted for the datasets they answer for or for the home."""
    db = store.read()
    own = db.execute(f"SELECT {_SHOWN} FROM visas WHERE person = ? ORDER BY number", (person,))  # noqa: S608 - constant
    trusted = db.execute(
        f"SELECT {_TRUSTED} FROM trusted_visas WHERE ended IS NULL AND (dataset IN (SELECT name FROM datasets "  # noqa: S608
        "WHERE custodian = ?) OR EXISTS (SELECT 1 FROM roles WHERE person = ? AND role = 'administrator')) "
        "ORDER BY number",
        (person, person),
    )
    return {"visas": [dict(row) for row in own], "trusted": [dict(row) for row in trusted]}


def _trusted_visa(store: Store, person: str, jws: str) -> Visa:
    """Give the visa when it holds for at least one thing that is trusted here, and is about this person."""
    issuer, db = issuer_of(jws), store.read()
    rows = db.execute("SELECT * FROM trusted_visas WHERE issuer = ? AND ended IS NULL ORDER BY number DESC", (issuer,))
    trusts = [dict(row) for row in rows]
    if not trusts:
        raise AccessDenied("Nobody here trusts the issuer of this visa; its custodian can.", code="visa-issuer")
    refusal: WorkbenchError | None = None
    for trust in trusts:
        try:
            visa = read_visa(jws, json.loads(trust["keys"]), store.now())
        except WorkbenchError as problem:
            refusal = refusal or problem
            continue
        if all(trust[name] == getattr(visa, name) for name in ("source", "type", "value")):
            break
        refusal = AccessDenied("Nobody here trusts this source for what the visa says.", code="visa-source")
    else:
        raise refusal or AccessDenied("Nobody here trusts this visa.", code="visa-source")
    linked = db.execute(
        "SELECT 1 FROM visa_identities WHERE issuer = ? AND subject = ? AND person = ?",
        (visa.issuer, visa.subject, person),
    )
    if linked.fetchone() is None:
        text = "The visa's subject is not linked to your account; ask a custodian or administrator to link it."
        raise AccessDenied(text, code="visa-subject")
    return visa


def _authorise(store: Store, person: str, dataset: str | None) -> None:
    if dataset is None:
        authorise(store, person, "home.govern", "home")
    else:
        authorise(store, person, "dataset.govern", dataset)


def _fact(facts: dict[str, str], name: str) -> str:
    value = facts.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MOST_URL or not value.isprintable():
        raise InvalidInput(f"“{name}” is needed: a text of at most {MOST_URL} characters, exactly as visas say it.")
    return value
