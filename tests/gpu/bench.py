"""Measure on a GPU, beside named peers in the same run: `python tests/gpu/bench.py build/gpu/gpu-bench.json`.

Times are of the GPU's own events, medians of interleaved rounds after a warm-up; bytes are what has to be read and
written once. What cannot be measured is named, and the exit code is 1.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from device import name_of_gpu

SCAN, SCAN_MM = (300, 512, 512), (1.0, 0.7, 0.7)
LARGE, LARGE_MM = (900, 1024, 1024), (0.6, 0.4, 0.4)
NEW_MM = (1.0, 1.0, 1.0)
LEVEL_HU, WIDTH_HU = -600.0, 1500.0
ROUNDS, CALLS = 9, 5
COPY_BYTES = 2**31
Row = dict[str, Any]


def row(subject: str, value: float, unit: str, peer: str = "", peer_value: float | None = None) -> Row:
    """Give one line of the table."""
    ratio = value / peer_value if peer_value else None
    return {"bench": "gpu", "subject": subject, "value": value, "unit": unit, "peer": peer or None,
            "peer_value": peer_value, "ratio": ratio}  # fmt: skip


def milliseconds(works: dict[str, Callable[[], object]], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Give the median GPU milliseconds of one call of each, measured in turns."""
    import cupy

    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start, stop = cupy.cuda.Event(), cupy.cuda.Event()
            start.record()
            for _ in range(CALLS):
                work()
            stop.record()
            stop.synchronize()
            if number:
                taken[name].append(cupy.cuda.get_elapsed_time(start, stop) / CALLS)
    return {name: statistics.median(values) for name, values in taken.items()}


def copies() -> float:
    """Give the copy bandwidth of the device in GB/s, bytes read and written counted."""
    import cupy

    source = cupy.zeros(COPY_BYTES, cupy.uint8)
    target = cupy.empty_like(source)
    taken = milliseconds({"copy": lambda: cupy.copyto(target, source)})["copy"]
    return 2 * COPY_BYTES / taken / 1e6


def arrays(bandwidth_gb_s: float) -> Iterator[Row]:
    """Resample and window a scan, and a volume far larger than the GPU's caches."""
    import cupy

    from workbench.imaging import gpu
    from workbench.imaging.taps import resampled_grid
    from workbench.imaging.volume import Window

    wanted = Window(LEVEL_HU, WIDTH_HU)
    for name, shape, spacing_mm in (("512×512×300", SCAN, SCAN_MM), ("1024×1024×900", LARGE, LARGE_MM)):
        volume = _volume(shape)
        out = cupy.empty(resampled_grid(shape, spacing_mm, NEW_MM).shape, cupy.float32)
        works = {
            "ours": lambda volume=volume, out=out, mm=spacing_mm: gpu.resample_and_window(
                volume, mm, NEW_MM, wanted, out=out
            ),
            "kernel": _kernel(volume, out, spacing_mm, wanted),
            **_peers(volume, out, spacing_mm),
        }
        taken = milliseconds(works)
        moved = volume.nbytes + out.nbytes
        for way, told in (("ours", "the whole call"), ("kernel", "the kernel alone")):
            reached = moved / taken[way] / 1e6
            yield row(f"resample + window {name}, {told}", reached, "GB/s", "copy bandwidth", bandwidth_gb_s)
        yield from (
            row(f"resample + window {name}", taken["ours"], "ms", peer, taken[peer])
            for peer in taken
            if peer not in ("ours", "kernel")
        )
        del volume, out, works
        cupy.get_default_memory_pool().free_all_blocks()


def _volume(shape: tuple[int, ...]) -> Any:
    """Give int16 HU that no two neighbours share, made on the GPU."""
    import cupy

    size = shape[0] * shape[1] * shape[2]
    return (cupy.arange(size, dtype=cupy.int64) * 7919 % 2000 - 1000).astype(cupy.int16).reshape(shape)


def _kernel(volume: Any, out: Any, spacing_mm: tuple[float, ...], wanted: Any) -> Callable[[], object]:
    """Give the fused kernel with its tables already on the GPU, as one call of `gpu.resample_and_window` runs it."""
    import cupy
    import numpy as np

    from workbench.imaging import gpu
    from workbench.imaging.taps import all_taps, resampled_grid

    grid = resampled_grid(volume.shape, spacing_mm, NEW_MM)
    taps = all_taps(volume.shape, grid, order="linear")
    tables = [cupy.asarray(table) for one in taps for table in (one.voxels, one.weights)]
    depth, height, width = grid.shape
    sizes = [np.int32(n) for n in (*volume.shape[1:], depth, height, width, gpu.COLUMN)]
    blocks = (-(-width // gpu.BLOCK_X), -(-height // gpu.BLOCK_Y), -(-depth // gpu.COLUMN))
    low = np.float32(wanted.level - wanted.width / 2)
    kernel = gpu._linear_kernel("int16", "float32", gpu.GREY)
    given = (volume, out, *tables, *sizes, low, np.float32(wanted.width))
    return lambda: kernel(blocks, (gpu.BLOCK_X, gpu.BLOCK_Y, 1), given)


def _peers(volume: Any, out: Any, spacing_mm: tuple[float, ...]) -> dict[str, Callable[[], object]]:
    import cupy
    import torch
    from cupyx.scipy import ndimage

    factors = [new / old for new, old in zip(NEW_MM, spacing_mm, strict=True)]
    tensor = torch.as_tensor(volume, device="cuda")
    low = LEVEL_HU - WIDTH_HU / 2

    def by_cupyx() -> None:
        made = ndimage.affine_transform(
            volume, cupy.asarray(factors), output_shape=out.shape, order=1, mode="nearest", output=cupy.float32
        )
        cupy.clip((made - low) / WIDTH_HU, 0, 1, out=out)

    def by_torch() -> None:
        made = torch.nn.functional.interpolate(tensor[None, None].float(), size=out.shape, mode="trilinear")
        made.sub_(low).div_(WIDTH_HU).clamp_(0, 1)

    return {"cupyx affine_transform": by_cupyx, "F.interpolate": by_torch}


def cubic() -> Iterator[Row]:
    """Resample a scan by cubic B-splines, beside cupyx."""
    import cupy
    from cupyx.scipy import ndimage

    from workbench.imaging import gpu
    from workbench.imaging.taps import resampled_grid

    volume = _volume(SCAN)
    out = cupy.empty(resampled_grid(SCAN, SCAN_MM, NEW_MM).shape, cupy.float32)
    factors = cupy.asarray([new / old for new, old in zip(NEW_MM, SCAN_MM, strict=True)])
    taken = milliseconds({
        "ours": lambda: gpu.resample(volume, SCAN_MM, NEW_MM, order="cubic", dtype="float32", out=out),
        "cupyx": lambda: ndimage.affine_transform(
            volume, factors, output_shape=out.shape, order=3, mode="mirror", output=cupy.float32
        ),
    }, rounds=5)  # fmt: skip
    yield row("cubic resample 512×512×300", taken["ours"], "ms", "cupyx affine_transform", taken["cupyx"])


class SameBatch:
    """Gives the same batch again and again, so that only learning is measured."""

    def __init__(self, size: int) -> None:
        import torch

        self._inputs = torch.rand(size, 1, 32, 32, 32).pin_memory()
        self._wanted = (torch.arange(size) % 4 == 0).float()
        self.fingerprint = f"same-{size}"

    def batches(self, seed: int, rank: int, first: int, stop: int) -> Iterator[tuple[Any, Any]]:
        """Give a batch for each step."""
        return ((self._inputs, self._wanted) for _ in range(first, stop))


def training() -> Iterator[Row]:
    """Learn by the product's own loop on patches of 32³, in bf16 beside fp32."""
    import torch

    from workbench.compute.fitting import initial_network
    from workbench.compute.ranks.loop import Work, run_steps
    from workbench.compute.ranks.meeting import Place
    from workbench.compute.ranks.plan import Plan

    for size, steps in ((32, 150), (512, 60)):
        reached = {}
        for precision in ("fp32", "bf16"):
            taken = []
            for _ in range(3):
                plan = Plan("bench", 1, 1, steps, 1e-3, precision, 1, "same", "net")
                work = Work(plan, initial_network(1), SameBatch(size), "", steps + 1)
                torch.cuda.synchronize()
                begun = time.perf_counter()
                run_steps(work, Place(0, 1, torch.device("cuda:0")), lambda told: None)
                torch.cuda.synchronize()
                taken.append(size * steps / (time.perf_counter() - begun))
            reached[precision] = max(taken)
        yield row(f"training in bf16, batches of {size}", reached["bf16"], "samples/s", "fp32", reached["fp32"])


def inference() -> Iterator[Row]:
    """Score patches of 32³ by an exported model on the GPU, beside onnxruntime on the processor."""
    import numpy as np

    from workbench.compute.engines import open_engine
    from workbench.compute.fitting import initial_network
    from workbench.compute.model import Step, TrainedModel
    from workbench.compute.model_file import check_exported, with_facts

    trained = TrainedModel("bench", initial_network(1).eval(), 1, (Step(1, 0.5),), 4, 2)
    facts = {"task": "bench", "data": "", "seed": "1", "fingerprint": trained.fingerprint}
    model = check_exported(with_facts(trained.to_onnx(), "patches", facts))
    inputs = np.random.default_rng(0).random((512, 1, 32, 32, 32), dtype=np.float32)
    reached = {}
    for name, ask in (
        ("gpu", open_engine(model, "torch-bf16", device="cuda")), ("cpu", open_engine(model, "onnxruntime"))
    ):  # fmt: skip
        taken = []
        for _ in range(4):
            begun = time.perf_counter()
            ask(inputs)
            taken.append(len(inputs) / (time.perf_counter() - begun))
        reached[name] = statistics.median(taken[1:])
    cores = len(os.sched_getaffinity(0))
    yield row("infer torch-bf16 on the GPU", reached["gpu"], "patches/s", f"onnxruntime {cores} cores", reached["cpu"])


def clusters() -> Iterator[Row]:
    """Start a LocalCUDACluster inside the sandbox and use it."""
    from sandboxes import run_inside

    told = run_inside("sandboxed_cluster.py")
    if told["kind"] != "gpu" or any(answer["device"] != "cuda" for answer in told["answers"]):
        raise RuntimeError("the cluster in the sandbox did not use the GPU")
    yield row("LocalCUDACluster in the sandbox, start", told["start_s"], "s")
    yield row("the same, first use of CUDA", told["first_answers_s"], "s")
    yield row("the same, a task after that", 1000 * told["next_answer_s"], "ms")


def main(target: Path) -> int:
    """Measure everything, print a table, write JSON; 1 when something could not be measured."""
    gpu_name = name_of_gpu()
    if not gpu_name:
        sys.stdout.write("No GPU is found here: nothing is measured.\n")
        return 3
    rows: list[Row] = []
    failed: list[str] = []
    bandwidth = copies()
    rows.append(row("copy on the device, read and written", bandwidth, "GB/s"))
    parts = (lambda: arrays(bandwidth), cubic, training, inference, clusters)
    for name, part in zip(("arrays", "cubic", "training", "inference", "clusters"), parts, strict=True):
        try:
            rows += list(part())
        except Exception as problem:
            failed.append(f"{name}: {type(problem).__name__}: {problem}")
        # What was measured is kept even when time runs out later.
        target.write_text(json.dumps({"gpu": gpu_name, "rows": rows, "failed": failed}, indent=1) + "\n")
    _show(gpu_name, rows, failed)
    return 1 if failed else 0


def _show(gpu_name: str, rows: list[Row], failed: list[str]) -> None:
    lines = [gpu_name, f"{'subject':<52}{'value':>12} {'unit':<11}{'peer':<26}{'peer value':>12}{'ratio':>9}"]
    for one in rows:
        peer = "—" if one["peer_value"] is None else f"{one['peer_value']:.4g}"
        ratio = "—" if one["ratio"] is None else f"{one['ratio']:.3g}"
        lines.append(
            f"{one['subject']:<52}{one['value']:>12.4g} {one['unit']:<11}{one['peer'] or '—':<26}{peer:>12}{ratio:>9}"
        )
    lines += [f"not measured: {sentence}" for sentence in failed]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/gpu/gpu-bench.json")))
