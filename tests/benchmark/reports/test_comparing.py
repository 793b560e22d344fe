"""A re-run is compared result by result within its tolerance, and cell by cell without what means nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.benchmark.reports.comparing import compare_results, first_diverging_cell, verdict
from workbench.benchmark.reports.environment import code_digest, drift, environment_lock
from workbench.benchmark.reports.recording import RESULT_MIME, Result, declared_results, record
from workbench.errors import InvalidInput


def cell(*outputs: dict[str, Any], source: str = "x", tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {"tags": list(tags)}}


def text(value: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": value}


def data(**kinds: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {kind.replace("__", "/"): value for kind, value in kinds.items()}}


@pytest.mark.parametrize(
    ("second", "wanted"),
    [
        (Result("cpm", 0.5, (0.4, 0.6), 0.01), "IDENTICAL"),
        (Result("cpm", 0.509, (0.4, 0.6), 0.01), "WITHIN_TOLERANCE"),
        (Result("cpm", 0.52, (0.4, 0.6), 0.01), "DIFFERENT"),
        (Result("cpm", 0.5, (0.4, 0.62), 0.01), "DIFFERENT"),
        (Result("cpm", 0.5, None, 0.01), "DIFFERENT"),
        (Result("cpm", 0.9, (0.4, 0.95), 1.0), "DIFFERENT"),
        (Result("auc", 0.5, (0.4, 0.6), 0.01), "DIFFERENT"),
    ],
)
def test_the_tolerance_of_the_first_run_decides(second: Result, wanted: str) -> None:
    rows = compare_results([Result("cpm", 0.5, (0.4, 0.6), 0.01)], [second])
    assert verdict(rows, None) == wanted


def test_equal_cells_do_not_diverge() -> None:
    first = [cell(text("a")), cell(text("b"), data(image__png="abc"))]
    assert first_diverging_cell(first, first) is None


def test_the_first_cell_that_differs_is_named() -> None:
    first = [cell(text("a")), cell(text("b")), cell(text("c"))]
    second = [cell(text("a")), cell(text("B")), cell(text("C"))]
    assert first_diverging_cell(first, second) == 2


def test_a_cell_that_is_missing_diverges() -> None:
    assert first_diverging_cell([cell(), cell()], [cell()]) == 2


def test_text_in_pieces_widget_ids_addresses_and_warnings_mean_nothing() -> None:
    widget = {"model_id": "1"}
    first = [cell(text("a"), text("b"), text("late", "stderr"), data(text__plain="<X at 0x7f0123456789>"))]
    second = [cell(text("ab"), data(text__plain="<X at 0x7f9876543210>"))]
    second[0]["outputs"][1]["data"]["application/vnd.jupyter.widget-view+json"] = widget
    assert first_diverging_cell(first, second) is None


@pytest.mark.parametrize(
    "shown", ["0x1f2e3d4c", "900150983cd24fb0d6963f7d28e17f72", "'900150983cd24fb0d6963f7d28e17f72'"]
)
def test_a_checksum_that_a_cell_shows_means_something(shown: str) -> None:
    other = shown.replace("d", "e")
    assert first_diverging_cell([cell(text(shown))], [cell(text(other))]) == 1
    assert first_diverging_cell([cell(data(text__plain=shown))], [cell(data(text__plain=other))]) == 1


def test_the_injected_parameters_are_not_counted() -> None:
    injected = cell(source="seed = 7", tags=("injected-parameters",))
    assert first_diverging_cell([cell()], [injected, cell()]) is None


def test_another_picture_with_the_same_results_is_within_tolerance() -> None:
    same = compare_results([Result("cpm", 0.5)], [Result("cpm", 0.5)])
    assert verdict(same, 3) == "WITHIN_TOLERANCE"


def test_without_results_the_outputs_decide() -> None:
    assert (verdict([], None), verdict([], 1)) == ("IDENTICAL", "DIFFERENT")


def test_declared_results_are_found_in_outputs() -> None:
    body = record("cpm", 0.5, interval=(0.4, 0.6), tolerance=1e-9)._repr_mimebundle_()[RESULT_MIME]
    assert declared_results([cell({"output_type": "display_data", "data": {RESULT_MIME: body}})]) == [
        Result("cpm", 0.5, (0.4, 0.6), 1e-9)
    ]


@pytest.mark.parametrize(
    "body", [{}, {"name": "x"}, {"name": "x", "value": "y"}, {"name": "x", "value": 1, "interval": [1]}, 5]
)
def test_a_malformed_result_is_refused(body: Any) -> None:
    with pytest.raises(InvalidInput):
        declared_results([cell({"output_type": "display_data", "data": {RESULT_MIME: body}})])


@pytest.mark.parametrize(
    "wrong",
    [{"value": float("nan")}, {"name": ""}, {"interval": (0.6, 0.4)}, {"tolerance": -1.0}, {"metric": "cpm:v9"}],
)
def test_a_result_that_cannot_be_compared_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        record(**{"name": "cpm", "value": 0.5, **wrong})


def test_drift_names_what_changed() -> None:
    assert drift(["numpy==1", "torch==2", "dask==3"], ["numpy==1", "torch==3", "extra==1"]) == [
        "torch 2 → 3", "dask 3 → missing",
    ]  # fmt: skip


def test_the_same_environment_does_not_drift() -> None:
    assert drift(environment_lock(), environment_lock()) == []


def test_a_changed_line_of_code_is_drift_though_the_version_stays(tmp_path: Path) -> None:
    (tmp_path / "network.py").write_text("WIDTH = 12")
    before = code_digest(tmp_path)
    (tmp_path / "network.py").write_text("WIDTH = 13")
    after = code_digest(tmp_path)
    assert before != after
    assert drift([f"ai4h-workbench-code=={before}"], [f"ai4h-workbench-code=={after}"])


def test_what_is_no_code_does_not_drift(tmp_path: Path) -> None:
    (tmp_path / "network.py").write_text("WIDTH = 12")
    before = code_digest(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"x")
    assert code_digest(tmp_path) == before


def test_a_package_on_request_that_the_run_had_not_is_drift() -> None:
    shadows = [{"name": "numpy", "version": "1.0", "sha256": "ab" * 32}]
    assert drift(environment_lock(), environment_lock(shadows)) == [
        f"requested:numpy not there → 1.0 sha256:{'ab' * 32}"
    ]


def test_a_package_on_request_is_part_of_the_environment() -> None:
    requested = [{"name": "tinypkg", "version": "1.0", "sha256": "ab" * 32}]
    assert drift(environment_lock(requested), environment_lock(requested)) == []
    assert drift(environment_lock(requested), environment_lock()) == [
        f"requested:tinypkg 1.0 sha256:{'ab' * 32} → missing"
    ]
