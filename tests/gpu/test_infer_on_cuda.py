"""An exported model gives on a GPU, in bfloat16, what it gives on the processor in float32."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from workbench.compute.engines import open_engine  # noqa: E402
from workbench.compute.fitting import initial_network  # noqa: E402
from workbench.compute.model import Step, TrainedModel  # noqa: E402
from workbench.compute.model_file import check_exported, with_facts  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use on this machine")


@pytest.mark.parametrize(("form", "shape"), [("patches", (70, 1, 32, 32, 32)), ("sections", (9, 1, 128, 128))])
def test_the_answers_of_the_gpu_are_those_of_the_processor(form: str, shape: tuple[int, ...]) -> None:
    network = initial_network(7, form).eval()
    trained = TrainedModel("a-task", network, 7, (Step(1, 0.5),), 4, 2, form)
    facts = {"task": "a-task", "data": "", "seed": "7", "fingerprint": trained.fingerprint}
    model = check_exported(with_facts(trained.to_onnx(), form, facts))
    inputs = np.random.default_rng(1).random(shape, dtype=np.float32)
    on_gpu = open_engine(model, "torch-bf16", device="cuda")
    first, second = on_gpu(inputs), on_gpu(inputs)
    assert np.array_equal(first, second)
    # bfloat16 keeps eight bits of a number, hence the hundredths.
    assert np.abs(first - open_engine(model, "onnxruntime")(inputs)).max() < 0.03
