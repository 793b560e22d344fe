"""Starts a Python file of this folder in the kernel's sandbox, with the packages that were installed beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from workbench.governance.sandbox import bwrap_command, sandbox_environment

HERE = Path(__file__).resolve().parent
SITE = HERE.parents[1] / "build" / "gpu" / "site"
LIBRARIES = "LD_LIBRARY_PATH"


def run_inside(name: str, *, timeout_s: float = 120.0) -> dict[str, Any]:
    """Run a file in bubblewrap, as a governed kernel runs, and give the JSON of its last line."""
    seen = {str(HERE / name): HERE / name}
    paths = [str(HERE.parents[1])]
    if SITE.is_dir():
        seen[str(SITE)] = SITE
        paths.append(str(SITE))
    more = {LIBRARIES: os.environ[LIBRARIES]} if LIBRARIES in os.environ else {}
    done = subprocess.run(
        bwrap_command([sys.executable, str(HERE / name)], read_only=seen), cwd="/", capture_output=True, text=True,
        env=sandbox_environment({"PYTHONPATH": ":".join(paths), **more}), timeout=timeout_s, check=False,
    )  # fmt: skip
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise RuntimeError(f"it ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    told: dict[str, Any] = json.loads(lines[-1])
    return told
