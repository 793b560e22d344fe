"""A source in, one new immutable dataset version out that waits for its sign-off, or nothing at all.

Runs in: ingest host
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.connection import Connection
from workbench.errors import Conflict, IngestRefused, InvalidInput
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import project_key
from workbench.ingest.delivery import Delivery, send_object, send_table
from workbench.ingest.gathering import Choices, Gathered, gathering, resume_key
from workbench.ingest.labels.label_set import LabelSet
from workbench.ingest.progress import Progress, quiet
from workbench.ingest.refusals import name_files
from workbench.ingest.report import make_report
from workbench.ingest.sending import Shipment
from workbench.ingest.series.volumes import Place, SourceVolume
from workbench.ingest.summary import REPORTED, IngestReport, report_facts
from workbench.ingest.tables.nodules import DECLARATION, Nodules, nodule_parts, nodule_rows
from workbench.settings import load_settings

DATASET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


@dataclass(frozen=True)
class Options:
    """What a person may choose about an ingest besides the source and the dataset.

    Parameters
    ----------
    profile : str, default "standard"
        A shipped profile, or the path of one.
    project : str, optional
        Whose key makes the pseudonyms; the dataset's name when left out.
    columns, subjects : Path, optional
        The declaration of a table's columns; the list that names the subjects of image files.
    leave_out : bool, default False
        Whether what is refused is left out and the rest comes in.
    suppress : bool, default False
        Whether rows of FHIR tables whose groups are too small are left out.
    """

    profile: str = "standard"
    project: str | None = None
    columns: Path | None = None
    subjects: Path | None = None
    leave_out: bool = False
    suppress: bool = False


@dataclass
class _Plan:
    """Who gets which number, and what of the source is new to the dataset."""

    fresh: list[SourceVolume]
    places: dict[str, Place]
    subjects: dict[str, str]
    labels: Mapping[str, list[LabelSet]] = field(default_factory=dict)


def ingest_folder(
    line: Connection, source: Path, dataset: str, *, title: str | None = None, description: str | None = None,
    tier: str = "controlled", split: str | None = None, annotations: Nodules | None = None, phantoms: bool = False,
    key: bytes | None = None, options: Options | None = None, progress: Progress | None = None,
) -> IngestReport:  # fmt: skip
    """Bring everything that a folder or file holds in as one new version of a dataset.

    Parameters
    ----------
    line : Connection
        Signed in as somebody who may ingest.
    source : Path
        A folder of DICOM, NIfTI, MetaImage files and declared tables under any names and depth, or one such file.
    dataset : str
        Made when it does not exist.
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
        The secret of the pseudonyms; the project's own when left out.
    options : Options, optional
        What else a person chose.
    progress : callable, optional
        Called with (done, total, what).

    Raises
    ------
    InvalidInput
        When source or name is not usable.
    IngestRefused
        When any file or series is bad, or a patient of it withdrew; nothing was kept.
    Conflict
        When the dataset already holds everything of the source, or a version waits for its sign-off.
    """
    check_name(dataset)
    options, progress = options or Options(), progress or quiet
    choices = _choices(options, key or project_key(load_settings(), options.project or dataset))
    with gathering(source, choices, progress) as gathered:
        resume = "" if phantoms else resume_key(source, choices, dataset, split, title, description)
        with Delivery(
            line, dataset, title=title, description=description, tier=tier, phantoms=phantoms, resume_key=resume
        ) as delivery:  # fmt: skip
            shipment = Shipment(line, delivery, gathered, choices)
            plan = _plan(gathered, delivery, split)
            scans = _send(shipment, plan, progress)
            if annotations is not None:
                rows = nodule_rows({v.source_uid: plan.places[v.uid].scan for v in plan.fresh}, annotations)
                send_nodules(line, delivery, rows, list(plan.places.values()))
            report = _report(dataset, scans, plan, gathered)
            if not phantoms:
                page = make_report(report_facts(report, shipment, title or dataset, tier))
                send_object(line, delivery.id, "report.html", page.encode())
            return _commit(shipment, plan, scans, report)


def _choices(options: Options, key: bytes) -> Choices:
    return Choices(
        load_profile(options.profile), key, options.profile, options.columns, options.subjects, options.leave_out,
        options.suppress,
    )  # fmt: skip


def _commit(shipment: Shipment, plan: _Plan, scans: list[dict[str, Any]], report: IngestReport) -> IngestReport:
    delivery, note = shipment.delivery, _note(scans, shipment.gathered)
    card = _card_of(scans, shipment.choices)
    answer = delivery.commit(scans, card, note=note, findings=(), subjects=_without_scan(plan, delivery))
    return replace(report, version=str(answer["version"]), status=str(answer["status"]))


def _card_of(scans: list[dict[str, Any]], choices: Choices) -> dict[str, Any]:
    """Say on the card what the images are and how identifiers were removed."""
    profile, kinds = choices.profile, sorted({str(facts.get("modality", "CT")) for facts in scans})
    protocol = f"De-identified by allowlist, profile {profile.name} (sha256 {profile.digest}), DICOM PS3.15 Annex E."
    options = ", ".join(sorted(profile.options))
    card: dict[str, Any] = {
        "rai:dataPreprocessingProtocol": [protocol, f"PS3.15 options: {options}."] if options else [protocol],
        "rai:dataLimitations": ["Dates are moved, free text is removed; faces are not removed from head scans."],
    }
    if kinds:
        words = {"CT": "computed tomography", "MR": "magnetic resonance", "PT": "positron emission tomography"}
        card |= {"modality": "/".join(kinds), "keywords": [words.get(kind, kind) for kind in kinds]}
    return card


def check_name(dataset: str) -> None:
    """Refuse a dataset name that a path or a notebook could trip over."""
    if not DATASET_NAME.fullmatch(dataset):
        raise InvalidInput(
            f"“{dataset}” cannot name a dataset: use 2 to 63 small letters, digits and hyphens, "
            "and start with a letter or digit."
        )


def send_nodules(line: Connection, delivery: Delivery, rows: list[dict[str, Any]], places: Sequence[Place]) -> None:
    """Send the nodules of the new scans, each subject's under the subject's own key."""
    subjects = {place.scan: place.subject for place in places}
    send_table(line, delivery.id, "nodules", DECLARATION, nodule_parts(rows, subjects))


def _plan(gathered: Gathered, delivery: Delivery, split: str | None) -> _Plan:
    """Give new scans and subjects the numbers after those that the dataset knows."""
    _refuse_withdrawn(gathered, delivery)
    gathered.found.ignored += _already_there(gathered, delivery)
    fresh = [volume for volume in gathered.volumes if volume.uid not in delivery.known_scans]
    subjects, next_subject = dict(delivery.known_subjects), delivery.next_subject
    of_tables = {pseudonym for table in gathered.tables for pseudonym in set(table.frame["subject"])}
    for pseudonym in [*(volume.subject_pseudonym for volume in fresh), *sorted(of_tables)]:
        if pseudonym not in subjects:
            subjects[pseudonym] = f"P{next_subject:04d}"
            next_subject += 1
    places = {
        volume.uid: Place(f"S{number:04d}", subjects[volume.subject_pseudonym], split)
        for number, volume in enumerate(fresh, delivery.next_scan)
    }
    for volume in gathered.volumes:
        if volume.uid in delivery.known_scans:
            subject = subjects.get(volume.subject_pseudonym, "")
            places[volume.uid] = Place(delivery.known_scans[volume.uid], subject, None)
    labels: defaultdict[str, list[LabelSet]] = defaultdict(list)
    for uid, label_set in gathered.labels:
        labels[uid].append(label_set)
    return _Plan(fresh, places, subjects, labels)


def _refuse_withdrawn(gathered: Gathered, delivery: Delivery) -> None:
    gone = [volume for volume in gathered.volumes if volume.subject_pseudonym in delivery.withdrawn]
    in_tables = any(delivery.withdrawn & set(table.frame["subject"]) for table in gathered.tables)
    if gone or in_tables:
        files = name_files([name for volume in gone for name in volume.files]) if gone else "a table"
        raise IngestRefused(
            f"A patient of {files} has withdrawn from this dataset, so nothing was ingested; take them out of the "
            "source, then ingest it again.",
            code="withdrawn-subject",
        )


def _send(shipment: Shipment, plan: _Plan, progress: Progress) -> list[dict[str, Any]]:
    scans = []
    for number, volume in enumerate(plan.fresh, 1):
        scans.append(shipment.send_volume(volume, plan.places[volume.uid], plan.labels.get(volume.uid, [])))
        progress(number, len(plan.fresh), "encoding")
    added, fresh = 0, {volume.uid for volume in plan.fresh}
    for volume in shipment.gathered.volumes:
        if volume.uid not in fresh and volume.uid in plan.labels:
            added += shipment.send_labels(volume, plan.places[volume.uid], plan.labels[volume.uid])
    if not scans and not added and not shipment.gathered.tables:
        raise Conflict("The dataset already holds every series of this source, so there is nothing new.")
    shipment.send_tables(plan.subjects)
    return scans


def _without_scan(plan: _Plan, delivery: Delivery) -> dict[str, str]:
    """Give the new subjects whom only tables know."""
    scanned = {volume.subject_pseudonym for volume in plan.fresh}
    return {
        pseudonym: subject
        for pseudonym, subject in plan.subjects.items()
        if pseudonym not in scanned and pseudonym not in delivery.known_subjects
    }


def _report(dataset: str, scans: list[dict[str, Any]], plan: _Plan, gathered: Gathered) -> IngestReport:
    series = [
        {**{name: facts[name] for name in REPORTED if name in facts}, "files": len(volume.files)}
        for facts, volume in zip(scans, plan.fresh, strict=True)
    ]
    labels = [
        {"scan": plan.places[uid].scan, "name": one.name, "kind": one.source_kind, "segments": list(one.segments)}
        for uid, one in gathered.labels
    ]
    return IngestReport(
        dataset, "", tuple(series), tuple(gathered.found.ignored), gathered.found.counts, "waiting", tuple(labels),
        tuple({"name": table.name, **table.report} for table in gathered.tables),
        gathered.refusals,
    )  # fmt: skip


def _note(scans: list[dict[str, Any]], gathered: Gathered) -> str:
    counted = ((len(scans), "series"), (len(gathered.labels), "label sets"), (len(gathered.tables), "tables"))
    return ", ".join(f"{count} {what}" for count, what in counted if count)


def _already_there(gathered: Gathered, delivery: Delivery) -> list[dict[str, str]]:
    return [
        {"file": name, "reason": f"already in the dataset as {delivery.known_scans[volume.uid]}"}
        for volume in gathered.volumes
        if volume.uid in delivery.known_scans
        for name in volume.files
    ]
