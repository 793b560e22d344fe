"""A dataset's card: Croissant 1.1 JSON-LD that says what the data are and may be used for, never where bytes lie.

The file objects on a card have names (`urn:…`) and hashes, not addresses: whoever may read the data reads them through
the gateway. mlcroissant checks every card before it is kept.

Runs in: gateway
Source: MLCommons Croissant format specification 1.1 (records, sources, data use conditions) and its Responsible AI
vocabulary 1.0.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from workbench.errors import InvalidInput

CROISSANT = "http://mlcommons.org/croissant/1.1"
CONFORMS_TO = [CROISSANT, "http://mlcommons.org/croissant/RAI/1.0"]
# Appendix 1 of the specification as mlcroissant wants it, and three prefixes of our own use.
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "wb": "urn:ai4h-workbench:", "duo": "http://purl.obolibrary.org/obo/DUO_",
    "conformsTo": "dct:conformsTo", "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "data": {"@id": "cr:data", "@type": "@json"}, "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"}, "description": {"@container": "@language"},
    **{term: f"cr:{term}" for term in (
        "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject",
        "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
        "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
        "source", "subField", "transform",
    )},
}  # fmt: skip
# Keys under which a card could tell where raw bytes lie; the gateway alone writes those of the version.
_LOCATIONS = {"contentUrl", "distribution", "downloadUrl", "embedUrl", "includes"}
_TYPES = {
    "string": "sc:Text", "int64": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean", "date": "sc:Date",
    "time": "sc:DateTime",
}  # fmt: skip
_SPLITS = {
    "train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit",
    "public_test": "cr:TestSplit", "final_test": "cr:TestSplit",
}  # fmt: skip
VERSION_FILE = "version"
_checking = Lock()


def build_card(facts: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the card of a dataset version.

    Parameters
    ----------
    facts : mapping
        `name, title, description, tier, custodian, created`, and once there is a version `version, scans, subjects,
        bytes, count` (how many versions there were), `published`.
    extra : mapping, optional
        What the ingest side knows: `license`, `keywords`, `modality`, `citeAs`, `wb:…`, `rai:…`, and `tables`, what
        `described` of the gateway says of each table; it cannot overrule the facts.

    Raises
    ------
    InvalidInput
        When the extra part names a place to fetch raw bytes from.
    """
    known = dict(extra or {})
    tables = known.pop("tables", [])
    digest = known.pop("sha256", "")
    check_card(known)
    card: dict[str, Any] = {
        "keywords": ["computed tomography"], "modality": "CT", "license": "LicenseRef-custodian",
        "citeAs": f"{facts['title']} ({facts['name']}), held by {facts['custodian']}",
        "rai:personalSensitiveInformation": [_sensitivity(facts["tier"])],
        "rai:dataUseCases": ["Research and benchmarking for the purposes that the usage terms of this card allow."],
        "rai:dataReleaseMaintenancePlan": "Versions are immutable; a subject who withdraws goes from all of them.",
        **known,
    }  # fmt: skip
    card |= {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": facts["name"],
        "alternateName": facts["title"],
        "description": facts["description"] or facts["title"],
        "url": f"urn:ai4h-workbench:dataset:{facts['name']}",
        "dateCreated": facts["created"],
        "creator": {"@type": "Person", "name": facts["custodian"]},
        "maintainer": {"@type": "Person", "name": facts["custodian"]},
        "isAccessibleForFree": facts["tier"] == "open",
        "wb:tier": facts["tier"],
    }
    if facts.get("version"):
        card |= {
            # Every version changes the data, which is what the first of the three numbers says.
            "version": f"{facts.get('count') or 1}.0.0",
            "datePublished": facts.get("published") or facts["created"],
            "wb:version": facts["version"],
            "wb:scans": facts["scans"],
            "wb:subjects": facts["subjects"],
            "wb:contentSize": f"{facts['bytes']} B",
        }
        card |= _records(facts, tables, digest)
    return card


def usage_info(terms: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the data use conditions of a card, out of DUO terms.

    Parameters
    ----------
    terms : sequence of mapping
        Each with `code` such as ``DUO:0000042``, `label`, and `parameter` where the term has one.
    """
    found = []
    for term in terms:
        number = str(term["code"]).removeprefix("DUO:")
        entry = {"@type": "DefinedTerm", "name": term["label"], "termCode": f"DUO_{number}", "url": f"duo:{number}"}
        if term.get("parameter"):
            entry["description"] = str(term["parameter"])
        found.append(entry)
    return found


def validate_card(card: Mapping[str, Any]) -> None:
    """Have mlcroissant check a card.

    Raises
    ------
    InvalidInput
        With what mlcroissant found first.
    """
    # Heavy (half a second, 60 MB): loaded when the first card of this process is made.
    import mlcroissant  # noqa: PLC0415

    with _checking, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            mlcroissant.Dataset(jsonld=dict(card))
        except (mlcroissant.ValidationError, ValueError, TypeError, KeyError, AttributeError) as problem:
            lines = [line.strip(" -") for line in str(problem).splitlines() if line.strip()]
            found = lines[1] if len(lines) > 1 else "".join(lines) or type(problem).__name__
            raise InvalidInput(
                f"The card is no valid Croissant 1.1: {found[:300]} Mend what was added to the card, and try again."
            ) from None


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


def _records(facts: Mapping[str, Any], tables: Sequence[Mapping[str, Any]], digest: str) -> dict[str, Any]:
    """Give the files (named and hashed, not located) and the record sets of a version."""
    files: list[dict[str, Any]] = [{
        "@type": "cr:FileObject", "@id": VERSION_FILE, "name": "manifest of the version",
        "description": "Path and SHA-256 of every object of the version; held by the gateway.",
        "contentUrl": f"urn:ai4h-workbench:version:{facts['version']}",
        "encodingFormat": "application/json", "sha256": digest or facts["version"],
    }]  # fmt: skip
    sets: list[dict[str, Any]] = []
    for table in tables:
        name = table["name"]
        files.append({
            "@type": "cr:FileObject", "@id": f"tables/{name}", "name": name, "containedIn": {"@id": VERSION_FILE},
            "encodingFormat": "application/vnd.apache.arrow.stream",
        })  # fmt: skip
        sets.append(_record_set(table))
    if any(table["name"] == "scans" for table in tables):
        files.append({
            "@type": "cr:FileSet", "@id": "images", "name": "images", "containedIn": {"@id": VERSION_FILE},
            "encodingFormat": "application/vnd.zarr", "includes": "scans/*/image.zarr",
        })  # fmt: skip
        sets.append(_images())
        sets.append(_splits())
    return {"distribution": files, "recordSet": sets}


def _record_set(table: Mapping[str, Any]) -> dict[str, Any]:
    name, fields = table["name"], []
    for column in table["columns"]:
        field: dict[str, Any] = {
            "@type": "cr:Field", "@id": f"{name}/{column['name']}", "name": column["name"],
            "dataType": _TYPES.get(column.get("type", ""), "sc:Text"),
            "source": {"fileObject": {"@id": f"tables/{name}"}, "extract": {"column": column["name"]}},
        }  # fmt: skip
        described = " ".join(filter(None, [column.get("description"), _unit(column.get("unit"))]))
        if described:
            field["description"] = described
        if (name, column["name"]) == ("scans", "split"):
            field["references"] = {"field": {"@id": "splits/name"}}
        fields.append(field)
    made = {"@type": "cr:RecordSet", "@id": name, "name": name, "description": table["title"], "field": fields}
    if name == "scans":
        made["key"] = {"@id": "scans/scan"}
    return made


def _images() -> dict[str, Any]:
    volume = {
        "@type": "cr:Field", "@id": "volumes/volume", "name": "volume", "dataType": "sc:Integer", "isArray": True,
        "arrayShape": "-1,-1,-1", "description": "Axes z, y, x; Hounsfield units for CT.",
        "source": {"fileSet": {"@id": "images"}, "extract": {"fileProperty": "content"}},
    }  # fmt: skip
    return {"@type": "cr:RecordSet", "@id": "volumes", "name": "volumes", "field": [volume]}


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet", "@id": "splits", "name": "splits", "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": "sc:URL"},
        ],
        "data": [{"splits/name": name, "splits/url": url} for name, url in _SPLITS.items()],
    }  # fmt: skip


def _unit(unit: object) -> str:
    return f"Unit: {unit}." if unit else ""


def _sensitivity(tier: str) -> str:
    if tier == "open":
        return "None: phantoms, or data that are public."
    return "Health data of people under pseudonyms; identifiers were removed before the data came in."
