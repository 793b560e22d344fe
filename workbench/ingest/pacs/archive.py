"""What both kinds of archive can do, and the pull that is made of it: series by series, nothing twice.

Runs in: ingest host
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workbench.errors import IngestRefused, NotFound
from workbench.ingest.progress import Progress, quiet
from workbench.ingest.refusals import name_files

DRAFT = ".arriving"
Keep = Callable[[str, bytes], None]


class Archive(Protocol):
    """A picture archive from which instances can be asked for."""

    def series(self, study: str) -> list[str]:
        """Give the UIDs of a study's series; none when the archive does not know the study."""
        ...

    def instances(self, study: str, series: str) -> dict[str, str]:
        """Give the instances of a series: SOP instance UID to SOP class UID (empty when it does not tell)."""
        ...

    def fetch(self, study: str, series: str, wanted: dict[str, str], keep: Keep) -> None:
        """Fetch a series; `keep(SOP instance UID, file)` is called with each instance as a DICOM file."""
        ...

    def send(self, files: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
        """Send files as they are; tells for each whether the archive took it."""
        ...


@dataclass(frozen=True)
class Pulled:
    """What lies in the folder after a pull.

    Parameters
    ----------
    series, instances : int
        How many belong to what was asked for.
    fetched : int
        How many of the instances came now; the others lay there from a pull that was cut short.
    """

    series: int
    instances: int
    fetched: int


def pull(
    archive: Archive, studies: Sequence[str], folder: Path, *, series: Iterable[str] = (),
    progress: Progress | None = None,
) -> Pulled:  # fmt: skip
    """Bring studies, or some of their series, into a folder.

    Parameters
    ----------
    archive : Archive
        Whom to ask.
    studies : sequence of str
        Study instance UIDs.
    folder : Path
        Made with mode 0700; a pull that was cut short goes on here.
    series : iterable of str, optional
        Series instance UIDs; all of the studies' when left out.
    progress : callable, optional
        Called with (instances there, instances, "fetching").

    Raises
    ------
    NotFound
        When the archive does not know a study, or none of the series.
    IngestRefused
        When it announced instances that did not come (`pull-incomplete`).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for draft in folder.glob(f"*{DRAFT}"):
        draft.unlink()
    plan = _plan(archive, studies, frozenset(series))
    total = sum(len(wanted) for _, _, wanted in plan)
    there = sum(_path(folder, uid).exists() for _, _, wanted in plan for uid in wanted)
    fetched, show = 0, progress or quiet

    def keep(uid: str, content: bytes) -> None:
        nonlocal fetched
        target = _path(folder, uid)
        if not target.exists():
            write_file(target, content)
            fetched += 1
            show(min(there + fetched, total), total, "fetching")

    for study, one, wanted in plan:
        if not all(_path(folder, uid).exists() for uid in wanted):
            archive.fetch(study, one, wanted, keep)
    _check_complete(folder, plan)
    return Pulled(len(plan), total, fetched)


def write_file(target: Path, content: bytes) -> None:
    """Write a file that only its owner can read: whole, or not at all."""
    draft = target.with_name(f"{secrets.token_hex(8)}{DRAFT}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as output:
            output.write(content)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _path(folder: Path, uid: str) -> Path:
    """Give where an instance lies; the name tells nothing and cannot leave the folder, whatever the archive sent."""
    return folder / f"{hashlib.sha256(uid.encode()).hexdigest()[:40]}.dcm"


def _plan(archive: Archive, studies: Sequence[str], wanted: frozenset[str]) -> list[tuple[str, str, dict[str, str]]]:
    plan = []
    for number, study in enumerate(studies, 1):
        found = archive.series(study)
        if not found:
            raise NotFound(f"The archive knows no study of this UID (the {number}. that you gave); check --study.")
        plan += [(study, one, archive.instances(study, one)) for one in sorted(found) if not wanted or one in wanted]
    missing = len(wanted - {one for _, one, _ in plan})
    if missing or not any(found for _, _, found in plan):
        raise NotFound(f"The archive has {missing or 'all'} of these series not in that study; check --series.")
    return plan


def _check_complete(folder: Path, plan: Sequence[tuple[str, str, dict[str, str]]]) -> None:
    lacking = [
        f"series {number}: {missing} of {len(wanted)} instances"
        for number, (_, _, wanted) in enumerate(plan, 1)
        if (missing := sum(not _path(folder, uid).exists() for uid in wanted))
    ]
    if lacking:
        raise IngestRefused(
            f"The archive announced images that did not come ({name_files(lacking)}), so nothing was ingested. "
            "Give the same command again: what came is kept and only the rest is fetched.",
            code="pull-incomplete",
        )
