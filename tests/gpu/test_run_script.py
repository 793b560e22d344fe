"""The script for a GPU machine says plainly that there is no GPU, and installs only what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from wheel_folder import canonical, choose, lacking, needed

HERE = Path(__file__).resolve().parent


def script(*words: str, out: Path, **more: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "OUT": str(out), "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": "", **more}
    return subprocess.run(
        ["bash", str(HERE / "run.sh"), *words], env=variables, capture_output=True, text=True, timeout=200, check=False
    )


def test_without_a_gpu_it_says_so_and_claims_nothing(tmp_path: Path) -> None:
    done = script(str(tmp_path), out=tmp_path / "out")
    assert done.returncode == 3 and "No GPU is found here" in done.stdout
    assert json.loads((tmp_path / "out" / "gpu-bench.json").read_text()) == {"gpu": None, "rows": []}
    assert "nothing is claimed" in (tmp_path / "out" / "gpu-tests.log").read_text()


def test_without_a_folder_it_says_how_it_is_called(tmp_path: Path) -> None:
    done = script(out=tmp_path)
    assert done.returncode == 2 and "folder of wheels" in done.stderr


@pytest.mark.parametrize("name", ["torch", "cupy_cuda13x", "nvidia_cublas_cu13", "cuda_bindings", "triton"])
def test_what_drives_the_gpu_is_never_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}-1.0-py3-none-any.whl").touch()
    assert choose(tmp_path, known=lambda _: False) == []


def test_only_what_is_missing_is_installed_and_one_of_each(tmp_path: Path) -> None:
    for name in ("zict-3.0.0", "zict-3.0.1", "numpy-2.4.6", "Dask_CUDA-26.10.0"):
        (tmp_path / f"{name}-py3-none-any.whl").touch()
    chosen = choose(tmp_path, known=lambda name: name == "numpy")
    assert [wheel.name.split("-py3")[0] for wheel in chosen] == ["Dask_CUDA-26.10.0", "zict-3.0.1"]
    assert lacking(["dask-cuda", "numpy", "tblib"], chosen, known=lambda name: name == "numpy") == ["tblib"]


def test_the_list_of_wheels_is_readable() -> None:
    assert {"dask", "distributed", "dask-cuda", "pytest"} <= {canonical(name) for name in needed()}


def test_what_dask_cuda_asks_of_cuda_may_come_as_a_wheel(tmp_path: Path) -> None:
    for name in ("cuda_core", "nvidia_ml_py"):
        (tmp_path / f"{name}-1.0-py3-none-any.whl").touch()
    assert len(choose(tmp_path, known=lambda _: False)) == 2
