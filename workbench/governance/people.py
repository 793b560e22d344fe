"""People, their roles and the purposes they may name; and how a new home gets its first ones.

Runs in: gateway
Source: purposes carry the investigation terms of the GA4GH Data Use Ontology (DUO), where it has one; RFC 7914
(scrypt) for secrets.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import json
import re
import secrets
import sqlite3
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.canonical import canonical_json
from workbench.governance.duo.facts import read_facts
from workbench.governance.duo.terms import find_term
from workbench.governance.store import Change, Store, stamped
from workbench.settings import Settings

ROLES = ("researcher", "custodian", "checker", "teacher", "reviewer", "administrator")

DEMO_PEOPLE = {
    "researcher": ("researcher",),
    "custodian": ("custodian",),
    "checker-1": ("checker",),
    "checker-2": ("checker",),
    "teacher": ("teacher", "researcher"),
    "reviewer": ("reviewer", "researcher"),
}
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_NAME = 200
OWNER_ROLES = ("administrator", "custodian", "researcher")

# What a purpose settles by itself; a person who names it cannot declare otherwise.
PURPOSES: tuple[tuple[str, str, str | None, dict[str, Any]], ...] = (
    (
        "lung-nodule-detection", "lung nodule detection", "DUO:0000040",
        {"disease": "lung nodule", "is_ancestry": False, "is_genetic": False},
    ),
    (
        "nodule-malignancy", "nodule malignancy", "DUO:0000040",
        {"disease": "lung cancer", "is_ancestry": False, "is_genetic": False},
    ),
    ("method-development", "method development", "DUO:0000031", {}),
    ("teaching", "teaching", None, {"research_kind": "education"}),
    ("quality-improvement", "quality improvement", None, {"research_kind": "quality"}),
)  # fmt: skip


def seed(store: Store, settings: Settings) -> None:
    """Give a new home its people and purposes; a home that has people is left as it is."""
    if store.read().execute("SELECT 1 FROM people").fetchone():
        return
    people = DEMO_PEOPLE if settings.demo_accounts else {getpass.getuser(): OWNER_ROLES}
    with store.change("system", "home.seed", "home", people=sorted(people)) as db:
        for person, roles in people.items():
            _insert_person(db, person, person, roles, stamped(store))
        db.executemany(
            "INSERT OR IGNORE INTO purposes (id, label, duo, facts) VALUES (?, ?, ?, ?)",
            [(one, label, duo, canonical_json(facts).decode()) for one, label, duo, facts in PURPOSES],
        )


def add_person(
    store: Store, actor: str, person: str, name: str, roles: tuple[str, ...], *, secret: str = ""
) -> dict[str, Any]:
    """Add a person with roles and, where people sign in by themselves, a secret of which only a hash is kept.

    Raises
    ------
    InvalidInput
        When a role does not exist or the person already does.
    """
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        raise InvalidInput(f"No role “{', '.join(unknown)}”; the roles are {', '.join(ROLES)}.")
    if not _ACCOUNT.fullmatch(person) or not 0 < len(name.strip()) <= MOST_NAME:
        raise InvalidInput("An account is 1 to 64 letters, digits, dots, underscores and hyphens, and has a name.")
    if find_person(store, person):
        raise InvalidInput(f"“{person}” already has an account here; change its roles instead.")
    with store.change(actor, "person.add", person, roles=list(roles)) as db:
        _insert_person(db, person, name.strip(), roles, stamped(store))
        db.execute("UPDATE people SET secret = ? WHERE id = ?", (_hashed(secret) if secret else "", person))
    return whoami(store, person)


def knows_secret(store: Store, person: str, secret: str) -> bool:
    """Whether this is the person's secret; the owner of the home, who has none, needs none."""
    row = find_person(store, person)
    kept = row["secret"] if row else ""
    return not kept or hmac.compare_digest(_hashed(secret, bytes.fromhex(kept.partition("$")[0])), kept)


def set_roles(store: Store, actor: str, person: str, roles: tuple[str, ...]) -> dict[str, Any]:
    """Replace a person's roles; they count from the next question to the policy on."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise InvalidInput(f"No role “{', '.join(unknown)}”; the roles are {', '.join(ROLES)}.")
    whoami(store, person)
    with store.change(actor, "person.roles", person, roles=list(roles)) as db:
        db.execute("DELETE FROM roles WHERE person = ?", (person,))
        db.executemany(
            "INSERT INTO roles (person, role) VALUES (?, ?)", [(person, role) for role in sorted(set(roles))]
        )
    return whoami(store, person)


def set_attributes(store: Store, actor: str, person: str, institution: str, country: str) -> dict[str, Any]:
    """Record where a person works: an institution and a country (ISO 3166 code); both may be empty."""
    whoami(store, person)
    kept = (" ".join(institution.split()), country.strip())
    if max(len(part) for part in kept) > MOST_NAME:
        raise InvalidInput(f"An institution and a country have at most {MOST_NAME} characters each.")
    with store.change(actor, "person.attributes", person, institution=kept[0], country=kept[1]) as db:
        db.execute("UPDATE people SET institution = ?, country = ? WHERE id = ?", (*kept, person))
    return {**whoami(store, person), "institution": kept[0], "country": kept[1]}


def find_person(store: Store, person: str) -> sqlite3.Row | None:
    """Give the row of a person, or None."""
    row: sqlite3.Row | None = store.read().execute("SELECT * FROM people WHERE id = ?", (person,)).fetchone()
    return row


def roles_of(store: Store, person: str) -> frozenset[str]:
    """Give the roles that a person holds at this moment."""
    rows = store.read().execute("SELECT role FROM roles WHERE person = ?", (person,))
    return frozenset(row["role"] for row in rows)


def whoami(store: Store, person: str) -> dict[str, Any]:
    """Give `person`, `name` and `roles`.

    Raises
    ------
    NotFound
        When the home has no such account.
    """
    row = find_person(store, person)
    if row is None:
        raise NotFound(f"No account “{person}” in this home; `workbench people` lists the accounts.")
    return {"person": row["id"], "name": row["name"], "roles": sorted(roles_of(store, person))}


def list_people(store: Store) -> list[dict[str, Any]]:
    """Give every account with its roles."""
    return [whoami(store, row["id"]) for row in store.read().execute("SELECT id FROM people ORDER BY rowid").fetchall()]


def list_purposes(store: Store) -> list[dict[str, Any]]:
    """Give the purposes somebody may name, as `id, label, duo, facts`: those that it settles by itself."""
    rows = store.read().execute("SELECT id, label, duo, facts FROM purposes ORDER BY rowid")
    return [{**dict(row), "facts": json.loads(row["facts"])} for row in rows]


def add_purpose(store: Store, actor: str, purpose: str, label: str, *, duo: str = "", facts: object = None) -> None:
    """Add a purpose that people may name, with its DUO kind of study and the facts that it settles.

    Raises
    ------
    InvalidInput
        When the id is no name, the DUO code is none of a study, or a fact is odd.
    Conflict
        When there is a purpose of that id or label.
    """
    kind = find_term(duo) if duo else None
    if not _ACCOUNT.fullmatch(purpose) or not 0 < len(label.strip()) <= MOST_NAME:
        raise InvalidInput("A purpose has an id of letters, digits, dots and hyphens, and a label.")
    if duo and (kind is None or kind.kind != "investigation"):
        raise InvalidInput(f"“{duo[:40]}” is no kind of study in the Data Use Ontology, such as DUO:0000040.")
    settled = canonical_json(read_facts(facts or {})).decode()
    try:
        with store.change(actor, "purpose.add", purpose, label=label.strip()) as db:
            db.execute(
                "INSERT INTO purposes (id, label, duo, facts) VALUES (?, ?, ?, ?)",
                (purpose, label.strip(), kind.code if kind else None, settled),
            )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is already a purpose “{purpose}” or one of that label; choose another.") from None


def find_purpose(store: Store, text: str) -> str:
    """Give the id of a purpose named by its id or its label.

    Raises
    ------
    InvalidInput
        When there is no such purpose; the message lists them.
    """
    wanted = " ".join(str(text).lower().split())
    for purpose in list_purposes(store):
        if wanted in (purpose["id"], purpose["label"].lower()):
            return str(purpose["id"])
    known = ", ".join(f"“{purpose['label']}”" for purpose in list_purposes(store))
    raise InvalidInput(f"“{text}” is not a purpose of this home; choose one of {known}.")


def _insert_person(db: Change, person: str, name: str, roles: tuple[str, ...], created: str) -> None:
    db.execute("INSERT INTO people (id, name, created) VALUES (?, ?, ?)", (person, name, created))
    db.executemany("INSERT INTO roles (person, role) VALUES (?, ?)", [(person, role) for role in sorted(set(roles))])


def _hashed(secret: str, salt: bytes | None = None) -> str:
    salt = salt or secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1).hex()}"
