"""A dataset's card: Croissant-shaped JSON-LD that says what the data are, never where the bytes lie.

Runs in: anywhere
Source: MLCommons Croissant format specification 1.0 and its Responsible AI vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import InvalidInput

CONTEXT = {
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "wb": "urn:ai4h-workbench:",
}
# Keys under which a card could tell where raw bytes lie.
_LOCATIONS = {"contentUrl", "distribution", "downloadUrl", "embedUrl", "includes"}


def build_card(facts: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the card of a dataset version.

    Parameters
    ----------
    facts : mapping
        `name, title, description, tier, custodian, created`, and once there is a version `version, scans, subjects,
        bytes`.
    extra : mapping, optional
        What the ingest side knows: `license`, `keywords`, `modality`, `wb:…`, `rai:…`; it cannot overrule the facts.

    Raises
    ------
    InvalidInput
        When the extra part names a place to fetch raw bytes from.
    """
    check_card(extra or {})
    card: dict[str, Any] = {"keywords": ["computed tomography"], "modality": "CT", **(extra or {})}
    card |= {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": facts["name"],
        "alternateName": facts["title"],
        "description": facts["description"],
        "dateCreated": facts["created"],
        "maintainer": {"@type": "Person", "name": facts["custodian"]},
        "isAccessibleForFree": facts["tier"] == "open",
        "wb:tier": facts["tier"],
    }
    if facts.get("version"):
        card |= {
            "version": facts["version"],
            "wb:scans": facts["scans"],
            "wb:subjects": facts["subjects"],
            "contentSize": f"{facts['bytes']} B",
        }
    return card


def check_card(value: object) -> None:
    """Refuse a card that names, at any depth, a place to fetch raw bytes from."""
    if isinstance(value, Mapping):
        named = sorted(_LOCATIONS & set(value))
        if named:
            raise InvalidInput(f"A card never says where the bytes lie, and this one has “{named[0]}”; leave it out.")
        for part in value.values():
            check_card(part)
    elif isinstance(value, list | tuple):
        for part in value:
            check_card(part)
