"""Edge inference: a patch of 64³ and a whole scan, by onnxruntime beside torch in float32 and bfloat16; CPU seconds.

The network for 64³ is the shipped one for patches without its crop to the middle, so that all of the patch is seen.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from workbench.compute.engines import open_engine
from workbench.compute.fitting import initial_network
from workbench.compute.infer_report import Ask, infer
from workbench.compute.model import Step, TrainedModel
from workbench.compute.model_file import ModelFile, check_exported, with_facts
from workbench.compute.network import PatchNet
from workbench.compute.onnx_torch import TorchGraph
from workbench.compute.scan_files import read_scan
from workbench.imaging.nifti import write_nifti
from workbench.imaging.phantom import make_phantom

EDGE, PATCHES, ROUNDS, SCANS = 64, 32, 25, 5


class Whole(nn.Module):
    """The layers of `PatchNet` over the whole of a patch."""

    def __init__(self) -> None:
        super().__init__()
        inner = PatchNet()
        self.features, self.head = inner.features, nn.Linear(48, 1)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Give one probability a patch."""
        return torch.sigmoid(self.head(self.features(patches * 2.0 - 1.0).mean(dim=(2, 3, 4))))


def run() -> list[dict[str, Any]]:
    """Measure in turns, on one thread, and give the rows."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [*_patch_rows(), *_model_rows(), *_scan_rows()]
    finally:
        torch.set_num_threads(threads)


def _patch_rows() -> list[dict[str, Any]]:
    torch.manual_seed(0)
    network = Whole().eval()
    content = _onnx(network)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    patch = np.random.default_rng(0).random((1, 1, EDGE, EDGE, EDGE), dtype=np.float32)
    tensor, graph = torch.from_numpy(patch), TorchGraph(content)
    last = Whole().eval().to(memory_format=torch.channels_last_3d)
    last.load_state_dict(network.state_dict())
    taken = _milliseconds({
        "onnxruntime": lambda: session.run(None, {"patches": patch}),
        "torch fp32": lambda: _ask(network, tensor),
        "torch fp32 channels last": lambda: _ask(last, tensor),
        "torch bf16 channels last": lambda: graph(patch),
    })  # fmt: skip
    return _rows(f"a patch of {EDGE}³", taken)


def _model_rows() -> list[dict[str, Any]]:
    model = _model("patches")
    patches = np.random.default_rng(0).random((PATCHES, 1, 32, 32, 32), dtype=np.float32)
    asked = {engine: open_engine(model, engine, threads=1) for engine in ("onnxruntime", "torch-bf16")}
    taken = _milliseconds({name: lambda ask=ask: ask(patches) for name, ask in asked.items()}, rounds=9)
    return _rows(f"{PATCHES} patches of 32³, four mirrored", taken)


def _scan_rows() -> list[dict[str, Any]]:
    phantom = make_phantom(21)
    size = "×".join(map(str, phantom.hu.shape))
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "ct.nii.gz"
        file.write_bytes(write_nifti(phantom.hu, phantom.geometry))
        for form in ("patches", "sections"):
            model = _model(form)
            works = {
                engine: lambda model=model, engine=engine: infer(
                    model, lambda: read_scan(file), Ask(engine=engine, threads=1)
                )
                for engine in ("onnxruntime", "torch-bf16")
            }
            rows += _rows(f"a scan of {size}, {form}", _milliseconds(works, rounds=SCANS))
    return rows


def _model(form: str) -> ModelFile:
    trained = TrainedModel("bench", initial_network(1, form).eval(), 1, (Step(1, 0.5),), 4, 2, form)
    facts = {"task": "bench", "data": "", "seed": "1", "fingerprint": trained.fingerprint}
    return check_exported(with_facts(trained.to_onnx(), form, facts))


def _onnx(network: nn.Module) -> bytes:
    buffer, sample = io.BytesIO(), torch.zeros((1, 1, EDGE, EDGE, EDGE))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (sample,), buffer, input_names=["patches"], output_names=["probability"],
                          opset_version=17, dynamo=False)  # fmt: skip
    return buffer.getvalue()


def _ask(network: nn.Module, tensor: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        answer: torch.Tensor = network(tensor)
    return answer


def _milliseconds(works: dict[str, Callable[[], object]], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Give the median CPU milliseconds of each, measured in turns after a warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            begun = time.process_time()
            work()
            if number:
                taken[name].append(1000 * (time.process_time() - begun))
    return {name: statistics.median(values) for name, values in taken.items()}


def _rows(subject: str, taken: dict[str, float]) -> list[dict[str, Any]]:
    peer = "onnxruntime"
    return [
        {"bench": "infer", "subject": f"{subject}, {name}", "value": value, "unit": "ms CPU",
         "peer": None if name == peer else peer, "peer_value": None if name == peer else taken[peer],
         "ratio": None if name == peer else value / taken[peer]}
        for name, value in taken.items()
    ]  # fmt: skip


if __name__ == "__main__":
    for row in run():
        print(row)
