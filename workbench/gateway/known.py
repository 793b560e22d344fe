"""What a dataset already holds, as an ingest must know it: its scans, its subjects, and who withdrew.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.gateway.archive import Archive
from workbench.governance.store import Store
from workbench.governance.withdrawals import list_withdrawals, withdrawn_pseudonyms
from workbench.vault.vault import Vault

SUBJECT_FILE = re.compile(r"subjects/(P\d{4,8})\.json")
LABEL_VOXELS = re.compile(r"scans/(S\d{4,8})/labels/([a-z0-9-]+)\.zarr/0/c/0/0/0")
_NUMBERED = re.compile(r"[SP](\d{4,8})")


@dataclass(frozen=True)
class Known:
    """The version that an ingest continues, and the numbers that come next.

    Parameters
    ----------
    scans : mapping of str to str
        Scan to its subject.
    series : mapping of str to str
        Series pseudonym to scan.
    subjects : mapping of str to str
        Patient pseudonym to subject.
    gone : frozenset of str
        Subjects who withdrew; their numbers are never given again.
    withdrawn : frozenset of str
        Their pseudonyms.
    labels : mapping of str to mapping
        By scan: the name of each of its labels, and the SHA-256 of its voxels as they are stored.
    next_scan, next_subject : int
        The first free numbers.
    """

    scans: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, str] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    next_scan: int = 1
    next_subject: int = 1


def read_known(store: Store, vault: Vault, archive: Archive, dataset: str, base: str | None) -> Known:
    """Give what is known of a dataset at a version, or before its first one."""
    losses = list_withdrawals(store, dataset)
    gone = frozenset(loss["subject"] for loss in losses)
    lost_scans = {scan for loss in losses for scan in loss["scans"]}
    facts = archive.scans_with_pseudonyms(dataset, base) if base else []
    subjects = {f["subject_pseudonym"]: f["subject"] for f in facts if f.get("subject_pseudonym")}
    named: set[str] = set()
    labels: dict[str, dict[str, str]] = {}
    for entry in archive.manifest(dataset, base).entries if base else ():
        named.add(entry.subject)
        if (label := LABEL_VOXELS.fullmatch(entry.path)) and entry.subject not in gone:
            labels.setdefault(label[1], {})[label[2]] = entry.sha256
        if SUBJECT_FILE.fullmatch(entry.path) and entry.subject not in gone:
            body = json.loads(vault.read(dataset, entry))
            subjects[body["pseudonym"]] = body["subject"]
    return Known(
        scans={f["scan"]: f["subject"] for f in facts},
        series={f["series_uid"]: f["scan"] for f in facts if f.get("series_uid")},
        subjects=subjects, gone=gone, withdrawn=withdrawn_pseudonyms(store, dataset), labels=labels,
        next_scan=_next({f["scan"] for f in facts} | lost_scans), next_subject=_next(named | gone),
    )  # fmt: skip


def _next(names: set[str] | frozenset[str]) -> int:
    return max((int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name))), default=0) + 1
