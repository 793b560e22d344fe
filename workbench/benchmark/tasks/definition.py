"""What a task is: read from YAML, checked against a closed model, and hashed, so that the hash is its version.

Runs in: anywhere
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from workbench.benchmark.metrics.definitions import DEFINITIONS
from workbench.benchmark.tasks.documents import Document, read_document
from workbench.benchmark.tasks.fields import (
    Baseline,
    Closed,
    Interval,
    Label,
    Limits,
    Patch,
    Prevalence,
    Quota,
    Slug,
    Split,
    Subgroup,
    Text,
    Trap,
    Truth,
    wrong,
)
from workbench.benchmark.tasks.rules import check_task
from workbench.benchmark.tasks.wording import Problem, did_you_mean, problems_of
from workbench.errors import InvalidInput, NotFound

__all__ = [
    "HIDDEN_SPLITS", "OPEN_SPLITS", "Baseline", "Interval", "Kind", "Label", "Limits", "Patch", "Prevalence", "Quota",
    "Split", "SplitName", "Subgroup", "SubmissionKind", "TaskDefinition", "Trap", "Truth", "definitions",
    "find_problems", "parse", "shipped_text", "task_definition",
]  # fmt: skip

SplitName = Literal["train", "validation", "public_test", "final_test"]
OPEN_SPLITS: tuple[SplitName, ...] = ("train", "validation")
HIDDEN_SPLITS: tuple[SplitName, ...] = ("public_test", "final_test")
Kind = Literal[
    "detection3d", "segmentation3d", "binary", "multiclass", "ordinal", "regression", "ranking", "survival"
]  # fmt: skip
SubmissionKind = Literal["predictions", "onnx", "folder"]
# Whose oracle says what can be reached at most; with `predictions` the author's own, given to `task check`.
Ceiling = Literal["phantom-detection", "phantom-malignancy", "phantom-lungs", "predictions"]


def _known(metric: str) -> str:
    if metric not in DEFINITIONS:
        shown = metric[:60] if metric.isprintable() else "…"
        raise wrong(f"there is no metric “{shown}”{did_you_mean(metric, DEFINITIONS)}")
    return metric


Metric = Annotated[str, AfterValidator(_known)]


class TaskDefinition(Closed):
    """A benchmark task: its question, data, truth, metrics, rules and limits.

    Parameters
    ----------
    metrics : tuple of str
        Ids with versions; the first ranks, the others stand beside it.
    unit : str
        What is drawn again for intervals: the scan, or the patient with all their scans.
    missing : str
        What an item without an answer is: the worst answer, or a reason to refuse the submission.
    submissions : tuple of str
        The kinds that are accepted.
    k : int
        For ``topk:v1``: how many of the first answers count.
    """

    id: Slug
    kind: Kind
    title: Text
    question: Text
    splits: dict[SplitName, Split]
    truth: Truth
    label: Label
    synthetic: bool
    licence: Text = "No licence is stated: the hidden test is read by the evaluator alone and is not given out."
    unit: Literal["scan", "patient"]
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1, max_length=6, strict=False)]
    k: Annotated[int, Field(ge=1, le=100)] = 1
    missing: Literal["worst", "reject"]
    interval: Interval
    tolerance: Annotated[float, Field(ge=0.0, lt=0.1)]
    subgroups: Annotated[tuple[Subgroup, ...], Field(max_length=8, strict=False)] = ()
    submissions: Annotated[tuple[SubmissionKind, ...], Field(min_length=1, strict=False)] = ("predictions",)
    baselines: Annotated[tuple[Baseline, ...], Field(max_length=6, strict=False)] = ()
    ceiling: Ceiling | None = None
    prevalence: Prevalence | None = None
    trap: Trap | None = None
    quota: Quota
    limits: Limits
    candidates_per_scan: Annotated[int, Field(ge=1, le=100)] = 60
    patch: Patch = Patch(size=32, spacing_mm=1.25)

    @model_validator(mode="after")
    def _holds_together(self) -> TaskDefinition:
        check_task(self)
        return self

    @property
    def metric(self) -> str:
        """The metric that ranks."""
        return self.metrics[0]

    @property
    def resamples(self) -> int:
        """How many resamples an interval is made of."""
        return self.interval.resamples

    @property
    def resamples_seed(self) -> int:
        """The seed of the resamples."""
        return self.interval.seed

    def place(self, split: str) -> Split:
        """Give where a split that a notebook may read lies.

        Raises
        ------
        InvalidInput
            For the hidden splits and unknown ones.
        """
        readable = [name for name in OPEN_SPLITS if name in self.splits]
        if split not in readable:
            raise InvalidInput(
                f"Split “{split}” of {self.id} cannot be read; use {' or '.join(readable) or 'none: all are hidden'}. "
                "The hidden test is read by the evaluator alone: task.submit(model)."
            )
        return self.splits[split]

    def version(self, pins: Mapping[str, str]) -> str:
        """Give the task's hash over its content, its metrics' texts and its datasets' versions, 64 hexadecimal digits.

        Parameters
        ----------
        pins : mapping of str to str
            Dataset name to version id, for every dataset of the task; a version that the task itself pins wins.
        """
        # Without what is at its default, so that a field which a later release adds changes no version.
        content = {
            "task": self.model_dump(mode="json", exclude_defaults=True),
            "metrics": {metric: DEFINITIONS[metric].text for metric in self.metrics},
            "data": {**pins, **self.pinned()},
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def pinned(self) -> dict[str, str]:
        """Give the dataset versions that the task itself pins, by dataset."""
        return {split.dataset: split.version for split in self.splits.values() if split.version}

    def datasets(self) -> list[str]:
        """Name the datasets of the task, each once."""
        return sorted({split.dataset for split in self.splits.values()})

    def hidden_datasets(self) -> list[str]:
        """Name the datasets of the hidden test; their custodians answer for the task."""
        return sorted({self.splits[split].dataset for split in HIDDEN_SPLITS})

    def as_dict(self) -> dict[str, Any]:
        """Give the whole definition as plain JSON values; `from_dict` reads it back."""
        return self.model_dump(mode="json")

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> TaskDefinition:
        """Give a definition that another process sent.

        Raises
        ------
        InvalidInput
            Naming the first field that is wrong.
        """
        document = Document(dict(values), {})
        task, problems = _validated(document)
        if task is None:
            raise InvalidInput(f"The task that was sent is not valid: {problems[0].what}")
        return task


def find_problems(text: str, name: str) -> tuple[TaskDefinition | None, list[Problem]]:
    """Read a task from YAML and give it, or everything that is wrong with it.

    Raises
    ------
    InvalidInput
        When the text is not one small YAML document.
    """
    return _validated(read_document(text, name))


def parse(text: str, name: str) -> TaskDefinition:
    """Read a task from YAML.

    Raises
    ------
    InvalidInput
        Naming file, line and the first field that is wrong, with the nearest word that would do.
    """
    task, problems = find_problems(text, name)
    if task is None:
        more = f" ({len(problems) - 1} more: workbench task check {name})" if len(problems) > 1 else ""
        raise InvalidInput(f"{name}, {problems[0]}{more}")
    return task


def _validated(document: Document) -> tuple[TaskDefinition | None, list[Problem]]:
    try:
        return TaskDefinition.model_validate(document.value), []
    except ValidationError as failure:
        return None, problems_of(failure, document, TaskDefinition)


@cache
def definitions() -> Mapping[str, TaskDefinition]:
    """Give every task of the package by its id."""
    found = {}
    for file in sorted((resources.files("workbench.benchmark") / "tasks").iterdir(), key=lambda path: path.name):
        if file.name.endswith(".yaml"):
            task = parse(file.read_text(encoding="utf-8"), file.name)
            found[task.id] = task
    return found


def shipped_text(task: str) -> str:
    """Give the file of a task of the package; it is called as the task is."""
    return (resources.files("workbench.benchmark") / "tasks" / f"{task_definition(task).id}.yaml").read_text("utf-8")


def task_definition(task: str) -> TaskDefinition:
    """Give one shipped task's definition; `published.task_of(store, task)` knows a home's own as well.

    Raises
    ------
    NotFound
        When there is none of this name.
    """
    if task not in definitions():
        raise NotFound(f"There is no task “{task}”; the tasks are {', '.join(definitions())}.")
    return definitions()[task]
