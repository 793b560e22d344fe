"""What was asked of `wb.train` beyond its plain form, checked, and carried out.

Runs in: kernel
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from numpy.typing import NDArray

from workbench.compute.fitting import Recipe, initial_network
from workbench.compute.live_curve import LiveCurve
from workbench.compute.model import Step, TrainedModel
from workbench.compute.ranks.examples_feed import ExamplesFeed
from workbench.compute.ranks.generations import Learnt
from workbench.compute.ranks.loop import Work
from workbench.compute.ranks.plan import Feed, Plan, checked_precision, checked_ranks
from workbench.compute.ranks.run import fingerprint_of, run_plan
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    from workbench.compute.cluster import Cluster
    from workbench.compute.loading.patch_loader import PatchLoader

MAX_EVERY = 1_000_000
DEFAULT_SIZE = 32


class Named(Protocol):
    """What has an id, such as a task."""

    @property
    def id(self) -> str:
        """The id."""


@dataclass(frozen=True)
class Request:
    """Ranks, precision and checkpoint, as `wb.train` takes them."""

    ranks: int | None
    precision: str
    checkpoint: str | Path | None
    every: int | None
    resume: bool

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        checked_precision(self.precision)
        if self.ranks is not None:
            checked_ranks(self.ranks)
        if self.every is not None and (
            isinstance(self.every, bool) or not isinstance(self.every, int) or not 1 <= self.every <= MAX_EVERY
        ):
            raise InvalidInput(f"checkpoint_every must be from 1 to {MAX_EVERY} steps; got {self.every!r}.")

    @property
    def is_plain(self) -> bool:
        """Whether nothing beyond the plain form was asked for."""
        return self.ranks is None and self.precision == "fp32" and self.checkpoint is None

    def learn_from_examples(
        self, task: Named, network: torch.nn.Module, examples: tuple[NDArray[Any], NDArray[Any]],
        cluster: Cluster | None, recipe: Recipe,
    ) -> Learnt:  # fmt: skip
        """Learn from labelled examples of a task, which names the version of its data where it knows it."""
        told = getattr(task, "data_version", None)
        feed = ExamplesFeed(*examples, version=str(told("train")) if callable(told) else "")
        return self._learn(task.id, network, feed, cluster, recipe)

    def learn_from_loader(
        self, loader: PatchLoader, network: torch.nn.Module | None, cluster: Cluster | None, recipe: Recipe
    ) -> TrainedModel:
        """Learn from what a loader draws.

        Raises
        ------
        InvalidInput
            When no network is given for patches that the default one does not take.
        """
        if network is None and (loader.size, loader.target) != (DEFAULT_SIZE, "patch"):
            raise InvalidInput(
                f"The default network takes patches of {DEFAULT_SIZE} voxels an edge with one label each; pass "
                f"network=… for patches of {loader.size} with the target “{loader.target}”."
            )
        start = network if network is not None else initial_network(recipe.seed)
        state, losses = self._learn(loader.id, start, loader, cluster, recipe)
        start.load_state_dict(state)
        drawn = recipe.epochs * recipe.batches * (self.ranks or 1)
        history = tuple(Step(epoch, loss) for epoch, loss in enumerate(losses, start=1))
        return TrainedModel(
            loader.id, start.eval(), recipe.seed, history,
            examples=drawn * loader.batch, positives=drawn * loader.positives_per_batch,
            data=f"{loader.id}@{loader.fingerprint[:16]}", spacing_mm=loader.spacing_mm, edge=loader.size,
        )  # fmt: skip

    def _learn(
        self, task: str, network: torch.nn.Module, feed: Feed, cluster: Cluster | None, recipe: Recipe
    ) -> Learnt:
        plan = Plan(
            task, recipe.seed, recipe.epochs, recipe.batches, recipe.learning_rate, self.precision, self.ranks or 1,
            feed.fingerprint, fingerprint_of(network),
        )  # fmt: skip
        place = "" if self.checkpoint is None else str(self.checkpoint)
        live = LiveCurve(task, recipe.epochs, recipe.batches)
        work = Work(plan, network, feed, place, self.every or recipe.batches)
        state, losses = run_plan(cluster, work, live, resume=self.resume)
        live.finish(losses)
        return state, losses
