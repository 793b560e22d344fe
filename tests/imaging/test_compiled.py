"""Compiled loops: where their code is kept, and that they work where nothing can be kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import types

from workbench.governance.sandbox import bwrap_command, sandbox_environment
from workbench.imaging.compiled import CACHE_VARIABLE, Kernel, array, cache_folder

NUMBERS = array(types.float32, 1)


def double(values: np.ndarray, count: int) -> None:
    for i in range(count):
        values[i] *= 2


def doubled(kernel: Kernel) -> list[float]:
    values = np.arange(3, dtype=np.float32)
    kernel["float32"](values, 3)
    return values.tolist()


def new_kernel() -> Kernel:
    return Kernel(double, {"float32": types.void(NUMBERS, types.int64)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that code is kept in during a test."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_code_is_kept_and_found_again(folder: Path) -> None:
    assert doubled(new_kernel()) == [0, 2, 4]
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")}
    assert len(kept) == 1
    assert folder.stat().st_mode & 0o077 == 0
    again = new_kernel()
    assert doubled(again) == [0, 2, 4]
    assert sum(again["float32"].stats.cache_hits.values()) == 1  # type: ignore[attr-defined]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")} == kept


def test_a_signature_is_compiled_once_and_no_other_ever(folder: Path) -> None:
    kernel = new_kernel()
    assert kernel.names == ("float32",)
    assert kernel["float32"] is kernel["float32"]
    with pytest.raises(TypeError):
        kernel["float32"](np.arange(3, dtype=np.int64), 3)


@pytest.mark.parametrize("damage", [b"", b"no pickle"])
def test_torn_code_is_made_again(folder: Path, damage: bytes) -> None:
    doubled(new_kernel())
    for path in folder.rglob("*.nb*"):
        path.write_bytes(damage)
    assert doubled(new_kernel()) == [0, 2, 4]


def test_a_full_disk_keeps_nothing_and_breaks_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    assert doubled(new_kernel()) == [0, 2, 4]
    assert list(folder.rglob("*.nbc")) == []


def test_code_is_not_taken_from_a_folder_that_others_may_write(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    assert cache_folder() is None
    assert doubled(new_kernel()) == [0, 2, 4]
    assert list(folder.iterdir()) == []


def test_code_is_not_taken_through_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert cache_folder() is None


@pytest.mark.parametrize("named", ["off", "/proc/nowhere/kept", "/dev/null"])
def test_nothing_is_kept_where_nothing_can_be(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, named)
    assert cache_folder() is None
    assert doubled(new_kernel()) == [0, 2, 4]


def test_the_user_s_cache_folder_is_the_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ai4h-workbench" / "kernels"


def test_kernels_run_in_a_sandbox_with_read_only_packages(bubblewrap: None) -> None:
    code = (
        "import numpy as np, os, workbench\n"
        "from pathlib import Path\n"
        "from workbench.imaging.resampling import resample\n"
        "made = resample(np.array([[[0, 10, 20]]], np.int16), (1, 1, 1), (1, 1, 0.5))\n"
        "package = Path(workbench.__file__).parent\n"
        "try: (package / 'x').touch(); print('writable')\n"
        "except OSError: pass\n"
        "print(made.tolist(), len(list(Path.home().rglob('*.nbc'))), len(list(package.rglob('*.nb[ci]'))))\n"
    )
    for extra, kept in (({}, 1), ({CACHE_VARIABLE: "off"}, 0), ({"HOME": "/proc/nowhere", "XDG_CACHE_HOME": ""}, 0)):
        done = subprocess.run(
            bwrap_command([sys.executable, "-c", code]), env=sandbox_environment(extra), cwd="/",
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.stdout == f"[[[0, 5, 10, 15, 20]]] {kept} 0\n", done.stderr


def test_importing_the_rooms_names_compiles_nothing() -> None:
    code = (
        "import sys, workbench.imaging.resampling, workbench.imaging.windowing, workbench.imaging.lung_mask\n"
        "import workbench.imaging.patches, workbench.imaging.torch_arrays, workbench.imaging.gpu\n"
        "print(sorted({'numba', 'torch', 'cupy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout == "[]\n"
