"""Install what is missing from a folder of wheels, and nothing that is there: `python wheel_folder.py FOLDER SITE`.

torch, cupy and the packages of CUDA are never touched. What is installed goes into a folder of its own, without
dependencies, so no environment changes.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

KEPT = re.compile(r"^(torch|triton|cupy|nvidia-(?!ml-py)|cuda-(?!core)|jax)")
# What a machine with torch and cupy mostly has; where it has not, a wheel in the folder serves as well.
USUAL = (
    "click", "cloudpickle", "cuda-core", "fsspec", "jinja2", "msgpack", "numba", "numpy", "nvidia-ml-py", "onnx",
    "onnxruntime", "packaging", "pandas", "psutil", "pytest", "pytest-timeout", "pyyaml", "scipy", "toolz",
)  # fmt: skip
NAMED = Path(__file__).with_name("wheels.txt")


def canonical(name: str) -> str:
    """Give a distribution's name as indexes spell it.

    >>> canonical("Dask_CUDA")
    'dask-cuda'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def is_installed(name: str) -> bool:
    """Whether this Python has a distribution of a name."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def choose(folder: Path, known: Callable[[str], bool] = is_installed) -> list[Path]:
    """Give the wheels of a folder whose distributions are not there, one of each."""
    chosen: dict[str, Path] = {}
    for wheel in sorted(folder.glob("*.whl")):
        name = canonical(wheel.name.split("-")[0])
        if not KEPT.match(name) and not known(name):
            chosen[name] = wheel
    return list(chosen.values())


def lacking(names: list[str], wheels: list[Path], known: Callable[[str], bool] = is_installed) -> list[str]:
    """Name what is needed, is not there, and has no wheel."""
    coming = {canonical(wheel.name.split("-")[0]) for wheel in wheels}
    return [name for name in names if canonical(name) not in coming and not known(name)]


def needed() -> list[str]:
    """Give the names in `wheels.txt`, and of what else must be there."""
    lines = [line.split("#")[0].strip() for line in NAMED.read_text().splitlines()]
    return [re.split(r"[<>=!~ ;]", line)[0] for line in lines if line] + list(USUAL)


def main(folder: Path, site: Path) -> int:
    """Install and give 0, or 4 when something is missing."""
    wheels = choose(folder)
    if wheels:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile", "--upgrade"]
        done = subprocess.run([*pip, "--no-cache-dir", "--target", str(site), *map(str, wheels)], check=False)
        if done.returncode:
            sys.stderr.write("The wheels cannot be installed; they must be for this Python and processor.\n")
            return 4
    missing = lacking(needed(), wheels)
    sys.stdout.write(f"installed {len(wheels)} wheels: {', '.join(wheel.name.split('-')[0] for wheel in wheels)}\n")
    if missing:
        sys.stderr.write(f"Missing, with no wheel in the folder: {', '.join(missing)}; see tests/gpu/wheels.txt.\n")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
