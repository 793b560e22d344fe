"""Notebooks that run in a second, and crates of such a run that say something else."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from workbench.benchmark.reports.crate import read_crate, write_crate
from workbench.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[2] / "gateway"))
from homes import Lines

READS = """import workbench as wb
from workbench.benchmark import record

ct = wb.dataset("open-ct")
scans = list(ct.scans()["scan"])
mean = sum(float(ct.volume(scan).read().mean()) for scan in scans) / len(scans)
record("scans", len(scans))
record("mean", mean, interval=(mean - 1, mean + 1), tolerance=0.5)"""
MEMORY_GIB = 1.0


def notebook(path: Path, *sources: str) -> Path:
    """Write a notebook with a question, one parameter and some cells."""
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_markdown_cell("# How bright are the scans?"),
        nbformat.v4.new_code_cell("seed: int = 7", metadata={"tags": ["parameters"]}),
        *(nbformat.v4.new_code_cell(text) for text in sources),
    ]
    made.metadata["kernelspec"] = {"name": "workbench-python", "display_name": "Governed Python", "language": "python"}
    nbformat.write(made, path)
    return path


@dataclass
class Crates:
    """A home and a crate of it; `changed` gives crates that say something else and are whole and in order."""

    settings: Settings
    lines: Lines
    first: Path

    def changed(self, folder: Path, *, cell: str = "", **about: Any) -> Path:
        """Give a copy of the crate with other facts, and (`cell`) another last cell."""
        crate = read_crate(self.first)
        source, done = (nbformat.reads(text, 4) for text in (crate.source, crate.run))
        if cell:
            source.cells[-1].source = cell
        report, file = folder / "r.html", folder / "again.crate.zip"
        report.write_text("<p>first</p>")
        write_crate(source, done, {**crate.about, **about}, crate.results, report=report, crate=file)
        return file
