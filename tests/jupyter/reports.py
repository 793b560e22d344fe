"""Small report notebooks, for tests of their runs."""

from __future__ import annotations

from pathlib import Path

import nbformat

PARAMETERS = """from typing import Literal
seed: int = 7  # of the draws [0..100]
scale: float = 1.0  # of every value [0.5..2]
size: Literal["small", "large"] = "small"  # of the sample
loud: bool = False  # print more
"""
RECORD = "from workbench.benchmark import record\nrecord('mean', seed * scale, interval=(0.0, 200.0), tolerance=0.5)"


def report_notebook(path: Path, *sources: str, parameters: str = PARAMETERS) -> Path:
    """Write a notebook that asks a question, has parameters, and runs these cells."""
    made = nbformat.v4.new_notebook()
    cells = [nbformat.v4.new_code_cell(source) for source in (parameters, *sources)]
    made.cells = [nbformat.v4.new_markdown_cell("# What is the mean?\n\nOf some draws."), *cells]
    made.cells[1].metadata["tags"] = ["parameters"]
    made.metadata["kernelspec"] = {"name": "workbench-python", "display_name": "Governed Python", "language": "python"}
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path
