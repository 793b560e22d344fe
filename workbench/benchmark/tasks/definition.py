"""What a task is: read from YAML, checked against a closed model, and hashed, so that the hash is its version.

Runs in: anywhere
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workbench.benchmark.metrics.definitions import DEFINITIONS
from workbench.errors import InvalidInput, NotFound

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Text = Annotated[str, Field(min_length=3, max_length=400)]
Positive = Annotated[int, Field(ge=1, le=100_000)]
SplitName = Literal["train", "validation", "public_test", "final_test"]
OPEN_SPLITS: tuple[SplitName, ...] = ("train", "validation")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Split(_Closed):
    """Where a split's scans are."""

    dataset: Slug
    split: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class Label(_Closed):
    """Where the truth is and what it is."""

    table: Slug
    says: Text
    verified: bool


class Patch(_Closed):
    """The cube that a model sees: voxels along an edge, and their spacing."""

    size: Literal[32]
    spacing_mm: Annotated[float, Field(gt=0.2, le=5.0)]


class Limits(_Closed):
    """What one evaluation may use: model and output size, wall and processor time, memory."""

    model_mib: Positive
    seconds: Positive
    cpu_seconds: Positive
    memory_mib: Positive
    output_mib: Positive


class Quota(_Closed):
    """How many scored submissions a person has; failures do not count."""

    scored_per_week: Positive


class TaskDefinition(_Closed):
    """A benchmark task: its question, data, truth, metric and limits."""

    id: Slug
    kind: Literal["detection3d", "binary"]
    title: Text
    question: Text
    splits: dict[SplitName, Split]
    label: Label
    synthetic: bool
    unit: Literal["scan", "nodule"]
    metric: str
    missing: Literal["worst", "reject"]
    resamples: Annotated[int, Field(ge=100, le=20_000)]
    resamples_seed: Annotated[int, Field(ge=0, lt=2**32)]
    tolerance: Annotated[float, Field(ge=0.0, lt=0.1)]
    candidates_per_scan: Annotated[int, Field(ge=1, le=100)]
    patch: Patch
    limits: Limits
    quota: Quota

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        if metric not in DEFINITIONS:
            raise ValueError(f"there is no metric {metric}")
        return metric

    def place(self, split: str) -> Split:
        """Give where a split that a notebook may read lies.

        Raises
        ------
        InvalidInput
            For the hidden splits and unknown ones.
        """
        if split not in OPEN_SPLITS:
            raise InvalidInput(
                f"Split “{split}” of {self.id} cannot be read; use {' or '.join(OPEN_SPLITS)}. "
                "The hidden test is read by the evaluator alone: task.submit(model)."
            )
        return self.splits[split]

    def version(self, pins: Mapping[str, str]) -> str:
        """Give the task's hash over its content and the versions of its datasets, 64 hexadecimal digits.

        Parameters
        ----------
        pins : mapping of str to str
            Dataset name to version id, for every dataset of the task.
        """
        content = {"task": self.model_dump(mode="json"), "metric": DEFINITIONS[self.metric].text, "data": dict(pins)}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def datasets(self) -> list[str]:
        """Name the datasets of the task, each once."""
        return sorted({split.dataset for split in self.splits.values()})


def parse(text: str, name: str) -> TaskDefinition:
    """Read a task from YAML.

    Raises
    ------
    InvalidInput
        Naming the first field that is wrong.
    """
    try:
        return TaskDefinition.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as problem:
        raise InvalidInput(f"{name} is not YAML ({type(problem).__name__}).") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidInput(f"{name}: {place}: {first['msg']}.") from None


@cache
def definitions() -> Mapping[str, TaskDefinition]:
    """Give every task of the package by its id."""
    found = {}
    for file in sorted((resources.files("workbench.benchmark") / "tasks").iterdir(), key=lambda path: path.name):
        if file.name.endswith(".yaml"):
            task = parse(file.read_text(encoding="utf-8"), file.name)
            found[task.id] = task
    return found


def task_definition(task: str) -> TaskDefinition:
    """Give one task's definition.

    Raises
    ------
    NotFound
        When there is none of this name.
    """
    if task not in definitions():
        raise NotFound(f"There is no task “{task}”; the tasks are {', '.join(definitions())}.")
    return definitions()[task]
