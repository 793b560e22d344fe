"""De-identified files get their names, one after the other in the order of the source, and are noted.

Runs in: ingest host
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from workbench.errors import InvalidInput, WorkbenchError
from workbench.ingest.deidentify.crosswalk import Crosswalk
from workbench.ingest.deidentify.job_report import FileReport, JobReport
from workbench.ingest.deidentify.journal import Finished, Journal
from workbench.ingest.deidentify.source_files import SourceFile
from workbench.ingest.deidentify.worker import Order, Outcome, Unwritable, Written, run_batches
from workbench.ingest.progress import Progress
from workbench.ingest.refusals import Refusal

UNFINISHED = ".unfinished-"
BATCH_FILES = 16
WHAT = "cleaning"


def not_writable(problem: str) -> WorkbenchError:
    """Give the error for an output that takes no more."""
    return WorkbenchError(
        f"The output could not be written ({problem}). No half-written file was left; make room or give the right to "
        "write, and run the same command again: it continues.",
        code="output-not-writable",
    )


def take_over(out: Path, journal: Journal) -> int:
    """Clear what an earlier run left, and give how many of its outputs went because the rules have changed.

    Raises
    ------
    InvalidInput
        When the folder holds anything that this job's own journal does not name.
    """
    out.mkdir(parents=True, exist_ok=True)
    known = {one.out: one for one in journal.entries.values()}
    foreign = sum(
        name not in known or (journal.has_other_rules and not known[name].is_in(out)) for name in _files_in(out)
    )
    if foreign:
        what = f"{foreign} file{'s' if foreign > 1 else ''} that no earlier run over this source wrote"
    elif journal.has_other_source and any(one.is_in(out) for one in known.values()):
        what = "what was written from another source"
    else:
        return _clear(out, journal, known.values())
    raise InvalidInput(f"The output folder holds {what}; give an empty or new folder.", code="output-not-empty")


def _files_in(out: Path) -> list[str]:
    found = []
    for parent, folders, names in os.walk(out):
        if parent == str(out):
            folders[:] = [name for name in folders if not name.startswith(UNFINISHED)]
        found += [os.path.relpath(os.path.join(parent, name), out) for name in names]
    return found


def _clear(out: Path, journal: Journal, known: Iterable[Finished]) -> int:
    for left in out.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)
    if not (journal.is_new or journal.has_other_rules or journal.has_other_source):
        return 0
    removed = sum(_remove(out, one) for one in known)
    journal.start_afresh()
    return removed


def _remove(out: Path, one: Finished) -> bool:
    """Remove an output that is still as this job wrote it, and the folders that it leaves empty."""
    if not one.is_in(out):
        return False
    path = out / one.out
    path.unlink()
    with contextlib.suppress(OSError):
        path.parent.rmdir()
        path.parent.parent.rmdir()
    return True


@dataclass(frozen=True)
class _Claim:
    """Which source file an output was made from: its place in the order, its name, and its entry in the journal."""

    place: int
    file: SourceFile
    entry: str


@dataclass
class Placing:
    """Puts the workers' outcomes in place.

    Parameters
    ----------
    root, out : Path
        The folders of sources and outputs.
    journal, crosswalk : Journal, Crosswalk
        Where finished files and pseudonyms are noted.
    report : JobReport
        What is filled.
    progress : callable
        Called with (done, total, what).
    """

    root: Path
    out: Path
    journal: Journal
    crosswalk: Crosswalk
    report: JobReport
    progress: Progress
    claims: dict[str, _Claim] = field(default_factory=dict)
    reports: dict[str, FileReport] = field(default_factory=dict)

    def run(self, found: Sequence[SourceFile | Refusal], order: Order, processes: int) -> None:
        """Do everything that is not done yet, and forget what no longer has a source."""
        todo = self._resume(found)
        done = len(found) - len(todo)
        self.progress(done, len(found), WHAT)
        batches = [todo[at : at + BATCH_FILES] for at in range(0, len(todo), BATCH_FILES)]
        outcomes = run_batches([[one.file.name for one in batch] for batch in batches], order, processes)
        with contextlib.closing(outcomes):
            for batch, made in zip(batches, outcomes, strict=True):
                self._place(batch, made)
                done += len(batch)
                self.progress(done, len(found), WHAT)
        self._finish()

    def _resume(self, found: Sequence[SourceFile | Refusal]) -> list[_Claim]:
        """Report what is done or refused already, and give the rest."""
        todo = []
        for place, one in enumerate(found):
            if isinstance(one, Refusal):
                self.report.refusals.append(one)
                continue
            claim = _Claim(place, one, self.journal.name(one.name, one.stat))
            entry = self.journal.entries.get(claim.entry)
            if entry is None or not entry.is_in(self.out) or _instance(entry.out) in self.claims:
                todo.append(claim)
            else:
                self._accept(claim, entry)
                self.report.resumed += 1
        return todo

    def _place(self, batch: Sequence[_Claim], outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Unwritable):
                raise not_writable(outcome.problem)
        kept: list[tuple[_Claim, Written]] = []
        for claim, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                self.report.refusals.append(outcome)
            elif isinstance(outcome, Written) and self._may_have(claim, outcome):
                kept.append((claim, outcome))
        finished = [Finished(one.out, one.size_bytes, one.mtime_ns, one.actions) for _, one in kept]
        self.crosswalk.note(pair for _, one in kept for pair in one.pairs)
        self.journal.append((claim.entry, one) for (claim, _), one in zip(kept, finished, strict=True))
        for (_, written), one in zip(kept, finished, strict=True):
            target = self.out / one.out
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(written.temporary, target)
            self.report.written += 1

    def _may_have(self, claim: _Claim, written: Written) -> bool:
        """Whether the instance is this file's: the first file that holds it in the order of names has it."""
        entry = Finished(written.out, written.size_bytes, written.mtime_ns, written.actions)
        holder = self.claims.get(_instance(written.out))
        if holder is not None and holder.place < claim.place:
            self._refuse_second(claim, holder)
            written.temporary.unlink()
            return False
        if holder is not None:
            # An earlier run wrote a later file, because this one was not there yet.
            self.report.resumed -= 1
            self._refuse_second(holder, claim)
        self._accept(claim, entry)
        return True

    def _accept(self, claim: _Claim, entry: Finished) -> None:
        instance = _instance(entry.out)
        self.claims[instance] = claim
        self.reports[instance] = FileReport(entry.out, claim.file.name, entry.actions)

    def _refuse_second(self, second: _Claim, first: _Claim) -> None:
        is_copy = filecmp.cmp(self.root / first.file.name, self.root / second.file.name, shallow=False)
        reason = (
            "it is a copy of another file of the source, which is in the output; nothing is lost."
            if is_copy
            else "another file with the same SOP Instance UID and other content is in the output; find the right one."
        )
        self.report.refusals.append(Refusal("duplicate-instance", reason, (second.file.name,)))

    def _finish(self) -> None:
        """Remove the outputs of sources that are gone, make names durable, and put the report in order."""
        kept = {claim.entry for claim in self.claims.values()}
        places = {one.file for one in self.reports.values()}
        gone = {name: one for name, one in self.journal.entries.items() if name not in kept}
        self.report.removed += sum(_remove(self.out, one) for one in gone.values() if one.out not in places)
        self.journal.forget(gone)
        for folder in {(self.out / place).parent for place in places} | {self.out}:
            _sync(folder)
        self.report.refusals.sort(key=lambda one: os.fsencode(one.files[0]))
        self.report.per_file = sorted(self.reports.values(), key=lambda one: os.fsencode(one.source))


def _instance(out: str) -> str:
    """Give patient and instance of an output's path: the series does not tell two instances apart."""
    path = PurePosixPath(out)
    return f"{path.parts[0]}/{path.name}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
