"""The loop that every rank runs: batch, forward, backward, step; the same alone, on CPUs and on GPUs.

Runs in: kernel
Source: Li et al., PyTorch Distributed, VLDB 13 (2020) 3005, for how gradients are averaged in buckets.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from workbench.compute.fitting import THREADS, Batch
from workbench.compute.ranks.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from workbench.compute.ranks.meeting import Place
from workbench.compute.ranks.plan import Feed, Plan
from workbench.errors import RunFailed

TELL_EVERY_S = 0.5


class Told(NamedTuple):
    """One word of progress: `step`, `epoch` or `checkpoint`, its number from 1, a loss, and samples per second."""

    kind: str
    number: int
    loss: float = 0.0
    samples_per_s: float = 0.0


@dataclass(frozen=True)
class Work:
    """What a rank needs besides its place: the plan, where to start, where batches come from, where to keep.

    Parameters
    ----------
    plan : Plan
    network : torch.nn.Module
        Where a new run starts.
    feed : Feed
        Where batches come from.
    checkpoint : str
        Path of the checkpoint; empty for none.
    every : int
        After how many steps a checkpoint is written.
    """

    plan: Plan
    network: torch.nn.Module
    feed: Feed
    checkpoint: str
    every: int


def run_steps(
    work: Work, place: Place, tell: Callable[[Told], None], check: Callable[[], None] = lambda: None
) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Learn from where the checkpoint stands to the end; give the weights and the mean loss of each epoch.

    Parameters
    ----------
    work : Work
        What to learn.
    place : Place
        Which rank this is.
    tell : callable
        Takes each `Told`; of the first rank only.
    check : callable
        Called before each step; raises when the rank should stop.

    Raises
    ------
    RunFailed
        When the loss is not finite, or the driver is gone.
    """
    path = Path(work.checkpoint) if work.checkpoint else None
    start = read_checkpoint(path, work.plan) if path is not None and path.exists() else None
    if start is not None and start.step >= work.plan.steps:
        return start.model, start.losses
    first = start.step if start is not None else 0
    batches = work.feed.batches(work.plan.seed, place.rank, first, work.plan.steps)
    with _settings(work.plan, place):
        try:
            learner = _Learner(work, place, tell)
            learner.begin(next(batches_ahead := _first_twice(batches)), start)
            for step, batch in enumerate(batches_ahead, start=first):
                check()
                place.check_driver()
                learner.step(batch)
                learner.keep(step + 1, path)
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()
        return learner.weights(), learner.losses


def _first_twice(batches: Iterator[Batch]) -> Iterator[Batch]:
    first = next(batches)
    yield first
    yield first
    yield from batches


@contextmanager
def _settings(plan: Plan, place: Place) -> Iterator[None]:
    """Set what bits depend on, for a block: threads, deterministic kernels, and a generator of this run's own."""
    threads, was_deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    was_filled = torch.utils.deterministic.fill_uninitialized_memory
    if place.device.type == "cuda":
        # cuBLAS gives the same bits twice only with a workspace of a fixed size.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory before it is written; filling every fresh tensor costs time at each step.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng(devices=[place.device] if place.device.type == "cuda" else []):
            torch.manual_seed(int(np.random.SeedSequence([plan.seed, place.rank]).generate_state(1)[0]))
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(was_deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = was_filled


class _Learner:
    """Network, optimiser and schedule of one rank."""

    def __init__(self, work: Work, place: Place, tell: Callable[[Told], None]) -> None:
        plan = work.plan
        self._work, self._place, self._tell = work, place, tell
        self.losses: list[float] = []
        self._inner = work.network.to(place.device).train()
        self._network: torch.nn.Module = self._inner
        if place.is_joined:
            devices = [place.device] if place.device.type == "cuda" else None
            self._network = DistributedDataParallel(self._inner, device_ids=devices)
        self._optimiser = torch.optim.AdamW(self._inner.parameters(), lr=plan.learning_rate, weight_decay=1e-2)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, max_lr=plan.learning_rate, total_steps=plan.steps
        )
        self._loss_of = torch.nn.BCEWithLogitsLoss()
        self._total = torch.zeros((), dtype=torch.float64, device=place.device)
        self._epoch_samples, self._epoch_began, self._told = 0, time.monotonic(), 0.0

    def begin(self, batch: Batch, start: Checkpoint | None) -> None:
        """Stand where the checkpoint stood, or at the start.

        DDP sorts its buckets anew after the first backward pass, and sums over more than two ranks are ordered by
        place in a bucket: one pass that changes nothing gives a resumed run the buckets that the first run had.
        """
        before = {name: tensor.clone() for name, tensor in self._inner.state_dict().items()}
        random = _random_state(self._place.device)
        if self._place.is_joined:
            self._loss(batch).backward()
            self._optimiser.zero_grad()
        self._inner.load_state_dict(before if start is None else start.model)
        if start is not None:
            self._optimiser.load_state_dict(start.optimiser)
            self._schedule.load_state_dict(start.schedule)
            self._total.fill_(start.totals[self._place.rank])
            self.losses = list(start.losses)
            random = start.random[self._place.rank]
        _set_random_state(random, self._place.device)

    def step(self, batch: Batch) -> None:
        """Learn from one batch."""
        loss = self._loss(batch)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        self._schedule.step()
        self._total += loss.detach()
        self._epoch_samples += len(batch[0])

    def keep(self, done: int, path: Path | None) -> None:
        """End the epoch, write the checkpoint and tell, each where it is due."""
        plan = self._work.plan
        if done % plan.batches == 0:
            self._end_epoch()
        elif self._place.rank == 0 and time.monotonic() - self._told > TELL_EVERY_S:
            self._told = time.monotonic()
            self._say("step", done, float(self._total) / (done % plan.batches))
        if path is not None and (done % self._work.every == 0 or done == plan.steps):
            self._write(done, path)

    def weights(self) -> dict[str, torch.Tensor]:
        """Give the weights, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self._inner.state_dict().items()}

    def _loss(self, batch: Batch) -> torch.Tensor:
        inputs, wanted = (part.to(self._place.device, non_blocking=True) for part in batch)
        mixed = self._work.plan.precision == "bf16"
        with torch.autocast(self._place.device.type, dtype=torch.bfloat16, enabled=mixed):
            answer = self._network(inputs)
        loss: torch.Tensor = self._loss_of(answer.float(), wanted)
        return loss

    def _end_epoch(self) -> None:
        plan = self._work.plan
        totals = self._place.gather(self._total.reshape(1))
        self.losses.append(float(torch.cat(totals).sum()) / (plan.batches * plan.ranks))
        epoch = len(self.losses)
        if not math.isfinite(self.losses[-1]):
            raise RunFailed(f"The loss is {self.losses[-1]} in epoch {epoch}; lower the learning rate and train again.")
        if self._place.rank == 0:
            self._say("epoch", epoch, self.losses[-1])
        self._total.zero_()
        self._epoch_samples, self._epoch_began = 0, time.monotonic()

    def _say(self, kind: str, number: int, loss: float) -> None:
        seconds = max(time.monotonic() - self._epoch_began, 1e-9)
        self._tell(Told(kind, number, loss, self._epoch_samples * self._place.ranks / seconds))

    def _write(self, done: int, path: Path) -> None:
        random = _random_state(self._place.device)
        gathered = {name: self._place.gather(state) for name, state in random.items()}
        totals = [float(one) for one in self._place.gather(self._total.reshape(1))]
        if self._place.rank != 0:
            return
        states = [{name: rows[rank] for name, rows in gathered.items()} for rank in range(self._place.ranks)]
        write_checkpoint(path, Checkpoint(
            self._work.plan, done, self.weights(), _on_cpu(self._optimiser.state_dict()), self._schedule.state_dict(),
            states, totals, self.losses,
        ))  # fmt: skip
        self._tell(Told("checkpoint", done))


def _random_state(device: torch.device) -> dict[str, torch.Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _set_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def _on_cpu(value: Any) -> Any:
    """Give a nested state with every tensor on the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {key: _on_cpu(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_on_cpu(inner) for inner in value]
    return value
