"""The marks that tell a reader that an instance was de-identified, by which rules, and how its dates were treated.

Runs in: ingest host
Source: DICOM PS3.15 2026c E.1.1 (steps 6 and 7); PS3.3 2026c C.7.1.1 (Patient), C.12.1 (SOP Common).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.ingest.verify.conformity import CODE_PARTS, texts_of
from workbench.ingest.verify.dicom_bytes import Element, Parsed
from workbench.ingest.verify.findings import tag_name
from workbench.ingest.verify.policy import Policy

REMOVED, METHOD, METHOD_CODES, BURNED_IN, DATES = 0x00120062, 0x00120063, 0x00120064, 0x00280301, 0x00280303
CLEAN_PIXELS = ("113101", "Clean Pixel Data Option")
# So many hexadecimal digits of the policy's digest must stand in (0012,0063); 64 bits cannot be met by chance.
DIGEST = re.compile(r"sha256[ :]([0-9a-f]{16,64})")


def check_marks(parsed: Parsed, policy: Policy) -> Iterator[tuple[str, str]]:
    """Give (element, rule) of every mark that is missing, incomplete, or says what the profile would not."""
    wanted = {REMOVED: ["YES"], DATES: ["MODIFIED" if policy.shifts_dates else "REMOVED"]}
    for tag, values in wanted.items():
        element = parsed.get(tag)
        if element is None or texts_of(element) != values:
            yield tag_name(tag), "mark-missing"
    if not _names_policy(parsed.get(METHOD), policy):
        yield tag_name(METHOD), "mark-missing"
    codes = _codes(parsed.get(METHOD_CODES))
    if codes is None or set(codes) - {CLEAN_PIXELS} != set(policy.methods):
        yield tag_name(METHOD_CODES), "mark-missing"
    burned_in = parsed.get(BURNED_IN)
    if burned_in is not None and texts_of(burned_in) == ["NO"] and not is_cleared(parsed):
        yield tag_name(BURNED_IN), "value-not-allowed"


def is_cleared(parsed: Parsed) -> bool:
    """Whether an instance says that its pixels were searched for writing and cleared of it."""
    burned_in = parsed.get(BURNED_IN)
    codes = _codes(parsed.get(METHOD_CODES)) or []
    return burned_in is not None and texts_of(burned_in) == ["NO"] and CLEAN_PIXELS in codes


def _names_policy(element: Element | None, policy: Policy) -> bool:
    """Whether (0012,0063) holds the digest of the policy, and nothing that could be more than its name."""
    if element is None:
        return False
    values = texts_of(element)
    digests = [found[1] for value in values if (found := DIGEST.fullmatch(value))]
    others = [value for value in values if not DIGEST.fullmatch(value)]
    is_named = all(value.removeprefix("ai4h-workbench ") == policy.name for value in others)
    return is_named and bool(digests) and all(policy.digest.startswith(digest) for digest in digests)


def _codes(element: Element | None) -> list[tuple[str, str]] | None:
    """Give the (code, meaning) pairs of (0012,0064); None when it holds anything but codes of DICOM."""
    if element is None or not element.items:
        return None
    found = []
    for item in element.items:
        parts = {each.tag: texts_of(each)[0] for each in item if each.items is None}
        if set(parts) != set(CODE_PARTS) or len(item) != len(CODE_PARTS) or parts[CODE_PARTS[1]] != "DCM":
            return None
        found.append((parts[CODE_PARTS[0]], parts[CODE_PARTS[2]]))
    return found
