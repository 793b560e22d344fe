"""One FHIR resource as rows of text, by an allowlist of paths; whatever the list does not name is left behind.

Runs in: ingest host
Source: HL7 FHIR R4 (4.0.1) 2.24 (data types), 2.26 (references); SNOMED CT TIG 5.5 (check digit).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbench.ingest.deidentify.codes import code_meaning

COLUMNS_FILE = Path(__file__).with_name("fhir_columns.json")
FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:T.*)?")
# Verhoeff's tables, which SNOMED CT's check digit comes from.
MULTIPLY = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
PERMUTE = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
Row = dict[str, str]


@cache
def fhir_columns() -> dict[str, Any]:
    """Read what is taken of each resource."""
    body: dict[str, Any] = json.loads(COLUMNS_FILE.read_text("utf-8"))
    return body


def flatten(resource: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[Row]:
    """Give the rows of a resource: one, and one more for each of its components.

    Parameters
    ----------
    resource : mapping
        As JSON.
    table : mapping
        An entry of `tables` in the file of columns.
    """
    whole = _row(resource, table)
    yield whole
    parts = resource.get(table.get("parts") or "")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping):
            # A component has its own code and value, and everything else of its observation.
            own = {
                name: text
                for name, text in _row(part, table).items()
                if name.startswith(("code", "value", "unit", "interpretation"))
            }
            yield whole | own


def resource_id(reference: object) -> str:
    """Give the id at the end of a reference, or the whole of a urn.

    >>> resource_id({"reference": "https://example.org/fhir/Patient/17/_history/2"})
    '17'
    """
    text = reference.get("reference") if isinstance(reference, Mapping) else None
    if not isinstance(text, str):
        return ""
    return text if text.startswith("urn:") else text.split("/_history/")[0].rsplit("/", 1)[-1]


def names_of(entry: Mapping[str, Any], name: str) -> list[str]:
    """Give the columns that an entry makes."""
    return [name, f"{name}_system", f"{name}_display"] if entry["take"] == "coding" else [name]


def _row(resource: Mapping[str, Any], table: Mapping[str, Any]) -> Row:
    row: Row = {}
    for name, entry in table["columns"].items():
        found = resource.get("id") if entry["take"] == "id" else _first(resource, entry["path"])
        if entry["take"] == "coding":
            row |= dict(zip(names_of(entry, name), _coding(found), strict=True))
        else:
            row[name] = _plain(found, entry["take"])
    return row


def _first(resource: Mapping[str, Any], paths: list[str]) -> object:
    for path in paths:
        found: object = resource
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if found is not None:
            return found
    return None


def _plain(found: object, take: str) -> str:
    """Give a value as text; nothing where it is not what the path promises."""
    if take == "reference":
        return resource_id(found)
    if take == "unit":
        is_ucum = isinstance(found, Mapping) and found.get("system") == "http://unitsofmeasure.org"
        unit = str(found.get("code") or "") if is_ucum and isinstance(found, Mapping) else ""
        return unit if re.fullmatch(fhir_columns()["unit"], unit) else ""
    if take == "number":
        return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else ""
    if take == "boolean":
        return str(found).lower() if isinstance(found, bool) else ""
    text = found if isinstance(found, str) else ""
    # Half a date cannot be shifted.
    return text if take != "date" or FULL_DATE.fullmatch(text) else ""


def _coding(found: object) -> tuple[str, str, str]:
    """Give the first code of a concept that is a code of a known system: code, system, and the meaning known here."""
    while isinstance(found, list):
        found = found[0] if found else None
    if not isinstance(found, Mapping):
        return "", "", ""
    codings = found.get("coding") if "coding" in found else [found]
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, Mapping):
            code, system = str(coding.get("code") or ""), str(coding.get("system") or "")
            name = _system(code, system)
            if name:
                return code, name[0], code_meaning(code, name[1]) or ""
    return "", "", ""


def _system(code: str, system: str) -> tuple[str, str] | None:
    """Give a system's name and its DICOM designator, when the code has the form that its codes have."""
    body = fhir_columns()
    known = body["systems"].get(system)
    if known:
        is_one = re.fullmatch(known[2], code) and (known[1] != "SCT" or _has_check_digit(code))
        return (known[0], known[1]) if is_one else None
    hl7 = re.fullmatch(body["hl7_systems"], system)
    return (hl7[1], "") if hl7 and re.fullmatch(body["hl7_code"], code) else None


def _has_check_digit(code: str) -> bool:
    """Tell whether digits end in Verhoeff's check digit.

    >>> _has_check_digit("39607008"), _has_check_digit("39607009")
    (True, False)
    """
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = int(MULTIPLY[check][int(PERMUTE[place % 8][int(digit)])])
    return check == 0
