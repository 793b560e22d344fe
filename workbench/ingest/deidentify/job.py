"""A folder of DICOM in, a de-identified copy out; every file is written or refused by name.

Runs in: ingest host
Source: DICOM PS3.10 2026c 7 (files); PS3.15 2026c Annex E.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.ingest.deidentify.crosswalk import Crosswalk
from workbench.ingest.deidentify.job_report import JobReport
from workbench.ingest.deidentify.journal import Journal
from workbench.ingest.deidentify.placing import UNFINISHED, Placing, not_writable, take_over
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import project_key
from workbench.ingest.deidentify.source_files import list_source
from workbench.ingest.deidentify.worker import Order
from workbench.ingest.progress import Progress, quiet
from workbench.settings import Settings

DEFAULT_PROCESSES = 2
# Raised when the same files would be written otherwise than before, so that an old job is not resumed.
FORMAT = 1


def deidentify_folder(
    source: Path, out: Path, *, profile: str = "standard", project: str = "default", settings: Settings,
    progress: Progress | None = None, processes: int | None = None,
) -> JobReport:  # fmt: skip
    """De-identify every DICOM file below a folder into another folder.

    The outputs are `OUT/<patient>/<series>/<instance>.dcm` under pseudonyms, each in its source's transfer syntax. The
    same source, project and profile give the same bytes, whatever the number of processes. After a kill the same call
    goes on where it stopped.

    Parameters
    ----------
    source : Path
        A folder, or one file.
    out : Path
        Made when missing; else empty, or the output of an earlier run over the same source.
    profile : str, default "standard"
        Name of a profile that is shipped, or the path of one.
    project : str, default "default"
        Pseudonyms of different projects cannot be joined.
    settings : Settings
        The home that holds the keys, the crosswalk and the journal.
    progress : callable, optional
        Called with (done, total, what).
    processes : int, optional
        Number of worker processes, default 2.

    Raises
    ------
    InvalidInput
        When a folder, the profile or the project is not usable.
    Conflict
        When another job is writing to the same folder.
    WorkbenchError
        When the output folder takes no more; what is there is whole, and the same call continues.
    """
    started = time.monotonic()
    source, out = check_folders(source, out)
    if processes is not None and processes < 1:
        raise InvalidInput(f"{processes} worker processes cannot work; give 1 or more.")
    report = JobReport(load_profile(profile), project)
    key = project_key(settings, project)
    found = list_source(source)
    if not found:
        raise InvalidInput("The source folder is empty, so there is nothing to de-identify.", code="empty-folder")
    report.files = len(found)
    root = source if source.is_dir() else source.parent
    rules = f"{FORMAT}\0{report.profile.digest}\0{project}"
    with _writable(), contextlib.closing(Journal(settings, source, out, key=key, rules=rules)) as journal:
        report.removed = take_over(out, journal)
        unfinished = out / f"{UNFINISHED}{secrets.token_hex(8)}"
        unfinished.mkdir(mode=0o700)
        placing = Placing(root, out, journal, Crosswalk(settings, project), report, progress or quiet)
        try:
            placing.run(found, Order(root, unfinished, profile, key), processes or DEFAULT_PROCESSES)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    report.seconds = time.monotonic() - started
    return report


def check_folders(source: Path, out: Path) -> tuple[Path, Path]:
    """Give both folders resolved, or say why they cannot be used together.

    Raises
    ------
    InvalidInput
        When the source is missing, or one lies in the other.
    """
    if not source.exists():
        raise InvalidInput("There is no such source; give the folder or the file that holds the DICOM.")
    source, out = source.resolve(), out.resolve()
    if out.exists() and not out.is_dir():
        raise InvalidInput("The output is a file; give a folder.")
    if out.is_relative_to(source) or (source.is_relative_to(out) and source.is_dir()):
        raise InvalidInput("Source and output lie in one another; give an output folder outside the source.")
    return source, out


@contextlib.contextmanager
def _writable() -> Iterator[None]:
    """Turn a full disk or a missing right into one clear error."""
    try:
        yield
    except OSError as problem:
        raise not_writable(problem.strerror or type(problem).__name__) from None
