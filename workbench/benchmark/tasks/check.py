"""Whether a task is honest: its file is right, its ceiling is one, something lies below it, and the numbers carry it.

Runs in: terminal
Source: the rules of the page on honest tasks: a baseline significantly above the oracle is a fault of the oracle, and
a best baseline that is not significantly below it leaves nothing to learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.tasks.answer_files import Files, read_bytes, trial_of
from workbench.benchmark.tasks.definition import TaskDefinition, find_problems
from workbench.benchmark.tasks.documents import MAX_CHARACTERS
from workbench.benchmark.tasks.numbers import too_few
from workbench.benchmark.tasks.oracles import SCANS, Ceiling, draw_trial, oracle
from workbench.benchmark.tasks.trials import ABOVE, BELOW, ORACLE, Row, Trial, measure
from workbench.benchmark.tasks.wording import Problem
from workbench.errors import InvalidInput

ORACLE_BEATEN, NO_HEADROOM, TOO_FEW, NO_ORACLE = "ORACLE_BEATEN", "NO_HEADROOM", "TOO_FEW", "NO_ORACLE"
GENERATED = ("phantom-detection", "phantom-malignancy", "phantom-lungs")
DIGITS = 4


@dataclass(frozen=True)
class Fault:
    """One thing that speaks against a task: a short code and the sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Parameters
    ----------
    file : str
    task : TaskDefinition, or None
        None when the file is not valid; `problems` then says why.
    problems : tuple of Problem
    findings : tuple of Finding
        What speaks against the task; none for an honest one.
    notes : tuple of str
        What was not tried, and why.
    rows : tuple of Row
    counts : dict of str to int
    ceilings : tuple of Ceiling
    """

    file: str
    task: TaskDefinition | None
    problems: tuple[Problem, ...] = ()
    findings: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    ceilings: tuple[Ceiling, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 for an honest task, 1 when something speaks against it, 2 when the file is not valid."""
        return InvalidInput.exit_code if self.task is None else int(bool(self.findings))

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        task = self.task
        return {
            "file": self.file, "ok": self.exit_code == 0, "valid": task is not None,
            "task": task.id if task else None, "kind": task.kind if task else None,
            "metric": task.metric if task else None,
            "problems": [problem.as_dict() for problem in self.problems],
            "findings": [asdict(fault) for fault in self.findings], "notes": list(self.notes),
            "counts": self.counts, "ceilings": [asdict(ceiling) for ceiling in self.ceilings],
            "baselines": [asdict(row) for row in self.rows],
        }  # fmt: skip


def check_file(
    file: Path, *, files: Files | None = None, scans: int = SCANS, seed: int = 0,
    watch: Callable[[int, int], None] | None = None,
) -> Checked:  # fmt: skip
    """Check a task file, and try its baselines against its ceiling where there is something to try them on.

    Parameters
    ----------
    file : Path
        The task's YAML.
    files : Files, optional
        Truth and predictions; without them a task with a generator is tried on drawn data, others not at all.
    scans, seed : int
        How many phantoms to paint, where that is needed, and which.
    watch : callable, optional
        Is told how many of how many phantoms are done.

    Raises
    ------
    InvalidInput
        When a file cannot be read, or truth and predictions do not fit the task.
    """
    try:
        text = read_bytes(file, 4 * MAX_CHARACTERS).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{file.name} is not UTF-8 text; save it as that.") from None
    task, problems = find_problems(text, file.name)
    if task is None:
        return Checked(file.name, None, tuple(problems))
    if files is not None:
        return _judged(file.name, task, trial_of(task, files), resamples=task.resamples)
    if task.ceiling in GENERATED:
        return _judged(file.name, task, draw_trial(task, scans=scans, seed=seed, watch=watch), resamples=task.resamples)
    note = "Only the file was checked; give --truth and --predictions NAME=FILE to try the baselines."
    return Checked(file.name, task, notes=(note,))


def _judged(name: str, task: TaskDefinition, trial: Trial, *, resamples: int) -> Checked:
    rows: list[Row] = []
    findings: list[Fault] = []
    few = too_few(task.metric, trial.counts)
    if few:
        findings.append(Fault(TOO_FEW, f"The numbers cannot carry {task.metric}: {few}."))
    for metric in task.metrics:
        higher = definition(metric).higher_is_better
        rows += measure(trial, metric, higher_is_better=higher, resamples=resamples, seed=task.resamples_seed)
    findings += [
        Fault(ORACLE_BEATEN, _beaten(row)) for row in rows if row.verdict == ABOVE and definition(row.metric).may_rank
    ]
    findings += _headroom(task, [row for row in rows if row.metric == task.metric])
    ceilings = (oracle(task, metric) for metric in task.metrics)
    return Checked(
        name, task, (), tuple(findings), (), tuple(rows), trial.counts.as_dict(), tuple(one for one in ceilings if one)
    )


def _beaten(row: Row) -> str:
    return (
        f"The baseline “{row.name}” is better than the ceiling by {-(row.gap or 0):.{DIGITS}f} {row.metric} "
        f"(p {_p(row)}); nothing can be, so the oracle or the data are at fault."
    )


def _headroom(task: TaskDefinition, rows: list[Row]) -> list[Fault]:
    """Find that nothing lies below the ceiling; a task whose ceiling nobody knows has none to lie below."""
    if not any(row.name == ORACLE for row in rows):
        if task.ceiling is None:
            return []
        return [Fault(NO_ORACLE, "The task has a ceiling; give its answers with --predictions oracle=FILE.")]
    best = next((row for row in rows if row.name != ORACLE), None)
    if best is None:
        return [Fault(NO_HEADROOM, "No baseline was measured, so nothing is known to lie below the ceiling.")]
    if best.verdict in (BELOW, ABOVE):
        return []
    told = f" It takes about {best.seen_from:,} units to tell them apart." if best.seen_from else ""
    return [
        Fault(
            NO_HEADROOM,
            f"The best baseline, “{best.name}”, is not significantly below the ceiling (gap {best.gap or 0:.{DIGITS}f} "
            f"{best.metric}, p {_p(best)}): there is nothing to learn, or too few units to see it.{told}",
        )
    ]


def _p(row: Row) -> str:
    return "unknown" if row.p is None or row.p != row.p else f"{row.p:.2g}"
