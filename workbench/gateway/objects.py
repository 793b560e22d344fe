"""What an ingest may send, and whether what it sent fits together: every refusal before anything is made of it.

Runs in: gateway
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import Conflict, IngestRefused, InvalidInput
from workbench.gateway.known import Known
from workbench.gateway.tables import MADE_HERE
from workbench.geometry import Geometry
from workbench.vault.vault import ObjectEntry

REPORT = "report.html"
_SCAN, _SUBJECT = re.compile(r"S\d{4,8}"), re.compile(r"P\d{4,8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_IMAGE = re.compile(r"scans/(S\d{4,8})/image\.zarr/[A-Za-z0-9_./-]{1,200}")
LABEL = re.compile(r"(scans/(S\d{4,8})/labels/[A-Za-z0-9_][A-Za-z0-9_. -]{0,80})\.(?:json|zarr/[A-Za-z0-9_./-]{1,200})")
PART = re.compile(r"tables/([a-z0-9][a-z0-9_-]{0,62})/(P\d{4,8})\.arrow")
DECLARED = re.compile(r"tables/([a-z0-9][a-z0-9_-]{0,62})\.json")
# An image without these two cannot be read at all.
_NEEDED = ("image.zarr/0/zarr.json", "image.zarr/0/c/0/0/0")


def check_object(known: Known, path: str, subject: str) -> None:
    """Refuse a path that no ingest sends, and one whose subject is missing, wrong or withdrawn."""
    if subject in known.gone:
        raise withdrawn(subject)
    image, label, part = _IMAGE.fullmatch(path), LABEL.fullmatch(path), PART.fullmatch(path)
    if image or label or part:
        if not _SUBJECT.fullmatch(subject) or (part and part[2] != subject):
            raise InvalidInput("What belongs to a subject needs ?subject=P0001, the one under whose key it lies.")
    elif path != REPORT and not DECLARED.fullmatch(path):
        raise InvalidInput(
            "An ingest takes zarr keys and labels of its scans, parts and declarations of tables, and report.html; "
            "this path is none of them."
        )
    elif subject:
        raise InvalidInput("This belongs to the dataset as a whole; leave its subject out.")
    table = part or DECLARED.fullmatch(path)
    if table and table[1] in MADE_HERE:
        raise InvalidInput(f"The table “{table[1]}” is made by the gateway; send another name.")
    if image and int(image[1][1:]) < known.next_scan:
        raise Conflict("A scan that is in the dataset never changes; number new scans from next_scan.")
    if label and int(label[2][1:]) < known.next_scan and known.scans.get(label[2]) != subject:
        raise Conflict(f"{label[2]} is not a scan of {subject} in the version that this ingest continues.")


def check_scan(known: Known, entries: Mapping[str, ObjectEntry], facts: Mapping[str, Any]) -> None:
    """Refuse a scan that is not new, not whole, of somebody who withdrew, or sent under another subject."""
    scan, subject = str(facts.get("scan")), str(facts.get("subject"))
    if not (_SCAN.fullmatch(scan) and _SUBJECT.fullmatch(subject) and _SHA256.fullmatch(str(facts.get("sha256")))):
        raise InvalidInput("Each scan needs a scan id (S0001), a subject (P0001) and the sha256 of its voxels.")
    if subject in known.gone or facts.get("subject_pseudonym") in known.withdrawn:
        raise withdrawn(subject)
    if int(scan[1:]) < known.next_scan:
        raise Conflict(f"{scan} is not a new scan; number new scans from next_scan.")
    try:
        Geometry.from_dict(dict(facts))
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(f"{scan} needs shape, spacing_mm, origin_mm and direction.") from None
    sent = {path: entry for path, entry in entries.items() if path.startswith(f"scans/{scan}/")}
    if any(entry.subject != subject for entry in sent.values()):
        raise InvalidInput(f"Objects of {scan} were sent under another subject than {subject}.")
    if any(f"scans/{scan}/{key}" not in sent for key in _NEEDED):
        raise InvalidInput(f"The image of {scan} was not sent whole; send every key before the commit.")


def check_scans(known: Known, entries: Mapping[str, ObjectEntry], scans: Sequence[Mapping[str, Any]]) -> None:
    """Refuse scans that do not fit what was sent, and what was sent for none of them."""
    names = [str(facts.get("scan")) for facts in scans]
    if len(set(names)) != len(names):
        raise Conflict("A scan is among the committed ones twice; number new scans from next_scan.")
    for facts in scans:
        check_scan(known, entries, facts)
    allowed = {*names, *known.scans}
    for path in entries:
        if path.startswith("scans/") and path.split("/")[1] not in allowed:
            raise InvalidInput(f"Objects were sent for {path.split('/')[1]}, which is not among the committed scans.")


def check_subjects(known: Known, subjects: object) -> dict[str, str]:
    """Give the subjects without scans that a commit names, by pseudonym; refuse what contradicts the dataset."""
    if not isinstance(subjects, dict):
        raise InvalidInput("“subjects” must map each patient's pseudonym to a subject, such as P0007.")
    for pseudonym, subject in subjects.items():
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject) or not 0 < len(pseudonym) <= 128:
            raise InvalidInput("“subjects” must map each patient's pseudonym to a subject, such as P0007.")
        if pseudonym in known.withdrawn or subject in known.gone:
            raise withdrawn(subject)
        holder = known.subjects.get(pseudonym)
        if holder != subject and (holder is not None or int(subject[1:]) < known.next_subject):
            raise Conflict("A subject keeps its number for ever; give new ones numbers from next_subject.")
    if len(set(subjects.values())) != len(subjects):
        raise Conflict("Two patients were given the same subject; give new ones numbers from next_subject.")
    return dict(subjects)


def withdrawn(subject: str) -> IngestRefused:
    """Give the refusal of anything that belongs to a patient who withdrew from the dataset."""
    return IngestRefused(
        f"The patient sent as {subject} was withdrawn from this dataset, and nothing of them may come in again. "
        "Leave their files out of the folder and ingest the rest.", code="withdrawn-subject",
    )  # fmt: skip
