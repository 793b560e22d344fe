"""A home with two datasets, and the crate of a notebook that really ran in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.benchmark.reports.notebook_run import run_notebook
from workbench.connection import running_gateway
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "gateway"))
from homes import fill, lines_of
from small_crates import MEMORY_GIB, READS, Crates, notebook


@pytest.fixture(scope="package")
def crates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crates]:
    """Give a crate whose run read one scan of `open-ct`; `clinic-ct` is there and the reviewer holds no grant."""
    folder = tmp_path_factory.mktemp("verdicts")
    (folder / "home").mkdir()
    (folder / "home" / "settings.toml").write_text(f"kernel_memory_gib = {MEMORY_GIB}\n")
    settings = load_settings(folder / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill(lines.operator(), "open-ct", "open", seeds=(1,))
        fill(lines.person("custodian"), "clinic-ct")
        path = notebook(folder / "n.ipynb", READS, "print(seed)")
        done = run_notebook(path, folder / "out" / "n.run.ipynb", {"seed": 5}, "researcher", settings=settings)
        yield Crates(settings, lines, done.crate)
