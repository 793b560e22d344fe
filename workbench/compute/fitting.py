"""The inner loop of training, the same in a kernel and on a worker.

Runs in: kernel
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.compute.memory import kept_memory
from workbench.compute.network import PatchNet
from workbench.compute.section_network import SectionNet
from workbench.errors import RunFailed

BATCH = 32
# A fixed number, not the machine's: sums over threads are ordered by it, so it is part of the result. One, since
# these layers are small: on two shared cores two threads that wait for each other took four times as long.
THREADS = 1
MAX_SHIFT = 1
POSITIVES = BATCH // 4
NEGATIVES = BATCH - POSITIVES
SECTIONS = 8  # a section is as much work as a few patches
SECTION_SHIFT = 4
Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """The numbers of a run."""

    seed: int
    epochs: int
    batches: int
    learning_rate: float


def initial_network(seed: int, form: str = "patches") -> torch.nn.Module:
    """Give the default network for patches or sections, weights drawn from the seed, torch's generator left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if form == "sections":
            return SectionNet().to(memory_format=torch.channels_last)
        # Channels last is how the CPU's convolutions want their weights: a step takes two thirds of the time.
        return PatchNet().to(memory_format=torch.channels_last_3d)


def fit(
    network: torch.nn.Module, inputs: NDArray[Any], labels: NDArray[Any], recipe: Recipe,
    report: Callable[[int, float], None],
) -> tuple[dict[str, torch.Tensor], list[float]]:  # fmt: skip
    """Fit a network and give its weights and the mean loss of each epoch.

    Parameters
    ----------
    network : torch.nn.Module
        Where to start.
    inputs : ndarray, float32, shape (n, 1, z, y, x) of patches or (n, 1, y, x) of sections
        Values 0..1.
    labels : ndarray, shape (n,), or (n, y, x) of sections
        0 or 1; of patches both are present.
    recipe : Recipe
        Seed and sizes.
    report : callable
        Called with (epoch, loss) after each epoch.

    Raises
    ------
    RunFailed
        When the loss is not finite.
    """
    threads = torch.get_num_threads()
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            return _fit(network.train(), batches_of(inputs, labels), recipe, report)
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(was_deterministic)


def batches_of(inputs: NDArray[Any], labels: NDArray[Any]) -> Callable[[np.random.Generator], Batch]:
    """Give what draws a batch from examples of either form."""
    if labels.ndim == 1:
        classes = (np.flatnonzero(labels == 0), np.flatnonzero(labels == 1))
        return lambda draw: _patch_batch(inputs, classes, draw)
    return lambda draw: _section_batch(inputs, labels, draw)


def _fit(
    network: torch.nn.Module, batch_of: Callable[[np.random.Generator], Batch], recipe: Recipe,
    report: Callable[[int, float], None],
) -> tuple[dict[str, torch.Tensor], list[float]]:  # fmt: skip
    draw = np.random.default_rng(recipe.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=recipe.learning_rate, total_steps=recipe.epochs * recipe.batches
    )
    loss_of = torch.nn.BCEWithLogitsLoss()
    losses = []
    with ThreadPoolExecutor(1) as ahead:
        # The next batch is turned and cut while this one is learnt from; one thread draws, so the order is fixed.
        coming = ahead.submit(batch_of, draw)
        for epoch in range(1, recipe.epochs + 1):
            total = 0.0
            for _ in range(recipe.batches):
                batch, wanted = coming.result()
                coming = ahead.submit(batch_of, draw)
                loss = loss_of(network(batch), wanted)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                total += loss.item()
            losses.append(total / recipe.batches)
            if not math.isfinite(losses[-1]):
                raise RunFailed(f"The loss is {losses[-1]} in epoch {epoch}; lower the learning rate and train again.")
            report(epoch, losses[-1])
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}, losses


def _patch_batch(patches: NDArray[Any], classes: tuple[NDArray[np.intp], ...], draw: np.random.Generator) -> Batch:
    """Draw a batch: a quarter positive, since candidates are about 10 to 1 and the costly marks are vessels."""
    drawn = [draw.choice(indices, size) for indices, size in zip(classes, (NEGATIVES, POSITIVES), strict=True)]
    batch = np.stack([augment(patches[i, 0], draw) for i in np.concatenate(drawn)])[:, None]
    wanted = np.repeat(np.array([0, 1], dtype=np.float32), (NEGATIVES, POSITIVES))
    return torch.from_numpy(batch), torch.from_numpy(wanted)


def _section_batch(sections: NDArray[Any], masks: NDArray[Any], draw: np.random.Generator) -> Batch:
    """Draw sections with their masks, each mirrored left to right or not, and shifted, alike."""
    images: list[NDArray[np.float32]] = []
    wanted: list[NDArray[np.float32]] = []
    for place in draw.integers(0, len(sections), SECTIONS):
        down, right = (int(step) for step in draw.integers(-SECTION_SHIFT, SECTION_SHIFT + 1, 2))
        step = -1 if draw.integers(2) else 1
        for into, image in ((images, sections[place, 0]), (wanted, masks[place])):
            into.append(np.roll(image, (down, right), axis=(0, 1))[:, ::step].astype(np.float32))
    return torch.from_numpy(np.stack(images)[:, None]), torch.from_numpy(np.stack(wanted))


def augment(patch: NDArray[Any], draw: np.random.Generator) -> NDArray[np.float32]:
    """Give a patch turned, flipped and shifted at random.

    Parameters
    ----------
    patch : ndarray, float32, shape (z, y, x)
        A cube of values 0..1.
    draw : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    ndarray, float32, shape (z, y, x)
        Turned by a multiple of 90° about z, mirrored along any axes, shifted by up to 2 voxels.
    """
    turned = np.rot90(patch, int(draw.integers(4)), axes=(1, 2))
    axes = []
    for size, flip, shift in zip(
        patch.shape, draw.integers(0, 2, 3), draw.integers(-MAX_SHIFT, MAX_SHIFT + 1, 3), strict=True
    ):
        # What a shift brings in from outside repeats the border.
        index = np.clip(np.arange(size) + shift, 0, size - 1)
        axes.append(index[::-1] if flip else index)
    return np.ascontiguousarray(turned[np.ix_(*axes)], dtype=np.float32)


def fit_and_log(
    network: torch.nn.Module, inputs: NDArray[Any], labels: NDArray[Any], recipe: Recipe, topic: str
) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Fit on a Dask worker, sending each epoch's loss to everyone who subscribed to the topic."""
    from distributed import get_worker  # noqa: PLC0415 - heavy, and only a worker needs it

    worker = get_worker()
    with kept_memory():
        return fit(network, inputs, labels, recipe, lambda epoch, loss: worker.log_event(topic, (epoch, loss)))
