"""nbval runs every notebook of the project, each cell in a governed kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.connection import sign_in
from workbench.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))


@pytest.fixture(scope="module")
def granted(demo_home: Settings) -> Settings:
    """Give the teacher, who also researches, access to the controlled dataset of the demo."""
    teacher, custodian = sign_in(demo_home, "teacher"), sign_in(demo_home, "custodian")
    if not teacher.get("/v1/datasets/clinic-ct")["allowed"]:
        request = teacher.post("/v1/datasets/clinic-ct/requests", {"purpose": "teaching", "days": 1, "note": "nbval"})
        custodian.post(f"/v1/requests/{request['id']}/approve", {"reason": "for the tests"})
    teacher.close()
    custodian.close()
    return demo_home


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_in_a_governed_kernel(notebook: Path, granted: Settings, bubblewrap: None) -> None:
    environment = {**os.environ, "WORKBENCH_HOME": str(granted.home), "WORKBENCH_ACCOUNT": "teacher"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default", "--nbval-lax",
         "--nbval-cell-timeout=280", "--rootdir", str(notebook.parent), "-c", os.devnull, str(notebook)],
        env=environment, capture_output=True, text=True, cwd=notebook.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
