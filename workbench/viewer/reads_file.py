"""The CSV file of a reader study: one row a finished read, appended whole or not at all.

Several readers may share a file; each kernel reads its own reader's rows only.

Runs in: kernel
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import InvalidInput, cause_of

COLUMNS = (
    "study", "seed", "reader", "scan", "order", "started", "seconds", "paused_seconds", "judgements", "boxes",
    "contours", "measurements",
)  # fmt: skip
ANSWER = "answer: "

Row = dict[str, str]


def study_name(scans: Sequence[str], questions: Mapping[str, object]) -> str:
    """Name a study by its scans, in whatever order, and its questions."""
    told = json.dumps([sorted(scans), {name: str(kind) for name, kind in questions.items()}])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def reading_order(scans: Sequence[str], seed: int, reader: str) -> list[str]:
    """Shuffle the scans for a reader: the same at every start, another one for another reader or seed.

    Sorted by a hash, so that it depends on no version of a random generator and not on the order they were given in.
    """
    return sorted(scans, key=lambda scan: hashlib.sha256(f"{seed}\0{reader}\0{scan}".encode()).digest())


class ReadsFile:
    """Where the finished reads of one reader are kept.

    Parameters
    ----------
    path : Path
        A CSV file, which need not exist yet.
    study : str
        From `study_name`.
    seed : int
        Of the reading order.
    questions : sequence of str
        What is asked after each read; each has a column.

    Raises
    ------
    InvalidInput
        When the folder does not exist, or the file holds another study.
    """

    def __init__(self, path: Path, study: str, seed: int, questions: Sequence[str]) -> None:
        self.path, self.study, self.seed = path, study, seed
        self.header = [*COLUMNS, *(ANSWER + name for name in questions)]
        if path.suffix != ".csv" or not path.parent.is_dir() or path.is_dir():
            raise InvalidInput(f"The reads cannot be kept in {path}: give a file ending in .csv, in a folder there is.")
        self._check(self._read())

    def rows(self, reader: str) -> list[Row]:
        """Give the finished reads of a reader, in the order in which they were saved."""
        rows = self._read()
        self._check(rows)
        return [row for row in rows if row["reader"] == reader]

    def append(self, row: Mapping[str, object]) -> bool:
        """Save a finished read; gives False where this reader's read of this scan is there already.

        The file is written anew beside the old one and put in its place, so that a crash leaves the one or the other.

        Raises
        ------
        InvalidInput
            When the file cannot be written, or holds another study by now.
        """
        full = {"study": self.study, "seed": self.seed, **row}
        try:
            with self._alone():
                rows = self._read()
                self._check(rows)
                if any((one["reader"], one["scan"]) == (row["reader"], row["scan"]) for one in rows):
                    return False
                self._write([*rows, {name: str(full.get(name, "")) for name in self.header}])
        except OSError as problem:
            raise InvalidInput(
                f"The read was not saved in {self.path} ({cause_of(problem)}); mend that and press Save again."
            ) from None
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other readers' kernels waiting, so that no row is lost between reading and writing."""
        with (self.path.parent / f".{self.path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> list[Row]:
        if not self.path.exists():
            return []
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            lines = list(csv.reader(io.StringIO(text, newline="")))
        except (OSError, UnicodeDecodeError, csv.Error) as problem:
            raise InvalidInput(
                f"{self.path} cannot be read as reads of a study ({problem}); give another path."
            ) from None
        if not lines:
            return []
        if lines[0][: len(COLUMNS)] != list(COLUMNS) or any(len(line) != len(lines[0]) for line in lines):
            raise InvalidInput(
                f"{self.path} is no file of a reader study; nothing was written to it. Give another path."
            )
        return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]

    def _check(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row["study"] != self.study or row["seed"] != str(self.seed) or list(row) != self.header:
                what = f"seed {row['seed']}" if row["study"] == self.study else "other scans or questions"
                raise InvalidInput(
                    f"{self.path} holds the reads of another study ({what}), so these reads do not belong there. "
                    "Give another path, or the scans, questions and seed it was begun with."
                )

    def _write(self, rows: Sequence[Row]) -> None:
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        try:
            with beside.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.header)
                writer.writeheader()
                writer.writerows(rows)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
