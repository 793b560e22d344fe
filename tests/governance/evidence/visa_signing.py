"""An issuer of visas with keys of its own, so that tests sign what they like."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER, SOURCE = "https://visas.example.org", "https://dac.example.org"
VALUE, SUBJECT = "https://example.org/datasets/710", "researcher-7"


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(name: str = "P-256") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1() if name == "P-256" else ec.SECP384R1())


def public(kid: str, key: Any) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid}


def jwks() -> dict[str, Any]:
    return {"keys": [public("rsa-1", rsa_key()), public("ec-1", ec_key())]}


@dataclass
class Signer:
    """Signs visas dated by a clock."""

    now: float
    algorithm: str = "ES256"
    claims: dict[str, Any] = field(default_factory=dict)

    def visa(self, *, said: dict[str, Any] | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        body = {
            "iss": ISSUER, "sub": SUBJECT, "iat": self.now, "exp": self.now + 3600,
            "ga4gh_visa_v1": {
                "type": "ControlledAccessGrants", "value": VALUE, "source": SOURCE, "asserted": self.now, "by": "dac",
                **(said or {}),
            },
            **claims,
        }  # fmt: skip
        key: Any = ec_key() if self.algorithm == "ES256" else rsa_key()
        kid = "ec-1" if self.algorithm == "ES256" else "rsa-1"
        kept = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(kept, key, algorithm=self.algorithm, headers={"kid": kid, **(header or {})})
