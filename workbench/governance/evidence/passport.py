"""GA4GH visas: what a signed statement about a person says, once its signature and its dates hold.

Nothing is fetched: keys are those that somebody of this home trusted, whatever address a visa's header names.

Runs in: gateway
Source: GA4GH Passport 1.2 and AAI OpenID Connect Profile 1.2 (RS256 and ES256 alone); RFC 7515 (JWS), RFC 7517 and
7638 (keys and their thumbprints), RFC 8725 (algorithms are the verifier's choice, never the token's).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.errors import AccessDenied, InvalidInput
from workbench.governance.canonical import canonical_json, stamp

ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
TYPES = ("ControlledAccessGrants", "AcceptedTermsAndPolicies", "ResearcherStatus", "AffiliationAndRole")
MOST_CHARACTERS, MOST_URL = 20_000, 255
SKEW_S = 60
RSA_BITS = 2048
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CONDITION_CLAIMS = frozenset({"value", "source", "by"})


@dataclass(frozen=True)
class Visa:
    """What a visa says; the dates are stamps, `key` is the thumbprint of the key that signed it."""

    issuer: str
    subject: str
    source: str
    type: str
    value: str
    by: str
    conditions: list[list[dict[str, str]]]
    issued: str
    expires: str
    digest: str
    key: str


def read_keys(value: object) -> dict[str, dict[str, str]]:
    """Give the public keys of a JWK set by their id; anything but RSA from 2048 bits and P-256 is refused.

    Raises
    ------
    InvalidInput
        When it is no such set, or holds a secret or private key.
    """
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= 20:
        raise InvalidInput("The keys of an issuer are a JWK set: {“keys”: […]} with 1 to 20 keys.")
    found: dict[str, dict[str, str]] = {}
    for key in keys:
        if not isinstance(key, dict) or not all(isinstance(part, str) for part in (key.get("kid"), key.get("kty"))):
            raise InvalidInput("Every key of the set needs a “kid” and a “kty”.")
        if _PRIVATE & set(key):
            raise InvalidInput("The set holds a private or secret key; give the public keys alone.")
        names = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y")}.get(key["kty"], ())
        public = {name: key.get(name) for name in names}
        if key["kid"] in found or not public or not all(isinstance(part, str) for part in public.values()):
            raise InvalidInput("Every key is of type RSA or EC, complete, and has an id of its own.")
        _check_strength(public)
        found[key["kid"]] = {name: str(part) for name, part in public.items()}
    return found


def thumbprint(key: Mapping[str, str]) -> str:
    """Name a public key by the hash of its parts (RFC 7638)."""
    return hashlib.sha256(canonical_json(dict(key))).hexdigest()


def issuer_of(jws: str) -> str:
    """Give who a visa says issued it, before anything of it is believed."""
    claims = _decode(jws, None, "")
    return _text(claims, "iss", MOST_URL)


def read_visa(jws: str, keys: Mapping[str, Mapping[str, str]], now: datetime) -> Visa:
    """Give what a visa says, once its signature and its dates hold.

    Parameters
    ----------
    jws : str
        The visa, as JWS in compact form.
    keys : mapping
        The issuer's public keys by id, from `read_keys`.
    now : datetime
        The moment.

    Raises
    ------
    InvalidInput, AccessDenied
        When it is malformed, signed otherwise, not yet valid, expired, or under conditions nobody here understands;
        the code says which.
    """
    header = _header(jws)
    algorithm, name = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise AccessDenied("A visa is signed with RS256 or ES256, and this one is not.", code="visa-algorithm")
    if "crit" in header or "b64" in header:
        raise AccessDenied("The visa's header asks for something that nobody here knows.", code="visa-header")
    key = keys.get(name) if isinstance(name, str) else None
    if key is None or key["kty"] != ALGORITHMS[str(algorithm)]:
        raise AccessDenied("The visa names a key that is not trusted for its issuer.", code="visa-key")
    claims = _decode(jws, key, str(algorithm))
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    moment = now.timestamp()
    if expires <= moment:
        raise AccessDenied("The visa has expired; send a newer one.", code="visa-expired")
    if max(issued, _seconds(claims, "nbf", issued)) > moment + SKEW_S:
        raise AccessDenied("The visa is dated in the future.", code="visa-early")
    if "aud" in claims:
        raise AccessDenied("The visa is meant for one other service.", code="visa-audience")
    said = claims.get("ga4gh_visa_v1")
    if not isinstance(said, dict) or _seconds(said, "asserted") > moment + SKEW_S:
        raise _malformed("it says nothing about anybody")
    by = said.get("by", "")
    return Visa(
        issuer=_text(claims, "iss", MOST_URL), subject=_text(claims, "sub", MOST_URL),
        source=_text(said, "source", MOST_URL), type=_text(said, "type", 100), value=_text(said, "value", 2000),
        by=by if isinstance(by, str) else "", conditions=_conditions(said.get("conditions")),
        issued=_stamp(issued), expires=_stamp(expires),
        digest=hashlib.sha256(jws.encode()).hexdigest(), key=thumbprint(key),
    )  # fmt: skip


def _header(jws: str) -> dict[str, Any]:
    import jwt  # noqa: PLC0415 - heavy, loaded on first use

    if not isinstance(jws, str) or len(jws) > MOST_CHARACTERS or jws.count(".") != 2 or not jws.isascii():
        raise _malformed("it is no JWS in compact form")
    try:
        return dict(jwt.get_unverified_header(jws))
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _malformed("its header cannot be read") from None


def _decode(jws: str, key: Mapping[str, str] | None, algorithm: str) -> dict[str, Any]:
    """Give the claims; with a key only when the signature is that key's."""
    import jwt  # noqa: PLC0415 - heavy, loaded on first use

    _header(jws)
    # The library checks the signature alone: dates are held against the home's clock further on.
    try:
        if key is None:
            payload = jwt.PyJWS().decode(jws, options={"verify_signature": False})
        else:
            payload = jwt.PyJWS().decode(jws, key=jwt.PyJWK(dict(key), algorithm=algorithm), algorithms=[algorithm])
        claims = json.loads(payload)
    except jwt.InvalidSignatureError:
        raise AccessDenied("The visa's signature is not that of its issuer's key.", code="visa-signature") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _malformed("it cannot be read") from None
    if not isinstance(claims, dict):
        raise _malformed("its content is no JSON object")
    return claims


def _conditions(value: object) -> list[list[dict[str, str]]]:
    """Check that conditions are of the one form understood here: other visas with exactly these values."""
    if value is None or value == []:
        return []
    refusal = AccessDenied("The visa has conditions that are not understood here.", code="visa-conditions")
    if not isinstance(value, list) or not all(isinstance(clauses, list) and clauses for clauses in value):
        raise refusal
    for clause in (clause for clauses in value for clause in clauses):
        if not isinstance(clause, dict) or not all(isinstance(part, str) for part in clause.values()):
            raise refusal
        claims = set(clause) - {"type"}
        is_known = "type" in clause and claims and claims <= _CONDITION_CLAIMS
        if not is_known or not all(clause[name].startswith("const:") for name in claims):
            raise refusal
    if len(json.dumps(value)) > MOST_CHARACTERS // 4:
        raise refusal
    return value


def _check_strength(key: Mapping[str, Any]) -> None:
    import jwt  # noqa: PLC0415 - heavy, loaded on first use

    algorithm = "RS256" if key["kty"] == "RSA" else "ES256"
    try:
        public = jwt.PyJWK(dict(key), algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError):
        raise InvalidInput("One of the keys cannot be read.") from None
    if public.key_size < RSA_BITS if key["kty"] == "RSA" else key["crv"] != "P-256":
        raise InvalidInput(f"Keys are RSA with {RSA_BITS} bits or more, or EC on the curve P-256.")


def _seconds(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**33:
        raise _malformed(f"its “{name}” is no moment")
    return value


def _text(claims: Mapping[str, Any], name: str, longest: int) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise _malformed(f"its “{name}” is missing or odd")
    return value


def _stamp(seconds: float) -> str:
    return stamp(datetime.fromtimestamp(int(seconds), UTC))


def _malformed(why: str) -> InvalidInput:
    return InvalidInput(f"This is no visa that can be read: {why}.", code="visa-malformed")
