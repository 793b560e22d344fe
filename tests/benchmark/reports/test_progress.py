"""A run tells of each code cell under the number that the cell has in the notebook as given."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.benchmark.reports.progress import CACHED, DONE, RUNNING, STARTING, CellProgress, Reporter, code_cells


def cell(kind: str, source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)}}


CELLS = [
    cell("markdown", "# Is it so?"),
    cell("code", "seed = 7", "parameters"),
    cell("code", "seed = 5", "injected-parameters"),
    cell("markdown", "The **scans** are [read](x.md) once. Then more."),
    cell("code", "read()", "stage:read"),
    cell("code", "   "),
    cell("code", "\nanswer(1)"),
]


def test_cells_are_numbered_as_in_the_notebook_and_named_by_the_sentence_before() -> None:
    found = code_cells(CELLS)
    assert [(index, one.number, one.text, one.stage) for index, one in found.items()] == [
        (1, 2, "Is it so?", None), (4, 4, "The scans are read once.", "read"), (6, 6, "answer(1)", None),
    ]  # fmt: skip


def test_each_step_says_how_far_the_run_is() -> None:
    told: list[CellProgress] = []
    reporter = Reporter(CELLS, told.append)
    for state, index in ((STARTING, None), (RUNNING, 1), (DONE, 1), (RUNNING, 2), (DONE, 2)):
        reporter.tell(state, index)
    reporter.tell(CACHED, 4, seconds=41.5)
    assert [(one.state, one.cell, one.ended, one.total) for one in told] == [
        ("starting", 0, 0, 3), ("running", 2, 0, 3), ("done", 2, 1, 3), ("cached", 4, 2, 3),
    ]  # fmt: skip
    assert (told[-1].seconds, told[-1].stage) == (41.5, "read")


def test_a_callback_that_raises_stops_the_run() -> None:
    def stop(_: CellProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Reporter(CELLS, stop).tell(RUNNING, 1)


def test_a_long_sentence_is_cut() -> None:
    assert code_cells([cell("code", "x" * 200)])[0].text == "x" * 79 + "…"
