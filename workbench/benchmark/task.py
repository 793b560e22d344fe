"""Benchmark tasks in a notebook: look, prepare examples, score on validation, submit to the hidden test.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.benchmark.board.table import Leaderboard
from workbench.benchmark.client import read_leaderboard, send, wait_for
from workbench.benchmark.examples import (
    Examples,
    labels_of,
    prepare_scan,
    scan_names,
    scan_work,
    truth_of,
)
from workbench.benchmark.markup import badge, frame, small, table
from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.results import FAILED, SYNTHETIC, Entry, Score
from workbench.benchmark.scoring import checked_probabilities, hits, measure_binary, measure_detection, sort_marks
from workbench.benchmark.tasks.card import sentences
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.benchmark.tasks.of_home import task_here, tasks_here
from workbench.compute.progress import Progress, display_handle
from workbench.connection import connect_from_environment
from workbench.data.catalogue import dataset
from workbench.errors import InvalidInput, SubmissionRefused

if TYPE_CHECKING:
    from workbench.benchmark.pictures import Picture
    from workbench.compute.cluster import Cluster


TRAIN = "train"
VERSION_DIGITS = 16
# Kinds of task, with what their items are, whose scans are cut into patches.
WITH_PATCHES = (("detection3d", "scan"), ("binary", "nodule"))
Work = TypeVar("Work")
Part = TypeVar("Part")


class Model(Protocol):
    """What can be scored and submitted, such as what `wb.train` gives."""

    def predict(self, inputs: NDArray[Any], /) -> NDArray[Any]:
        """Give a probability for each patch, or for each pixel of each section."""

    def to_onnx(self) -> bytes:
        """Give the model as ONNX: input ``patches`` or ``sections``, output ``probability``."""


class Task:
    """One benchmark task; get it with `wb.task(name)`."""

    def __init__(self, definition_: TaskDefinition) -> None:
        self.definition = definition_
        self.id = definition_.id
        self._examples: dict[str, Any] = {}

    @property
    def question(self) -> str:
        """What the task asks."""
        return self.definition.question

    @property
    def metric(self) -> str:
        """The metric's id, such as ``froc_cpm:v1``."""
        return self.definition.metric

    @property
    def tolerance(self) -> float:
        """By how much a re-run may differ and still count as the same."""
        return self.definition.tolerance

    def examples(self, split: str, cluster: Cluster | None = None) -> Any:
        """Give what a split holds to learn from, read under your grant; kept in memory for the next call.

        For detection and nodules that is `Examples` (patches), for segmentation `Sections`.

        Parameters
        ----------
        split : str
            ``train`` or ``validation``.
        cluster : Cluster, optional
            Prepares scan by scan on its workers; this kernel when left out.

        Raises
        ------
        InvalidInput
            For the hidden splits and unknown ones.
        """
        if split not in self._examples:
            self._examples[split] = self._prepare(split, cluster)
        return self._examples[split]

    def data_version(self, split: str) -> str:
        """Name the version of the dataset that a split is read from, such as ``chest-ct@0123456789abcdef``."""
        place = self.definition.place(split)
        return f"{place.dataset}@{str(dataset(place.dataset).version)[:VERSION_DIGITS]}"

    def _prepare(self, split: str, cluster: Cluster | None) -> Any:
        place = self.definition.place(split)
        if (self.definition.kind, self.definition.truth.item) not in WITH_PATCHES:
            raise InvalidInput(
                f"{self.id} has no patches to learn from: its items are not nodules with two answers. Read "
                f"wb.dataset('{place.dataset}') and send a predictions file or a folder with `workbench submit`."
            )
        source = dataset(place.dataset)
        names = scan_names(source, place.split)
        if not names:
            raise InvalidInput(f"“{place.dataset}” has no scans in its split “{place.split}”; fill it first.")
        work = scan_work(self.definition, source, names, with_nodules=split == TRAIN)
        parts = map_scans(prepare_scan, work, cluster)
        scans = tuple(part.scan for part in parts for _ in range(len(part.patches)))
        centres_mm = np.concatenate([part.centres_mm for part in parts])
        scores = np.concatenate([part.scores for part in parts])
        if self.definition.kind == "detection3d":
            labels = hits(scans, centres_mm, truth_of(self.definition, source, names))
        else:
            labels, scores = labels_of(self.definition, source, [item.scan for item in work])
        patches = np.concatenate([part.patches for part in parts])
        return Examples(self.id, split, patches, labels, scans, centres_mm, scores)

    def score(self, model: Model, split: str = "validation", bootstrap: int = 1000, seed: int = 0) -> Score:
        """Score a model on a split that you may read.

        Parameters
        ----------
        model : Model
            Anything with `predict(patches)`.
        split : str
            ``validation``; what a model was trained on says nothing about it.
        bootstrap : int
            Resamples for the interval (detection), 0 for none.
        seed : int
            Seed of the resamples.

        Raises
        ------
        InvalidInput
            When the model's answer is not one probability per patch, or the split is the training split.
        """
        examples = self._to_score(split)
        return self._measure(examples, model.predict(examples.patches), bootstrap, seed)

    def baseline(self, split: str = "validation", bootstrap: int = 1000, seed: int = 0) -> Score:
        """Score what needs no training: for detection the detector's own score, else the diameter alone."""
        examples = self._to_score(split)
        return self._measure(examples, examples.scores / max(float(examples.scores.max()), 1.0), bootstrap, seed)

    def marks(self, score: Score, columns: int = 6) -> Picture:
        """Show the strongest true and false marks of a score, as `task.score` gave it."""
        from workbench.benchmark.pictures import marks_picture  # noqa: PLC0415 - matplotlib, loaded on first use

        return marks_picture(self.examples(score.split), score, columns=columns)

    def _to_score(self, split: str) -> Examples:
        if split == TRAIN:
            raise InvalidInput("A score on the training split says nothing; score on split “validation”.")
        found: Examples = self.examples(split)
        return found

    def _measure(self, examples: Examples, answer: object, bootstrap: int, seed: int) -> Score:
        probability = checked_probabilities(answer, len(examples))
        centres, scans = examples.centres_mm, examples.scans
        if self.definition.kind == "detection3d":
            place = self.definition.place(examples.split)
            source = dataset(place.dataset)
            truth = truth_of(self.definition, source, scan_names(source, place.split))
            measured = measure_detection(
                self.definition, scans, centres, probability, truth, bootstrap=bootstrap, seed=seed
            )
            kinds = sort_marks(scans, centres, probability, truth)
        else:
            measured = measure_binary(examples.labels, probability)
            kinds = ["positive" if label else "negative" for label in examples.labels]
        marks = pd.DataFrame(
            {"scan": scans, "x_mm": centres[:, 0], "y_mm": centres[:, 1], "z_mm": centres[:, 2],
             "probability": probability, "kind": kinds}
        )  # fmt: skip
        return Score(self.id, examples.split, measured, marks)

    def submit(self, model: Model, note: str = "") -> Entry:
        """Submit a model to the hidden test and wait for its aggregate score.

        Parameters
        ----------
        model : Model
            Anything with `to_onnx()`.
        note : str
            Shown on the leaderboard, at most 120 characters.

        Raises
        ------
        SubmissionRefused
            When the submission ended without a score; `code` says why.
        """
        line = connect_from_environment()
        handle = display_handle()

        def watch(entry: Entry) -> None:
            if handle is not None:
                handle.show(small(f"Submission {escape(entry.submission)}: {escape(entry.message)}"), entry.message)

        entry = wait_for(line, send(line, self.id, model.to_onnx(), note=note), watch)
        if entry.state == FAILED:
            raise SubmissionRefused(entry.message, code=entry.code)
        return entry

    def leaderboard(self) -> Leaderboard:
        """Give the task's leaderboard."""
        return read_leaderboard(connect_from_environment(), self.id)

    def __repr__(self) -> str:
        """Say what it is in one line."""
        return f"<Task {self.id}: {self.question} ({definition(self.metric).name})>"

    def _repr_html_(self) -> str:
        rows = [
            (escape(name.replace("_", " ")), escape(f"{split.dataset}, {split.split}"),
             "you, under your grant" if name in ("train", "validation") else "the evaluator alone")
            for name, split in self.definition.splits.items()
        ]  # fmt: skip
        band = f"{badge('synthetic', colour='#e65100')} {SYNTHETIC}<br>" if self.definition.synthetic else ""
        meaning = definition(self.metric)
        said = "<br>".join(escape(sentence) for sentence in sentences(self.definition))
        text = small(f"{band}{said}<br>{escape(meaning.metric)}: {escape(meaning.text)}")
        title = f"{escape(self.definition.title)}: {escape(self.question)}"
        return frame(table(["Split", "Data", "Read by"], rows) + text, title=title)


class TaskTable(Sequence[Task]):
    """The tasks of this release and of this home."""

    def __init__(self, found: Sequence[Task]) -> None:
        self._found = tuple(found)

    def __getitem__(self, index: Any) -> Any:
        """Give a task by its place."""
        return self._found[index]

    def __len__(self) -> int:
        """Count the tasks."""
        return len(self._found)

    def __iter__(self) -> Iterator[Task]:
        """Go through the tasks."""
        return iter(self._found)

    def __repr__(self) -> str:
        """Give one line a task."""
        return "\n".join(f"{task.id:<24} {task.question}" for task in self._found)

    def _repr_html_(self) -> str:
        rows = [
            (
                f"<code>{escape(task.id)}</code>",
                escape(task.question),
                definition(task.metric).name,
                badge("synthetic", colour="#e65100") if task.definition.synthetic else "",
            )
            for task in self._found
        ]
        return table(["Task", "Question", "Metric", ""], rows) + small("Open one with <code>wb.task(name)</code>.")


def tasks() -> TaskTable:
    """Give the benchmark tasks."""
    return TaskTable([_open(found) for found in tasks_here()])


def task(name: str) -> Task:
    """Give one benchmark task by its id.

    Raises
    ------
    NotFound
        When there is none of this name.
    """
    return _open(task_here(name))


def _open(found: TaskDefinition) -> Task:
    """Give the task as its kind is handled."""
    if found.kind != "segmentation3d":
        return Task(found)
    from workbench.benchmark.segmentation_task import SegmentationTask  # noqa: PLC0415 - it builds on this module

    return SegmentationTask(found)


def map_scans(function: Callable[[Work], Part], work: Sequence[Work], cluster: Cluster | None) -> list[Part]:
    """Prepare scans one by one, on a cluster's workers or here, with a progress bar."""
    if cluster is not None:
        return cluster.map(function, work, label="scans prepared")
    parts = []
    with Progress("scans prepared", len(work)) as bar:
        for item in work:
            parts.append(function(item))
            bar.step()
    return parts
