"""The embedded default data: phantoms written as DICOM and brought in by the same door as any patient.

Runs in: ingest host
"""

from __future__ import annotations

import csv
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread

from workbench.connection import Connection
from workbench.errors import Conflict, InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.phantom import LEFT_LUNG, RIGHT_LUNG, Phantom, make_phantom
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import PHANTOM_KEY
from workbench.ingest.delivery import Delivery, send_scan
from workbench.ingest.gathering import read_series
from workbench.ingest.labels.encoding import encode_labels
from workbench.ingest.labels.layers import Piece, Region, make_label_sets
from workbench.ingest.phantom_series import phantom_plan, write_series
from workbench.ingest.pipeline import check_name, send_nodules
from workbench.ingest.progress import Progress, quiet
from workbench.ingest.refusals import Refusal, refuse
from workbench.ingest.series.volumes import Place, make_scan
from workbench.ingest.summary import REPORTED, IngestReport
from workbench.ingest.tables.nodules import nodule_rows

LEARNING_SPLITS = ("train", "validation")
ABOUT = "Computed chest-CT phantoms with known nodules; they show nobody. "
MOST_PHANTOMS = 1000
LUNGS = "lungs"
# SNOMED CT, as the standard's context group of lungs (CID 6134) names them.
LUNG_REGIONS = tuple(
    (value, meaning, {"value": code, "scheme": "SCT", "meaning": meaning})
    for value, meaning, code in ((RIGHT_LUNG, "Right lung", "3341006"), (LEFT_LUNG, "Left lung", "44029006"))
)


@dataclass(frozen=True)
class Job:
    """One phantom to make and send, in a process of its own."""

    socket: Path
    token: str
    ingest: str
    seed: int
    place: Place
    size: int


@dataclass(frozen=True)
class Sent:
    """What came of a job: the scan's facts, its nodules, and what the report tells."""

    ingest: str
    facts: dict[str, Any]
    nodules: list[dict[str, Any]]
    counts: dict[str, int]
    files: int


def ingest_phantoms(
    line: Connection, dataset: str = "chest-ct", test_dataset: str = "chest-ct-test", *, seed: int = 0,
    size: int = 224, plan: Sequence[tuple[str, int]] | None = None, processes: int = 2,
    progress: Progress | None = None,
) -> tuple[IngestReport, IngestReport]:  # fmt: skip
    """Bring the embedded phantoms in: an open dataset to learn on and an undisclosed one to be tested on.

    Each phantom is written as a DICOM series to a temporary folder, read back, de-identified, checked and encoded as
    any other series. Ids follow the plan and the pseudonyms' key is published, so versions are equal everywhere.

    Parameters
    ----------
    line : Connection
        Of the owner of the home.
    dataset, test_dataset : str
        Names; splits train and validation go to the first, all others to the second.
    seed : int
        Seed of the plan.
    size : int, default 224
        Rows and columns.
    plan : sequence of (split, seed), optional
        Other phantoms than those of `phantom_plan(seed)`.
    processes : int, default 2
        How many phantoms are made side by side.
    progress : callable, optional
        Called with (done, total, what).

    Returns
    -------
    tuple of 2 IngestReport
        Of the two datasets. Phantoms that are there already are not made again; their report lists no series.
    """
    plan, progress = list(plan or phantom_plan(seed)), progress or quiet
    parts = {
        dataset: [entry for entry in plan if entry[0] in LEARNING_SPLITS],
        test_dataset: [entry for entry in plan if entry[0] not in LEARNING_SPLITS],
    }
    for name in parts:
        check_name(name)
    with ExitStack() as stack:
        deliveries = {name: stack.enter_context(_open(line, name, is_test=name == test_dataset)) for name in parts}
        jobs = [job for name, part in parts.items() for job in _jobs(line, deliveries[name], name, part, size)]
        sent = _run(jobs, processes, progress)
        learn, test = (_publish(line, name, deliveries[name], sent) for name in (dataset, test_dataset))
    return learn, test


def write_phantoms(
    folder: Path, *, count: int, seed: int, size: int = 224, progress: Progress | None = None
) -> dict[str, Any]:
    """Write phantoms as DICOM series and their nodules beside them, in the columns of LUNA16.

    Returns
    -------
    dict
        `series`: per phantom its seed, folder and number of nodules; `annotations`: the file's name.
    """
    if not 1 <= count <= MOST_PHANTOMS:
        raise InvalidInput(f"--count is 1 to {MOST_PHANTOMS}, not {count}.")
    folder.mkdir(parents=True, exist_ok=True)
    rows, series = [], []
    for number in range(count):
        phantom = make_phantom(seed + number, size=size)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as scratch:
            written = write_series(phantom, Path(scratch))
            uid = _source_uid(written)
            target = folder / f"phantom-{seed + number:05d}"
            if target.exists():
                raise Conflict(f"“{target}” is there already; choose another folder or seed.")
            written.rename(target)
        rows += [[uid, *nodule.centre_mm, nodule.diameter_mm] for nodule in phantom.nodules]
        series.append({"seed": seed + number, "folder": target.name, "nodules": len(phantom.nodules)})
        (progress or quiet)(number + 1, count, "phantoms")
    with (folder / "annotations.csv").open("w", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"])
        writer.writerows(rows)
    return {"folder": str(folder), "series": series, "annotations": "annotations.csv"}


def _open(line: Connection, name: str, *, is_test: bool) -> Delivery:
    if is_test:
        about = ABOUT + "The hidden test of the tasks: only the evaluator reads it."
        return Delivery(
            line, name, title="Chest CT phantoms, hidden test", description=about, tier="undisclosed", phantoms=True
        )
    about = ABOUT + "The workbench's own data, to learn and to try everything on."
    return Delivery(line, name, title="Chest CT phantoms", description=about, tier="open", phantoms=True)


def _jobs(line: Connection, delivery: Delivery, name: str, part: Sequence[tuple[str, int]], size: int) -> Iterator[Job]:
    if delivery.known_scans:
        if len(delivery.known_scans) != len(part):
            raise Conflict(f"“{name}” already holds other scans; the phantoms go into a fresh home (WORKBENCH_HOME).")
        return
    for number, (split, seed) in enumerate(part, 1):
        place = Place(f"S{number:04d}", f"P{number:04d}", split)
        yield Job(line.path, line.token, delivery.id, seed, place, size)


def _run(jobs: Sequence[Job], processes: int, progress: Progress) -> list[Sent]:
    if not jobs:
        return []
    sent: list[Sent] = []
    with _pool(processes) as pool:
        waiting: list[Future[Sent]] = [pool.submit(send_phantom, job) for job in jobs]
        for future in as_completed(waiting):
            sent.append(future.result())
            progress(len(sent), len(jobs), "phantoms")
    return sorted(sent, key=lambda one: str(one.facts["scan"]))


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Have worker processes; when one job fails, those that wait are not begun."""
    # Spawned, not forked: a fork of a process with threads can hang, and would share the line to the gateway.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def send_phantom(job: Job) -> Sent:
    """Make one phantom, write it as DICOM, and bring it in."""
    phantom, profile = make_phantom(job.seed, size=job.size), load_profile()
    with tempfile.TemporaryDirectory(prefix="workbench-phantom-") as scratch:
        write_series(phantom, Path(scratch))
        found, checked = read_series(Path(scratch), PHANTOM_KEY, profile, quiet)
        if len(checked) != 1:
            raise Conflict(f"The phantom with seed {job.seed} became {len(checked)} series instead of one.")
        made = make_scan(checked[0], job.place, profile)
    if isinstance(made, Refusal):
        raise refuse([made])
    objects, facts = made
    labels = _lungs(phantom, checked[0].grid, job.place.scan)
    line = Connection(job.socket, job.token)
    try:
        send_scan(line, job.ingest, facts, objects, labels=labels)
    finally:
        line.close()
    return Sent(job.ingest, facts, _nodules(phantom), found.counts, found.files)


def _lungs(phantom: Phantom, grid: Geometry, scan: str) -> dict[str, bytes]:
    """Give the truth about the lungs as objects by their path below `labels/`."""
    everywhere = (slice(None),) * 3
    regions = [
        Region(name, code, (Piece(everywhere, phantom.lungs == value),), kind="ORGAN")
        for value, name, code in LUNG_REGIONS
    ]
    made = make_label_sets("mask", regions, grid, ["Exact: the generator says which voxels it made of lung."]) or []
    folder = f"scans/{scan}/labels/"
    encoded = encode_labels(made[0].named(LUNGS), grid, scan)
    return {path.removeprefix(folder): content for path, content in encoded.items()}


def _nodules(phantom: Phantom) -> list[dict[str, Any]]:
    return [
        {
            **dict(zip(("x_mm", "y_mm", "z_mm"), map(float, nodule.centre_mm), strict=True)),
            "diameter_mm": float(nodule.diameter_mm),
            "texture": nodule.texture,
            "place": nodule.place,
            "malignant": bool(nodule.malignant),
        }
        for nodule in phantom.nodules
    ]


def _publish(line: Connection, name: str, delivery: Delivery, sent: Sequence[Sent]) -> IngestReport:
    mine = [one for one in sent if one.ingest == delivery.id]
    if not mine:
        return IngestReport(name, str(delivery.version), (), (), {})
    scans = [one.facts for one in mine]
    names = {str(facts["scan"]): str(facts["scan"]) for facts in scans}
    rows = nodule_rows(names, {str(one.facts["scan"]): one.nodules for one in mine})
    send_nodules(line, delivery, rows, [Place(f["scan"], f["subject"], f["split"]) for f in scans])
    card = {"keywords": ["computed tomography", "chest", "lung nodules", "phantom"], "license": "Apache-2.0"}
    answer = delivery.commit(scans, card, note="embedded phantoms")
    counts: Counter[str] = Counter()
    for one in mine:
        counts.update(one.counts)
    series = tuple(
        {**{key: one.facts[key] for key in REPORTED if key in one.facts}, "files": one.files} for one in mine
    )
    return IngestReport(name, str(answer["version"]), series, (), dict(sorted(counts.items())))


def _source_uid(folder: Path) -> str:
    return str(dcmread(next(folder.iterdir()), specific_tags=["SeriesInstanceUID"]).SeriesInstanceUID)
