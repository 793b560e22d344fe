"""Training learns, is bit-identical under its seed whatever the cluster, and travels as ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from workbench.compute.cluster import Cluster, cluster
from workbench.compute.fitting import augment
from workbench.compute.training import train
from workbench.errors import InvalidInput, RunFailed


@dataclass(frozen=True)
class _Examples:
    inputs: NDArray[np.float32]
    labels: NDArray[Any]
    form: str = "patches"


class _BrightCubes:
    """A task that can be learnt: a bright cube in the middle is positive."""

    id = "bright-cubes"

    def __init__(self, positives: int = 12, negatives: int = 24) -> None:
        draw = np.random.default_rng(1)
        patches = draw.normal(0.2, 0.05, (positives + negatives, 1, 32, 32, 32)).astype(np.float32)
        patches[:positives, :, 12:20, 12:20, 12:20] += 0.5
        self._examples = _Examples(patches, np.repeat([1, 0], [positives, negatives]))

    def examples(self, split: str, cluster: Cluster | None = None) -> _Examples:
        return self._examples


SHORT: dict[str, Any] = {"epochs": 2, "batches": 4}


def test_it_learns_a_task_that_can_be_learnt() -> None:
    task = _BrightCubes()
    model = train(task, seed=3, epochs=4, batches=8)
    scores = model.predict(task.examples("train").inputs)
    assert scores[:12].min() > scores[12:].max()


def test_the_same_seed_gives_the_same_weights_on_a_cluster_and_without() -> None:
    alone = train(_BrightCubes(), seed=7, **SHORT)
    with cluster(workers=2) as workers:
        together = train(_BrightCubes(), seed=7, cluster=workers, **SHORT)
    assert together.fingerprint == alone.fingerprint
    assert [step.loss for step in together.history] == [step.loss for step in alone.history]


def test_another_seed_gives_other_weights() -> None:
    assert train(_BrightCubes(), seed=1, **SHORT).fingerprint != train(_BrightCubes(), seed=2, **SHORT).fingerprint


def test_training_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(_BrightCubes(), seed=1, epochs=1, batches=1)
    assert torch.equal(torch.rand(1), expected)


def test_onnx_gives_the_same_probabilities() -> None:
    task = _BrightCubes()
    model = train(task, seed=3, **SHORT)
    session = onnxruntime.InferenceSession(model.to_onnx(), providers=["CPUExecutionProvider"])
    patches = task.examples("train").inputs[:5]
    (given,) = session.run(["probability"], {"patches": patches})
    np.testing.assert_allclose(given, model.predict(patches), atol=1e-5)


def test_a_network_of_ones_own_is_trained() -> None:
    own = torch.nn.Sequential(torch.nn.AvgPool3d(8), torch.nn.Flatten(), torch.nn.Linear(64, 1), torch.nn.Flatten(0))
    before = own[2].weight.detach().clone()
    model = train(_BrightCubes(), network=own, seed=1, **SHORT)
    assert not torch.equal(model.network[2].weight, before)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"seed": -1}, {"batches": 1.5}, {"learning_rate": 0.0}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        train(_BrightCubes(), **wrong)


def test_a_split_with_one_class_is_refused() -> None:
    with pytest.raises(InvalidInput, match="0 positive examples of 4"):
        train(_BrightCubes(positives=0, negatives=4))


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    task = _BrightCubes()
    task.examples("train").inputs[:] = np.nan
    with pytest.raises(RunFailed, match="loss is nan in epoch 1"):
        train(task, epochs=1, batches=1)


@pytest.mark.parametrize("shape", [(1, 32, 32, 32), (1, 1, 16, 16, 16)])
def test_patches_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    model = train(_BrightCubes(), epochs=1, batches=1)
    with pytest.raises(InvalidInput, match="must have the shape"):
        model.predict(np.zeros(shape, np.float32))


def test_augmentation_keeps_shape_and_values() -> None:
    patch = np.arange(32**3, dtype=np.float32).reshape(32, 32, 32)
    turned = augment(patch, np.random.default_rng(0))
    assert turned.shape == patch.shape
    assert np.isin(turned, patch).all()


def test_the_curve_stays_in_the_models_picture() -> None:
    html = train(_BrightCubes(), seed=1, **SHORT)._repr_html_()
    assert "<svg" in html
    assert "2 of 2" in html
