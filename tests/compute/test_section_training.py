"""A network for sections learns, is bit-identical under its seed, and travels as ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from workbench.compute.cluster import Cluster
from workbench.compute.model import TrainedModel
from workbench.compute.training import train
from workbench.errors import InvalidInput

SHORT: dict[str, Any] = {"seed": 3, "epochs": 2, "batches": 10}


@dataclass(frozen=True)
class _Examples:
    inputs: NDArray[np.float32]
    labels: NDArray[np.float32]
    form: str = "sections"


class _DarkDiscs:
    """A task that can be learnt: what is dark is the structure."""

    id = "dark-discs"

    def examples(self, split: str, cluster: Cluster | None = None) -> _Examples:
        draw = np.random.default_rng(0)
        y, x = np.mgrid[:128, :128]
        labels = np.stack([((y - a) ** 2 + (x - b) ** 2 < 400) for a, b in draw.integers(40, 88, (12, 2))])
        labels[:2] = False
        images = 0.8 - 0.6 * labels + draw.normal(0, 0.03, labels.shape)
        return _Examples(images[:, None].astype(np.float32), labels.astype(np.float32))


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return train(_DarkDiscs(), **SHORT)


def test_it_marks_what_it_learnt_to_mark(model: TrainedModel) -> None:
    examples = _DarkDiscs().examples("train")
    said = model.predict(examples.inputs) > 0.5
    both = (said & (examples.labels > 0.5)).sum()
    assert said.shape == (12, 128, 128) and 2 * both / (said.sum() + examples.labels.sum()) > 0.9


def test_the_same_seed_gives_the_same_weights(model: TrainedModel) -> None:
    assert train(_DarkDiscs(), **SHORT).fingerprint == model.fingerprint


def test_onnx_gives_the_same_probabilities(model: TrainedModel) -> None:
    inputs = _DarkDiscs().examples("train").inputs[:3]
    session = onnxruntime.InferenceSession(model.to_onnx(), providers=["CPUExecutionProvider"])
    (given,) = session.run(["probability"], {"sections": inputs})
    np.testing.assert_allclose(given, model.predict(inputs), atol=1e-5)


def test_it_says_what_it_learnt_from(model: TrainedModel) -> None:
    # Twelve sections, of which the first two show nothing.
    assert (model.examples, model.positives) == (12, 10) and "12 sections" in repr(model)


@pytest.mark.parametrize("shape", [(2, 1, 32, 32, 32), (2, 1, 64, 64), (2, 128, 128)])
def test_inputs_of_another_shape_are_refused(model: TrainedModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"Sections must have the shape \(n, 1, 128, 128\)"):
        model.predict(np.zeros(shape))
