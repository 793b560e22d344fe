"""A folder of DICOM in, one new immutable dataset version out, or nothing at all.

Runs in: ingest host
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.uid import UID

from workbench.connection import Connection
from workbench.errors import Conflict, IngestRefused, InvalidInput
from workbench.ingest.deidentify.profile import Profile, load_profile
from workbench.ingest.deidentify.pseudonyms import ingest_key
from workbench.ingest.delivery import Delivery, send_scan, send_table
from workbench.ingest.progress import Progress, quiet
from workbench.ingest.refusals import Refusal, refuse
from workbench.ingest.series.folder import read_folder
from workbench.ingest.series.found import FolderScan
from workbench.ingest.series.volumes import CheckedSeries, Place, make_scan, pass_gate
from workbench.ingest.tables.nodules import DECLARATION, Nodules, nodule_parts, nodule_rows
from workbench.settings import load_settings

DATASET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
REPORTED = ("scan", "subject", "split", "shape", "spacing_mm", "origin_mm", "direction", "sha256", "hu")


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    Parameters
    ----------
    dataset, version : str
        What was made.
    series : tuple of dict
        Per new scan: ids, grid, digest of its voxels, HU range and number of files.
    ignored : tuple of dict
        `{file, reason}` of every file that was left out; on the ingest host only.
    deidentified : dict of str to int
        How often each rule of the profile was applied.
    """

    dataset: str
    version: str
    series: tuple[dict[str, Any], ...]
    ignored: tuple[dict[str, str], ...]
    deidentified: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {
            "dataset": self.dataset,
            "version": self.version,
            "series": list(self.series),
            "ignored": list(self.ignored),
            "refusals": [],
            "deidentified": self.deidentified,
        }


def ingest_folder(
    line: Connection, folder: Path, dataset: str, *, title: str | None = None, description: str | None = None,
    tier: str = "controlled", split: str | None = None, annotations: Nodules | None = None, phantoms: bool = False,
    key: bytes | None = None, progress: Progress | None = None,
) -> IngestReport:  # fmt: skip
    """Ingest every CT series below a folder as one new version of a dataset.

    Parameters
    ----------
    line : Connection
        Signed in as somebody who may ingest.
    folder : Path
        Where the DICOM files lie, under any names and depth.
    dataset : str
        `^[a-z0-9][a-z0-9-]{1,62}$`; made when it does not exist.
    title, description : str, optional
        For a new dataset.
    tier : str, default "controlled"
        Real data are always controlled.
    split : str, optional
        The split that all new scans belong to.
    annotations : mapping, optional
        Nodules in patient mm by source series UID; see `nodules.nodule_rows`.
    phantoms : bool, default False
        Whether these are the embedded phantoms.
    key : bytes, optional
        The secret of the pseudonyms; the home's own when left out.
    progress : callable, optional
        Called with (done, total, what).

    Raises
    ------
    InvalidInput
        When folder or name is not usable.
    IngestRefused
        When any file or series is bad; nothing was kept.
    Conflict
        When the dataset already holds every series of the folder.
    """
    check_name(dataset)
    profile, progress = load_profile(), progress or quiet
    found, checked = read_series(folder, key or ingest_key(load_settings()), profile, progress)
    with Delivery(line, dataset, title=title, description=description, tier=tier, phantoms=phantoms) as delivery:
        fresh = [series for series in checked if series.uid not in delivery.known_scans]
        found.ignored += _already_there(checked, delivery)
        if not fresh:
            raise Conflict(f"“{dataset}” already holds every series of this folder, so there is nothing new.")
        places = give_places(fresh, delivery, split)
        scans = []
        for number, (series, place) in enumerate(zip(fresh, places, strict=True), 1):
            scans.append(_send_series(line, delivery, series, place, profile))
            progress(number, len(fresh), "encoding")
        if annotations is not None:
            names = {series.source_uid: place.scan for series, place in zip(fresh, places, strict=True)}
            send_nodules(line, delivery, nodule_rows(names, annotations), places)
        answer = delivery.commit(scans, {}, note=f"{len(scans)} series")
    reported = [
        {**{name: facts[name] for name in REPORTED}, "files": len(series.files)}
        for facts, series in zip(scans, fresh, strict=True)
    ]
    return IngestReport(dataset, str(answer["version"]), tuple(reported), tuple(found.ignored), found.counts)


def check_name(dataset: str) -> None:
    """Refuse a dataset name that a path or a notebook could trip over."""
    if not DATASET_NAME.fullmatch(dataset):
        raise InvalidInput(
            f"“{dataset}” cannot name a dataset: use 2 to 63 small letters, digits and hyphens, "
            "and start with a letter or digit."
        )


def read_series(
    folder: Path, key: bytes, profile: Profile, progress: Progress
) -> tuple[FolderScan, list[CheckedSeries]]:
    """Read a folder and pass its series through the geometry gate; no pixels yet.

    Raises
    ------
    InvalidInput
        When there is no such folder.
    IngestRefused
        With every refusal, or when there is no CT series at all.
    """
    if not folder.is_dir():
        raise InvalidInput(f"There is no folder “{folder}”; give the folder that holds the DICOM files.")
    found = read_folder(folder, key, profile, progress)
    checked, refusals = [], list(found.refusals)
    for series in found.series.values():
        verdict = pass_gate(series)
        if isinstance(verdict, Refusal):
            refusals.append(verdict)
        else:
            checked.append(verdict)
    if refusals:
        raise refuse(refusals)
    if not found.files:
        raise IngestRefused(
            "The folder is empty, so nothing was ingested; give a folder of DICOM.", code="empty-folder"
        )
    if not checked:
        raise IngestRefused(
            f"None of the {found.files} files in the folder is a slice of a CT, MR or PET series, so nothing came in.",
            code="no-ct",
        )
    found.ignored += _not_read(found)
    # Names of files and order of folders must not show in the numbering.
    return found, sorted(checked, key=lambda series: (series.subject_pseudonym, series.uid))


def give_places(series: Sequence[CheckedSeries], delivery: Delivery, split: str | None) -> list[Place]:
    """Give new scans and subjects the numbers after those that the dataset knows."""
    subjects, places = dict(delivery.known_subjects), []
    next_subject = delivery.next_subject
    for number, one in enumerate(series, delivery.next_scan):
        if one.subject_pseudonym not in subjects:
            subjects[one.subject_pseudonym] = f"P{next_subject:04d}"
            next_subject += 1
        places.append(Place(f"S{number:04d}", subjects[one.subject_pseudonym], split))
    return places


def send_nodules(line: Connection, delivery: Delivery, rows: list[dict[str, Any]], places: Sequence[Place]) -> None:
    """Send the nodules of the new scans, each subject's under the subject's own key."""
    subjects = {place.scan: place.subject for place in places}
    send_table(line, delivery.id, "nodules", DECLARATION, nodule_parts(rows, subjects))


def _send_series(
    line: Connection, delivery: Delivery, series: CheckedSeries, place: Place, profile: Profile
) -> dict[str, Any]:
    made = make_scan(series, place, profile)
    if isinstance(made, Refusal):
        raise refuse([made])
    objects, facts = made
    send_scan(line, delivery.id, facts, objects)
    return facts


def _already_there(checked: Sequence[CheckedSeries], delivery: Delivery) -> list[dict[str, str]]:
    return [
        {"file": name, "reason": f"already in the dataset as {delivery.known_scans[series.uid]}"}
        for series in checked
        if series.uid in delivery.known_scans
        for name in series.files
    ]


def _not_read(found: FolderScan) -> list[dict[str, str]]:
    labels = [{"file": one.name, "reason": f"{UID(one.sop_class).name} is not ingested"} for one in found.labels]
    return labels + [
        {"file": one.name, "reason": "not a DICOM file"} for one in found.images + found.tables + found.partners
    ]
