"""A visa is believed only when its signature, its algorithm, its dates and its form all hold."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from visa_signing import Signer, ec_key, jwks, public, rsa_key

from workbench.errors import AccessDenied, InvalidInput, WorkbenchError
from workbench.governance.evidence.passport import Visa, issuer_of, read_keys, read_visa

NOW = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
SIGNER = Signer(int(NOW.timestamp()))


def read(jws: str, now: datetime = NOW) -> Visa:
    return read_visa(jws, read_keys(jwks()), now)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_visa_that_holds_says_what_it_says(algorithm: str) -> None:
    visa = read(Signer(SIGNER.now, algorithm).visa())
    assert (visa.type, visa.value) == ("ControlledAccessGrants", "https://example.org/datasets/710")
    assert (visa.issued, visa.expires) == ("2026-05-03T12:00:00Z", "2026-05-03T13:00:00Z")


def test_the_issuer_can_be_asked_for_before_anything_is_believed() -> None:
    assert issuer_of(SIGNER.visa()) == "https://visas.example.org"


def test_an_unsigned_visa_is_refused() -> None:
    body = SIGNER.visa().split(".")[1]
    for algorithm in ("none", "None", "NONE", ""):
        with pytest.raises(WorkbenchError) as refusal:
            read(f"{part({'alg': algorithm, 'kid': 'ec-1'})}.{body}.")
        assert refusal.value.code in ("visa-algorithm", "visa-malformed")


def test_a_visa_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = part({"alg": "HS256", "kid": "rsa-1"}), SIGNER.visa().split(".")[1]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(f"{head}.{body}".encode(), pem)
    with pytest.raises(AccessDenied) as refusal:
        read(f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")
    assert refusal.value.code == "visa-algorithm"


def test_a_key_of_the_other_kind_is_refused() -> None:
    with pytest.raises(AccessDenied) as refusal:
        read(SIGNER.visa(header={"kid": "rsa-1"}))
    assert refusal.value.code == "visa-key"


@pytest.mark.parametrize("kid", ["ec-2", None, 7])
def test_a_key_that_nobody_trusted_is_refused(kid: Any) -> None:
    head, body, signature = SIGNER.visa().split(".")
    with pytest.raises(WorkbenchError) as refusal:
        read(f"{part({'alg': 'ES256', 'kid': kid} if kid else {'alg': 'ES256'})}.{body}.{signature}")
    assert refusal.value.code in ("visa-key", "visa-malformed")


def test_a_key_in_the_header_is_not_looked_at() -> None:
    jws = SIGNER.visa(header={"jwk": public("ec-1", ec_key("P-384")), "jku": "https://evil.example.org/jwks"})
    assert read(jws).subject == "researcher-7"


def test_a_changed_content_breaks_the_signature() -> None:
    head, body, signature = SIGNER.visa().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["sub"] = "somebody-else"
    with pytest.raises(AccessDenied) as refusal:
        read(f"{head}.{part(claims)}.{signature}")
    assert refusal.value.code == "visa-signature"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": SIGNER.now}, "visa-expired"), ({"exp": SIGNER.now - 1}, "visa-expired"),
        ({"iat": SIGNER.now + 61}, "visa-early"), ({"nbf": SIGNER.now + 61}, "visa-early"),
        ({"aud": "https://other.example.org"}, "visa-audience"), ({"exp": None}, "visa-malformed"),
        ({"iat": None}, "visa-malformed"), ({"iat": "today"}, "visa-malformed"), ({"exp": True}, "visa-malformed"),
        ({"exp": 1e300}, "visa-malformed"), ({"sub": None}, "visa-malformed"), ({"iss": ""}, "visa-malformed"),
        ({"sub": "a\nb"}, "visa-malformed"), ({"ga4gh_visa_v1": None}, "visa-malformed"),
        ({"ga4gh_visa_v1": []}, "visa-malformed"), ({"iss": "x" * 256}, "visa-malformed"),
    ],
)  # fmt: skip
def test_dates_and_names_that_do_not_hold_are_refused(claims: dict[str, Any], code: str) -> None:
    with pytest.raises(WorkbenchError) as refusal:
        read(SIGNER.visa(**claims))
    assert refusal.value.code == code


@pytest.mark.parametrize("said", [{"type": None}, {"value": 7}, {"source": ""}, {"asserted": None}])
def test_a_statement_without_its_parts_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read(SIGNER.visa(said=said))
    assert refusal.value.code == "visa-malformed"


def test_a_header_that_must_be_understood_is_refused() -> None:
    with pytest.raises(WorkbenchError) as refusal:
        read(SIGNER.visa(header={"crit": ["exp"]}))
    assert refusal.value.code in ("visa-header", "visa-malformed")


GOOD = [[{"type": "ResearcherStatus", "value": "const:https://doi.org/10.1038/s41431-018-0219-y"}]]
ODD: list[Any] = [
    "x", {}, [{}], [[]], [["x"]], [[{}]], [[{"type": "ResearcherStatus"}]], [[{"value": "const:x"}]],
    [[{"type": "X", "value": "pattern:*"}]], [[{"type": "X", "value": "split_pattern:x"}]],
    [[{"type": "X", "value": "x"}]],
    [[{"type": "X", "asserted": "const:1"}]], [[{"type": "X", "value": 7}]], [*GOOD, [{"type": "X", "value": "new:x"}]],
]  # fmt: skip


@pytest.mark.parametrize("conditions", ODD, ids=lambda value: json.dumps(value)[:50])
def test_conditions_that_are_not_understood_are_refused(conditions: Any) -> None:
    with pytest.raises(AccessDenied) as refusal:
        read(SIGNER.visa(said={"conditions": conditions}))
    assert refusal.value.code == "visa-conditions"


def test_plain_conditions_are_kept_to_be_checked_at_each_decision() -> None:
    assert read(SIGNER.visa(said={"conditions": GOOD})).conditions == GOOD
    assert read(SIGNER.visa(said={"conditions": []})).conditions == []


@pytest.mark.parametrize("jws", ["", "x", "a.b", "a.b.c", "..", "é.é.é", "a.b.c.d", "x" * 30_000, "eyJ9.AAAA.AAAA"])
def test_garbage_is_refused(jws: str) -> None:
    for reader in (read, issuer_of):
        with pytest.raises(WorkbenchError):
            reader(jws)


def test_deep_json_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' * 3000).rstrip(b"=").decode()
    with pytest.raises(InvalidInput):
        issuer_of(f"{deep}.{deep}.AAAA")


WEAK: list[Any] = [
    None, [], {}, {"keys": []}, {"keys": ["x"]}, {"keys": [{"kty": "RSA"}]},
    {"keys": [{"kty": "oct", "kid": "a", "k": "c2"}]},
    {"keys": [public("a", ec_key("P-384"))]}, {"keys": [public("a", ec_key()), public("a", rsa_key())]},
    {"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}]}, {"keys": [{**public("a", ec_key()), "d": "AA"}]},
    {"keys": [{"kty": "OKP", "kid": "a", "crv": "Ed25519", "x": "AA"}]},
    {"keys": [{**public("a", ec_key()), "x": "!"}]},
]  # fmt: skip


@pytest.mark.parametrize("keys", WEAK, ids=range(len(WEAK)))
def test_weak_secret_and_broken_keys_are_refused(keys: Any) -> None:
    with pytest.raises(InvalidInput):
        read_keys(keys)
