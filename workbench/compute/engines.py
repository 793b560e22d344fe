"""What runs a model file: onnxruntime in float32, or torch in bfloat16 with channels last.

Both give the same bytes from run to run with the same number of threads.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute.devices import cpu_count, gpu_count
from workbench.compute.model_file import ModelFile
from workbench.compute.model_gate import refused
from workbench.errors import InvalidInput, MissingDependency

ENGINES = ("onnxruntime", "torch-bf16")
DEVICES = ("cpu", "cuda")
BATCH = 32
MOST_THREADS = 64
Floats = NDArray[np.float32]
Runner = Callable[[Floats], Floats]


def open_engine(model: ModelFile, engine: str = "onnxruntime", *, threads: int = 0, device: str = "cpu") -> Runner:
    """Give what answers for batches of inputs.

    Parameters
    ----------
    model : ModelFile
        From `read_model`.
    engine : str
        ``onnxruntime`` (float32) or ``torch-bf16``.
    threads : int
        1–64, or 0 for as many as this process may use.
    device : str
        ``cpu``, or ``cuda`` for torch-bf16 on a GPU.

    Returns
    -------
    callable
        Takes float32 (n, 1, …) and gives probabilities, float32, of n inputs.

    Raises
    ------
    InvalidInput
        When an option is unknown, or the engine cannot run the model.
    MissingDependency
        When the engine, or the GPU, is not there.
    """
    if engine not in ENGINES or device not in DEVICES:
        raise InvalidInput(f"The engines are {' and '.join(ENGINES)}, the devices cpu and cuda (torch-bf16 alone).")
    if isinstance(threads, bool) or not isinstance(threads, int) or not 0 <= threads <= MOST_THREADS:
        raise InvalidInput(f"Threads must be a whole number from 1 to {MOST_THREADS}, or 0 for all; got {threads!r}.")
    count = threads or min(cpu_count(), MOST_THREADS)
    try:
        if engine == "onnxruntime":
            if device == "cuda":
                raise InvalidInput("onnxruntime runs on the CPU here; a GPU is used by `--engine torch-bf16`.")
            ask = _onnxruntime(model, count)
        else:
            ask = _torch(model, count, device)
    except ImportError as problem:
        raise MissingDependency(
            f"The engine {engine} is not installed ({problem}): `pip install ai4h-workbench[train]`."
        ) from None
    return lambda inputs: _in_batches(ask, inputs, model.form)


def _onnxruntime(model: ModelFile, threads: int) -> Runner:
    import onnxruntime  # noqa: PLC0415 - heavy, loaded on first use

    failures = _failures(onnxruntime)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        # Loaded from bytes, so that no path in the file has a folder to start from.
        session = onnxruntime.InferenceSession(model.content, options, providers=["CPUExecutionProvider"])
    except failures as problem:
        raise refused(f"onnxruntime cannot load it ({type(problem).__name__}); export it again") from None

    def ask(inputs: Floats) -> Floats:
        try:
            answer: Floats = session.run(["probability"], {model.form: inputs})[0]
        except failures as problem:
            raise refused(f"it cannot be run on its own inputs ({type(problem).__name__}); export it again") from None
        return answer

    return ask


def _failures(runtime: Any) -> tuple[type[Exception], ...]:
    """Name what onnxruntime raises; its errors have no common root but Exception itself."""
    state = runtime.capi.onnxruntime_pybind11_state
    named = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")
    return (RuntimeError, ValueError, *(getattr(state, name) for name in named if hasattr(state, name)))


def _torch(model: ModelFile, threads: int, device: str) -> Runner:
    import torch  # noqa: PLC0415 - heavy, loaded on first use

    from workbench.compute.onnx_torch import TorchGraph  # noqa: PLC0415 - with torch

    if device == "cuda" and not (gpu_count() and torch.cuda.is_available()):
        raise MissingDependency("No GPU is found here, or torch was built without CUDA; leave out `--device cuda`.")
    graph = TorchGraph(model.content, device)

    def ask(inputs: Floats) -> Floats:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return graph(inputs)
        finally:
            torch.set_num_threads(before)

    return ask


def _in_batches(ask: Runner, inputs: Floats, form: str) -> Floats:
    shape = (0,) if form == "patches" else (0, *inputs.shape[2:])
    parts: list[Any] = [np.zeros(shape, dtype=np.float32)]
    for first in range(0, len(inputs), BATCH):
        batch = np.ascontiguousarray(inputs[first : first + BATCH])
        said = ask(batch)
        if len(said) != len(batch) or said.shape[1:] != shape[1:] or not np.isfinite(said).all():
            raise refused("it gave another shape than one probability for each input, or values that are no numbers")
        parts.append(said)
    return np.concatenate(parts)
