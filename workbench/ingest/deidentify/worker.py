"""A batch of source files becomes de-identified files under temporary names.

What a worker gives does not depend on which files it had before, so any number of workers gives the same result.

Runs in: ingest host
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.ingest.deidentify.crosswalk import Pair
from workbench.ingest.deidentify.elements import META_AT
from workbench.ingest.deidentify.instance import InstanceCleaner
from workbench.ingest.deidentify.journal import Actions
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.refusals import Refusal
from workbench.ingest.silence import silent_pydicom

WATCH_S = 0.5
# Enough that no worker waits while the others' files are put in place, and little enough to hold.
BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Written:
    """One de-identified file that lies under a temporary name.

    Parameters
    ----------
    name : str
        The source file.
    temporary : Path
        Where it lies now.
    out : str
        Where it belongs, below the output folder.
    size_bytes, mtime_ns : int
        Of the temporary file.
    actions : tuple
        (rule, number) pairs.
    pairs : tuple
        (kind, source value, pseudonym) for the crosswalk.
    """

    name: str
    temporary: Path
    out: str
    size_bytes: int
    mtime_ns: int
    actions: Actions
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Unwritable:
    """The output folder took no more: the disk is full, or it may not be written."""

    problem: str


Outcome = Written | Refusal | Unwritable


@dataclass(frozen=True)
class Order:
    """What a worker must know; it crosses to another process.

    Parameters
    ----------
    source : Path
        The source folder.
    unfinished : Path
        The folder of temporary names, on the same disk as the output.
    profile : str
        Name or path of the profile.
    key : bytes
        The project's key.
    """

    source: Path
    unfinished: Path
    profile: str
    key: bytes


class Worker:
    """Does batches, one after the other."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._cleaner = InstanceCleaner(load_profile(order.profile), order.key)

    def do(self, names: Sequence[str]) -> list[Outcome]:
        """Give the outcome of each file, in the same order; every written one is safe on the disk."""
        outcomes: list[Outcome] = []
        opened: list[int] = []
        try:
            with silent_pydicom():
                for name in names:
                    outcomes.append(self._one(name, opened))
            # One after the other once all are written: the disk then has most of them already.
            for descriptor in opened:
                os.fsync(descriptor)
        except OSError as problem:
            outcomes.append(Unwritable(problem.strerror or type(problem).__name__))
        finally:
            for descriptor in opened:
                os.close(descriptor)
        return outcomes

    def _one(self, name: str, opened: list[int]) -> Outcome:
        try:
            content = read_dicom(self._order.source / name)
        except (OSError, MemoryError):
            return Refusal("unreadable", "it could not be read to its end; look at the disk and the rights.", (name,))
        if content is None:
            reason = "it is not a DICOM file; nothing of it was copied."
            return Refusal("not-dicom", reason, (name,))
        cleaned = self._cleaner.clean(content, name)
        if isinstance(cleaned, Refusal):
            return cleaned
        temporary = self._order.unfinished / secrets.token_hex(16)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        opened.append(descriptor)
        for piece in cleaned.content:
            write_all(descriptor, piece)
        found = os.fstat(descriptor)
        return Written(
            name, temporary, cleaned.out, found.st_size, found.st_mtime_ns, cleaned.actions, cleaned.pairs
        )  # fmt: skip


def read_dicom(path: Path) -> bytes | None:
    """Read a file whole, or give None without reading on where it is not DICOM.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    with path.open("rb", buffering=0) as stream:
        head = stream.read(META_AT)
        if head[128:] != b"DICM":
            return None
        stream.seek(0)
        return stream.readall()


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write everything, in as many calls as the system wants."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def run_batches(batches: Sequence[Sequence[str]], order: Order, processes: int) -> Generator[list[Outcome]]:
    """Give the outcomes of each batch, in the order of the batches.

    Parameters
    ----------
    batches : sequence of sequences of str
        Names of source files.
    order : Order
        What to do.
    processes : int
        Number of worker processes; with one, or with one batch, the work is done here.

    Raises
    ------
    WorkbenchError
        When a worker process was ended from outside.
    """
    if processes == 1 or len(batches) <= 1:
        worker = Worker(order)
        for batch in batches:
            yield worker.do(batch)
        return
    # Forking costs nothing; where it is not offered, a worker starts from the beginning.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    pool = ProcessPoolExecutor(
        min(processes, len(batches)), multiprocessing.get_context(method), _start_worker, (order, os.getpid())
    )
    waiting: deque[Future[list[Outcome]]] = deque()
    rest = iter(batches)
    try:
        with warnings.catch_warnings():
            # All workers start here, before this process has threads of Python's; libraries' threads do no harm.
            warnings.simplefilter("ignore", DeprecationWarning)
            waiting.extend(pool.submit(_do_batch, batch) for batch in islice(rest, processes * BATCHES_AHEAD))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(_do_batch, batch) for batch in islice(rest, 1))
    except BrokenProcessPool:
        raise WorkbenchError(
            "A worker process was ended from outside, perhaps because memory ran out. Every finished file is whole; "
            "run the same command again, with fewer --workers: it continues.",
            code="worker-lost",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: list[Worker] = []


def _start_worker(order: Order, parent: int) -> None:
    """Make this process a worker; it ends with its parent, even when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _worker[:] = [Worker(order)]


def _do_batch(names: Sequence[str]) -> list[Outcome]:
    return _worker[0].do(names)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)
