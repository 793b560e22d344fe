"""A report that the project's own notebook writes is judged cell by cell: its numbers and curves may leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.airlock.scan import scan_file
from workbench.airlock.scanners.cleaning import clean_image
from workbench.airlock.scanners.notebook import clean_notebook
from workbench.benchmark.reports.notebook_run import run_notebook
from workbench.settings import Settings

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.mark.timeout(300)
def test_a_report_leaves_but_for_the_picture_of_scans(demo_home: Settings, tmp_path: Path, bubblewrap: None) -> None:
    out = tmp_path / "report.ipynb"
    chosen = {"epochs": 1, "workers": 1}
    run_notebook(NOTEBOOKS / "benchmark" / "nodule-malignancy.ipynb", out, chosen, "researcher", settings=demo_home)
    stops = [finding for finding in scan_file(out.name, out.read_bytes()) if finding.is_stop]
    # The gallery of marks shows slices; everything else of the report is clean.
    assert [(stop.place, stop.rule) for stop in stops] == [("cell 14, output 1, image/png", "subject-pixels")]
    cleared = clean_notebook(out.read_bytes(), clean_image=clean_image, drop=True)
    assert scan_file(out.name, cleared) == []
