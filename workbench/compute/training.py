"""Train a patch classifier for a task, on the cluster, seeded, with a live curve.

Runs in: kernel
"""

from __future__ import annotations

import queue
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.compute.curve import curve_html
from workbench.compute.progress import display_handle
from workbench.errors import InvalidInput, MissingDependency, RunFailed

if TYPE_CHECKING:
    import torch

    from workbench.compute.cluster import Cluster
    from workbench.compute.fitting import Recipe
    from workbench.compute.loading.patch_loader import PatchLoader
    from workbench.compute.model import TrainedModel
    from workbench.compute.ranks.request import Request


class Labelled(Protocol):
    """What a task gives to learn from."""

    @property
    def form(self) -> str:
        """Tell what the inputs are: `patches` or `sections`."""

    @property
    def inputs(self) -> NDArray[Any]:
        """Give float32 values 0..1: patches (n, 1, 32, 32, 32) or sections (n, 1, 128, 128)."""

    @property
    def labels(self) -> NDArray[Any]:
        """Give what is true: of patches 0 or 1, shape (n,); of sections each pixel's share, 0..1, (n, 128, 128)."""


class TrainableTask(Protocol):
    """What `train` needs of a task."""

    @property
    def id(self) -> str:
        """The task's id."""

    def examples(self, split: str, cluster: Cluster | None = None) -> Labelled:
        """Give the labelled examples of a split."""


def train(
    task: TrainableTask | PatchLoader, *, network: torch.nn.Module | None = None, cluster: Cluster | None = None,
    seed: int = 0, epochs: int = 8, batches: int = 40, learning_rate: float = 4e-3,
    ranks: int | None = None, precision: str = "fp32", checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None, resume: bool = True,
) -> TrainedModel:  # fmt: skip
    """Train a network on the task's training split, or on what a loader draws from scans.

    Without ranks, the result never depends on how many workers there are: the optimiser runs in one place, on one
    thread. With ranks it depends on their number, and on nothing else.

    Parameters
    ----------
    task : Task or PatchLoader
        From `wb.task(...)`; its ``train`` split is read under your grant. Or a loader of random patches.
    network : torch.nn.Module, optional
        For patches from float32 (n, 1, 32, 32, 32) in 0..1 to n logits, a small 3D network when left out; for sections
        from (n, 1, 128, 128) to one logit a pixel, (n, 128, 128), a small U-Net when left out.
    cluster : Cluster, optional
        Where to prepare and train; this kernel when left out.
    seed, epochs : int
        Seed of initialisation, order and augmentation, at least 0; epochs, 1–1000.
    batches : int
        Batches per epoch, 1–10000: of 32 patches, a quarter of them positive, or of 8 sections; with ranks, of each.
    learning_rate : float
        Peak rate of a one-cycle schedule, above 0, at most 1.
    ranks : int, optional
        How many workers of the cluster learn together, 1–64, each on batches of its own.
    precision : str, default "fp32"
        ``bf16`` computes layers in bfloat16 and keeps weights in float32.
    checkpoint, checkpoint_every : path and int, optional
        A file that a stopped run goes on from, to the same weights bit by bit; written after so many steps, each epoch
        when left out.
    resume : bool, default True
        Whether to go on from a checkpoint that is there; else it is replaced.

    Raises
    ------
    InvalidInput
        When a number is out of range or the split has no example of one of the classes.
    RunFailed
        When the loss stops being finite or a worker dies; with ranks, when they are lost again and again.
    Conflict, IntegrityError
        When the checkpoint is of another run, or damaged.
    """
    _check(seed=seed, epochs=epochs, batches=batches, learning_rate=learning_rate)
    try:
        from workbench.compute.fitting import Recipe  # noqa: PLC0415 - torch, on first use
        from workbench.compute.ranks.request import Request  # noqa: PLC0415 - torch, on first use
    except ImportError as problem:
        raise MissingDependency(f"Training needs torch ({problem}): `pip install ai4h-workbench[train]`.") from None
    recipe = Recipe(seed=seed, epochs=epochs, batches=batches, learning_rate=learning_rate)
    return _learn(task, network, cluster, recipe, Request(ranks, precision, checkpoint, checkpoint_every, resume))


def _learn(
    task: TrainableTask | PatchLoader, network: torch.nn.Module | None, cluster: Cluster | None, recipe: Recipe,
    asked: Request,
) -> TrainedModel:  # fmt: skip
    from workbench.compute.fitting import fit, initial_network  # noqa: PLC0415 - torch, on first use
    from workbench.compute.loading.patch_loader import PatchLoader  # noqa: PLC0415 - with it
    from workbench.compute.model import Step, TrainedModel  # noqa: PLC0415 - torch, on first use

    if isinstance(task, PatchLoader):
        return asked.learn_from_loader(task, network, cluster, recipe)
    examples = task.examples("train", cluster=cluster)
    labels = np.asarray(examples.labels)
    positives = _positives(task.id, labels)
    start = network if network is not None else initial_network(recipe.seed, examples.form)
    if not asked.is_plain:
        learnt = asked.learn_from_examples(task, start, (examples.inputs, labels), cluster, recipe)
    else:
        live = _Curve(task.id, recipe.epochs)
        if cluster is None:
            learnt = fit(start, examples.inputs, labels, recipe, live.report)
        else:
            learnt = _on_cluster(cluster, (start, examples.inputs, labels, recipe), live.report)
        live.finish()
    start.load_state_dict(learnt[0])
    history = tuple(Step(epoch, loss) for epoch, loss in enumerate(learnt[1], start=1))
    return TrainedModel(
        task.id, start.eval(), recipe.seed, history, examples=len(labels), positives=positives, form=examples.form,
        data=data_of(task),
    )  # fmt: skip


def data_of(task: object, split: str = "train") -> str:
    """Name the version of the data that a task gives to learn from, or nothing where the task does not know it."""
    told = getattr(task, "data_version", None)
    return str(told(split)) if callable(told) else ""


def _positives(task: str, labels: NDArray[Any]) -> int:
    """Count the positive patches, or the sections with a marked pixel; both kinds are needed to learn from."""
    positives = int((labels.reshape(len(labels), -1).max(axis=1, initial=0) > 0.5).sum())
    if positives == 0 or positives == len(labels):
        raise InvalidInput(
            f"The training split of {task} has {positives} positive examples of {len(labels)}; both classes are needed."
        )
    return positives


def _check(**values: float) -> None:
    ranges = {"seed": (0, 2**32 - 1), "epochs": (1, 1000), "batches": (1, 10_000), "learning_rate": (1e-9, 1.0)}
    for name, value in values.items():
        low, high = ranges[name]
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole or name == "learning_rate") or not low <= value <= high:
            raise InvalidInput(f"{name} must be from {low:g} to {high:g}; got {value!r}.")


def _on_cluster(cluster: Cluster, work: tuple[Any, ...], report: Callable[[int, float], None]) -> Any:
    """Run the fit as one task pinned to one worker and pass its reports on as they come."""
    from workbench.compute.fitting import fit_and_log  # noqa: PLC0415 - torch, on first use

    topic = f"workbench-training-{uuid.uuid4().hex}"
    reports: queue.Queue[tuple[int, float]] = queue.Queue()
    # The handler runs in the client's own thread, where a notebook's output has no cell: hand over to this one.
    cluster.client.subscribe_topic(topic, lambda event: reports.put(event[1]))
    worker = sorted(cluster.client.scheduler_info()["workers"])[0]
    data = cluster.client.scatter(work, workers=[worker], direct=True, hash=False)
    future = cluster.client.submit(
        fit_and_log, *data, topic, workers=[worker], allow_other_workers=False, retries=0, pure=False
    )
    try:
        while not future.done():
            _drain(reports, report, wait_s=0.1)
        _drain(reports, report, wait_s=0.0)
        if future.status != "finished":
            problem = future.exception()
            raise RunFailed(f"Training stopped on its worker ({type(problem).__name__}: {problem}).") from problem
        return future.result()
    finally:
        future.cancel()
        cluster.client.unsubscribe_topic(topic)


def _drain(reports: queue.Queue[tuple[int, float]], report: Callable[[int, float], None], *, wait_s: float) -> None:
    try:
        while True:
            report(*reports.get(timeout=wait_s) if wait_s else reports.get_nowait())
    except queue.Empty:
        return


class _Curve:
    """The live curve of one run in the cell's output."""

    def __init__(self, task: str, epochs: int) -> None:
        self._task, self._epochs = task, epochs
        self._losses: list[float] = []
        self._handle = display_handle()
        self.finish()

    def report(self, epoch: int, loss: float) -> None:
        """Add an epoch and show the curve again."""
        self._losses.append(loss)
        self.finish()

    def finish(self) -> None:
        """Show the curve as it stands."""
        if self._handle is not None:
            html = curve_html(f"<b>Training for {self._task}</b>", self._losses, self._epochs)
            self._handle.show(html, f"{len(self._losses)} of {self._epochs} epochs")
