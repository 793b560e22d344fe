"""What a score gives beyond its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.benchmark.metrics.auc import auc_delong
from workbench.benchmark.metrics.froc import froc_cpm
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.benchmark.results import Score
from workbench.errors import InvalidInput


def test_operating_points_of_a_score_fit_the_marks_it_holds() -> None:
    # One nodule of 10 mm at the origin of scan 0; a hit (0.9), a further hit (0.2), false marks in both scans.
    place, probability = np.array([[0.0, 0, 0], [1, 0, 0], [90, 0, 0], [90, 0, 0]]), np.array([0.9, 0.2, 0.6, 0.4])
    marks = Marks(np.array([0, 0, 0, 1]), place, probability)
    nodule = Findings(np.array([0]), np.zeros((1, 3)), np.array([10.0]), np.array([True]))
    kinds = ["hit", "further hit", "false", "false"]
    table = pd.DataFrame({"scan": ["a", "a", "a", "b"], "probability": probability, "kind": kinds})
    points = Score("t", "validation", froc_cpm(marks, nodule, 2), table).operating_points()
    # No false mark down to 0.9, one (half a scan) down to 0.6, two (1 a scan) down to the further hit at 0.2.
    assert [point["threshold"] for point in points] == [0.9, 0.9, 0.6, 0.2, 0.2, 0.2, 0.2]


def test_yes_or_no_has_no_false_marks_per_scan() -> None:
    label, probability = np.array([True, False, True, False]), np.array([0.9, 0.2, 0.6, 0.7])
    score = Score("t", "validation", auc_delong(label, probability), pd.DataFrame({"probability": probability}))
    with pytest.raises(InvalidInput, match="no such operating points"):
        score.operating_points()
