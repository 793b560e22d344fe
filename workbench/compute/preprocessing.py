"""Prepares every scan of a dataset on a cluster, so that a kill at any moment costs only the scans under way.

The driver holds the list, each worker one scan at a time. A worker that dies gets its scan again on another one; after
a kill of the driver (which holds the scheduler) the same call goes on from what is on the disk.

Runs in: kernel
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.compute.prepared import manifest_of
from workbench.compute.prepared_files import (
    FORMAT,
    MANIFEST,
    PARTIAL,
    PLAN,
    SCANS,
    check_scan,
    only_writer,
    read_json,
    remove_scan,
    write_json,
)
from workbench.compute.prepared_scan import prepare_scan
from workbench.compute.recipe import Recipe, check_name, check_workers
from workbench.data.catalogue import dataset as find_dataset
from workbench.data.dataset import Dataset
from workbench.data.volume import Volume
from workbench.errors import (
    AccessDenied,
    Conflict,
    DiskFull,
    GatewayUnavailable,
    IntegrityError,
    InvalidInput,
    NotFound,
    NotSignedIn,
    RunFailed,
    WorkbenchError,
    error_from_dict,
)

if TYPE_CHECKING:
    from workbench.compute.cluster import Cluster

# Problems that the next scan would have as well.
ENDS_ALL = (NotSignedIn, GatewayUnavailable)
SHOWN_FAILURES, SHOWN_SCANS = 5, 10

OnProgress = Callable[[int, int, str], None]


@dataclass
class Outcome:
    """What a run did.

    Parameters
    ----------
    dataset, version, out : str
        What was prepared, at which version, into which folder.
    total : int
        Scans of the dataset version.
    kept : int
        Scans that an earlier run had prepared, each checked by its sha256.
    remade : list of str
        Scans that were there, damaged, and were made again.
    made : list of str
        Scans that this run prepared, `remade` included.
    failures : dict of str to WorkbenchError
        Scans that could not be prepared, and why.
    """

    dataset: str
    version: str
    out: str
    total: int
    kept: int = 0
    remade: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    failures: dict[str, WorkbenchError] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "dataset": self.dataset, "version": self.version, "out": self.out, "scans": self.total,
            "kept": self.kept, "made": len(self.made), "remade": sorted(self.remade),
        }  # fmt: skip

    def error(self) -> WorkbenchError | None:
        """Give the one error that names every scan that failed; None when none did."""
        if not self.failures:
            return None
        done = self.kept + len(self.made)
        alike: dict[str, list[str]] = {}
        for scan, problem in sorted(self.failures.items()):
            alike.setdefault(problem.message, []).append(scan)
        shown = [f"{_few(scans)}: {message}" for message, scans in list(alike.items())[:SHOWN_FAILURES]]
        more = len(alike) - len(shown)
        said = " ".join([*shown, *([f"And {more} other problems."] if more else [])])
        classes = {type(problem) for problem in self.failures.values()}
        kind = classes.pop() if len(classes) == 1 else RunFailed
        return kind(f"{done} of {self.total} scans are prepared in “{self.out}”, {len(self.failures)} failed. {said}")


def _few(scans: Sequence[str]) -> str:
    more = len(scans) - SHOWN_SCANS
    return ", ".join(scans[:SHOWN_SCANS]) + (f" and {more} more" if more > 0 else "")


def preprocess(
    dataset: str, recipe: Recipe, out: str, *,
    workers: int = 2, folder: Path | None = None, on_progress: OnProgress | None = None,
) -> Outcome:  # fmt: skip
    """Prepare every scan of a dataset into a folder of the workspace; running it again goes on.

    Parameters
    ----------
    dataset : str
        Its name.
    recipe : Recipe
        What is done to each scan.
    out : str
        The name of the folder.
    workers : int, default 2
        1 to 64; each holds one scan at a time.
    folder : Path, optional
        Where the folder lies; the working directory when left out.
    on_progress : callable, optional
        Told (scans done, scans in all, name of the scan), the first time before any is made.

    Raises
    ------
    InvalidInput
        When a number or a name is wrong.
    NotFound, AccessDenied
        When there is no such dataset, or it may not be read (any more); what is prepared stays.
    Conflict
        When the folder was made with another recipe, from another dataset, or another run writes into it now.
    DiskFull, IntegrityError, RunFailed
        When scans could not be prepared; names them, and the others are prepared.

    Examples
    --------
    >>> preprocess("chest-ct", Recipe((1.0, 1.0, 1.0)), "lungs-1mm", workers=2)  # doctest: +SKIP
    """
    check_workers(workers)
    place = (folder or Path.cwd()) / check_name(out)
    found = find_dataset(dataset)
    _require_access(found)
    _make_folder(place)
    with only_writer(place):
        source = _at_planned_version(place, found, recipe)
        return _prepare_all(place, source, workers, on_progress or (lambda _done, _total, _scan: None))


def _prepare_all(place: Path, source: Dataset, workers: int, tell: OnProgress) -> Outcome:
    volumes = source.volumes()
    outcome = Outcome(source.name, str(source.version), place.name, len(volumes))
    todo = _missing(place, volumes, outcome)
    tell(outcome.kept, outcome.total, "")
    plan = read_json(place / PLAN)
    # Closed by name: an error would else keep the cluster open for as long as somebody holds its traceback.
    with closing(_on_cluster([_task(place, plan, volume) for volume in todo], workers)) as results:
        for scan, problem in results:
            if problem is None:
                outcome.made.append(scan)
                tell(outcome.kept + len(outcome.made), outcome.total, scan)
                continue
            _stop_if_all_end(source, scan, problem, outcome)
            outcome.failures[scan] = problem
    # A worker that was killed while it wrote left a draft; what took its place is there by now.
    _remove_drafts(place)
    failed = outcome.error()
    if failed is not None:
        raise failed
    write_json(place / MANIFEST, manifest_of(place, plan, [volume.scan for volume in volumes]))
    return outcome


def _require_access(found: Dataset) -> None:
    access = found.access
    if not access.allowed:
        raise AccessDenied(f"“{found.name}” may not be read: {access.reason}", code="no-access")


def _make_folder(place: Path) -> None:
    try:
        place.mkdir(mode=0o700, exist_ok=True)
    except OSError as problem:
        raise InvalidInput(
            f"The folder “{place.name}” cannot be made ({problem.strerror}); choose another name."
        ) from None
    strangers = [entry for entry in place.iterdir() if not entry.name.startswith(".")]
    if strangers and not (place / PLAN).exists():
        raise Conflict(f"“{place.name}” exists and holds something else; choose another name for --out.")


def _at_planned_version(place: Path, found: Dataset, recipe: Recipe) -> Dataset:
    """Give the dataset at the version that the folder was begun with; begins it when it is new."""
    for name in (SCANS, PARTIAL):
        (place / name).mkdir(exist_ok=True)
    _remove_drafts(place)
    if not (place / PLAN).exists():
        plan: dict[str, Any] = {
            "format": FORMAT, "dataset": found.name, "version": str(found.version), "recipe": recipe.as_dict(),
        }  # fmt: skip
        write_json(place / PLAN, plan)
        return found
    plan = read_json(place / PLAN)
    _require_same(place.name, plan, {"format": FORMAT, "dataset": found.name, "recipe": recipe.as_dict()})
    try:
        return found if found.version == plan["version"] else find_dataset(found.name, plan["version"])
    except NotFound:
        raise Conflict(
            f"“{place.name}” was begun with version {plan['version'][:12]} of “{found.name}”, which cannot be read any "
            "more; choose another name for --out."
        ) from None


def _require_same(name: str, plan: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to mix two recipes or datasets in one folder."""
    try:
        before = {**plan["recipe"], "dataset": plan["dataset"], "format": plan["format"]}
    except (KeyError, TypeError):
        raise IntegrityError(f"{PLAN} in “{name}” is not what was written; choose another name for --out.") from None
    now = {**wanted["recipe"], "dataset": wanted["dataset"], "format": wanted["format"]}
    other = [f"{key} {before.get(key)} (now {now[key]})" for key in now if before.get(key) != now[key]]
    if other:
        raise Conflict(f"“{name}” was made with {', '.join(other)}; choose another name for --out, or the same words.")


def _missing(place: Path, volumes: Sequence[Volume], outcome: Outcome) -> list[Volume]:
    """Give the scans that are still to be made; those that are there are checked, and damaged ones taken out."""
    todo = []
    for volume in volumes:
        try:
            check_scan(place, volume.scan)
        except NotFound:
            todo.append(volume)
        except IntegrityError:
            remove_scan(place, volume.scan)
            (place / MANIFEST).unlink(missing_ok=True)
            outcome.remade.append(volume.scan)
            todo.append(volume)
        else:
            outcome.kept += 1
    return todo


def _task(place: Path, plan: Mapping[str, Any], volume: Volume) -> dict[str, Any]:
    return {
        "folder": str(place), "recipe": plan["recipe"],
        "dataset": volume.dataset, "version": volume.version, "facts": volume.facts,
    }  # fmt: skip


def _on_cluster(tasks: Sequence[dict[str, Any]], workers: int) -> Generator[tuple[str, WorkbenchError | None]]:
    """Run each task on a worker and give (scan, its problem or None) as they end."""
    if not tasks:
        return
    from workbench.compute.cluster import MAX_HOURS, cluster  # noqa: PLC0415 - heavy, loaded on first use

    running = cluster(min(workers, len(tasks)), hours=MAX_HOURS)
    try:
        yield from _results(running, tasks)
    finally:
        # Workers that take too long to end are no reason to lose what they have made; they end with this process.
        with suppress(OSError, RuntimeError, WorkbenchError):
            running.close()


def _results(running: Cluster, tasks: Sequence[dict[str, Any]]) -> Iterator[tuple[str, WorkbenchError | None]]:
    from distributed import as_completed  # noqa: PLC0415 - heavy, loaded on first use

    futures = running.client.map(prepare_scan, tasks, pure=False)
    scans = {future.key: str(task["facts"]["scan"]) for future, task in zip(futures, tasks, strict=True)}
    try:
        for future in as_completed(futures):
            if future.status == "finished":
                said = future.result()
                yield said["scan"], error_from_dict(said["error"]) if said["error"] else None
            elif future.status == "error":
                yield scans[future.key], _worker_problem(future.exception())
            else:
                raise RunFailed(
                    f"The cluster ended while it worked{_because(running)}. What is prepared stays; run the same "
                    "command again, it goes on from there.",
                    code="scheduler-lost",
                )
            future.release()
    finally:
        if running.client.status == "running":
            running.client.cancel(futures)


def _because(running: Cluster) -> str:
    why = getattr(running, "ended_because", "")
    return f": {why}" if why else ""


def _worker_problem(problem: BaseException | None) -> WorkbenchError:
    if type(problem).__name__ == "KilledWorker":
        return RunFailed(
            "The workers that had it died one after the other, mostly for lack of memory; run it again with fewer "
            "workers or a wider spacing.",
            code="worker-killed",
        )
    return RunFailed(f"It stopped with {type(problem).__name__}: {problem}.")


def _stop_if_all_end(source: Dataset, scan: str, problem: WorkbenchError, outcome: Outcome) -> None:
    """Raise a problem that every other scan would have too, with how far the run came."""
    # One file that is larger than files may be is the problem of its scan alone, and has a code of its own.
    ends_all = isinstance(problem, ENDS_ALL) or problem.code == DiskFull.name
    if isinstance(problem, AccessDenied):
        access = source.access
        ends_all = not access.allowed
        problem = AccessDenied(access.reason or problem.message, code=problem.code)
    if ends_all:
        done = outcome.kept + len(outcome.made)
        text = f"Stopped at scan {scan}: {problem.message} {done} of {outcome.total} scans stay in “{outcome.out}”."
        raise type(problem)(text, code=problem.code)


def _remove_drafts(place: Path) -> None:
    """Remove what was killed while it was written; only who holds the folder's lock may."""
    for draft in (*(place / PARTIAL).iterdir(), *place.glob(f".{PLAN}.*"), *place.glob(f".{MANIFEST}.*")):
        if draft.is_dir() and not draft.is_symlink():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def run(dataset: str, recipe: Mapping[str, Any], out: str, workers: int) -> dict[str, Any]:
    """Do it as a job: JSON in, progress told, JSON out.

    Parameters
    ----------
    dataset, out, workers
        As for `preprocess`.
    recipe : mapping
        As `Recipe.as_dict` gives it.
    """
    from workbench.compute.job_inside import report_progress  # noqa: PLC0415 - in a job alone

    def tell(done: int, total: int, _scan: str) -> None:
        # A full disk must not end the run here.
        with suppress(OSError):
            report_progress(done, total, "scans prepared")

    return preprocess(dataset, Recipe.from_dict(recipe), out, workers=workers, on_progress=tell).as_dict()
