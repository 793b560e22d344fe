"""A task is honest when its file is right, nothing beats its ceiling, and something lies below it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from workbench.benchmark.tasks.answer_files import Files
from workbench.benchmark.tasks.check import Checked, check_file
from workbench.errors import InvalidInput

SHIPPED = resources.files("workbench.benchmark") / "tasks"
TEXT = (SHIPPED / "nodule-malignancy.yaml").read_text()
OWN = TEXT.replace("ceiling: phantom-malignancy", "ceiling: predictions")


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def table(folder: Path, name: str, column: str, values: object) -> Path:
    rows = [f"S{n // 2:04d}-{n % 2 + 1},{value}" for n, value in enumerate(np.asarray(values).tolist())]
    return write(folder, name, "\n".join([f"id,{column}", *rows]) + "\n")


def tried(folder: Path, said: dict[str, object], *, items: int = 200, task: str = OWN) -> Checked:
    """Check a task on files: half of the items are positive."""
    truth = table(folder, "truth.csv", "malignant", np.arange(items) % 4 < 2)
    files = {name: table(folder, f"{name}.csv", "probability", values) for name, values in said.items()}
    return check_file(write(folder, "task.yaml", task), files=Files(truth, files))


def answers(seed: int, skill: float, items: int = 200) -> np.ndarray:
    """Give probabilities of somebody with some skill."""
    told = (np.arange(items) % 4 < 2) * skill + np.random.default_rng(seed).normal(size=items)
    return np.round(1 / (1 + np.exp(-told)), 6)


def test_an_honest_task_has_nothing_against_it(tmp_path: Path) -> None:
    found = tried(tmp_path, {"oracle": answers(1, 3.0), "linear": answers(2, 1.0)})
    assert (found.exit_code, found.findings) == (0, ())
    assert [(row.name, row.verdict) for row in found.rows] == [("oracle", ""), ("linear", "below")]
    assert found.counts == {"units": 100, "items": 200, "positives": 100}


def test_an_oracle_that_is_beaten_is_at_fault(tmp_path: Path) -> None:
    found = tried(tmp_path, {"oracle": answers(1, 0.5), "linear": answers(2, 3.0)})
    assert (found.exit_code, [fault.code for fault in found.findings]) == (1, ["ORACLE_BEATEN"])
    assert "“linear” is better than the ceiling" in found.findings[0].message


def test_a_baseline_at_the_ceiling_leaves_nothing_to_learn(tmp_path: Path) -> None:
    same = answers(1, 2.0)
    found = tried(tmp_path, {"oracle": same, "linear": np.round(same * 0.9, 6), "poor": answers(3, 0.0)})
    assert (found.exit_code, [fault.code for fault in found.findings]) == (1, ["NO_HEADROOM"])
    assert "“linear”, is not significantly below the ceiling" in found.findings[0].message


def test_numbers_that_carry_nothing_are_refused_with_what_is_to_be_expected(tmp_path: Path) -> None:
    found = tried(tmp_path, {"oracle": answers(1, 9.0, 12), "linear": answers(2, 0.0, 12)}, items=12)
    assert found.exit_code == 1
    assert found.findings[0].code == "TOO_FEW"
    assert "6 units to draw again" in found.findings[0].message


def test_a_ceiling_without_answers_is_asked_for(tmp_path: Path) -> None:
    found = tried(tmp_path, {"linear": answers(2, 1.0)})
    assert [fault.code for fault in found.findings] == ["NO_ORACLE"]


def test_real_data_need_no_ceiling(tmp_path: Path) -> None:
    real = OWN.replace("ceiling: predictions\n", "").replace("synthetic: true", "synthetic: false")
    found = tried(tmp_path, {"linear": answers(2, 1.0)}, task=real)
    assert (found.exit_code, found.rows[0].verdict) == (0, "")


def test_the_shipped_task_is_tried_on_what_its_generator_draws(tmp_path: Path) -> None:
    found = check_file(write(tmp_path, "task.yaml", TEXT))
    assert (found.exit_code, [row.name for row in found.rows]) == (0, ["oracle", "diameter alone"])
    assert found.ceilings[0].value == pytest.approx(0.798, abs=0.001)


def test_a_file_that_is_no_task_is_told_line_by_line(tmp_path: Path) -> None:
    found = check_file(write(tmp_path, "task.yaml", TEXT.replace("kind: binary", "kind: x")))
    assert (found.exit_code, found.task, [problem.line for problem in found.problems]) == (2, None, [3])
    assert found.as_dict()["valid"] is False


def test_without_data_only_the_file_is_checked(tmp_path: Path) -> None:
    found = check_file(write(tmp_path, "task.yaml", OWN))
    assert (found.exit_code, found.rows) == (0, ())
    assert "Only the file was checked" in found.notes[0]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"\x80"])
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "task.yaml").write_bytes(content)
    with pytest.raises(InvalidInput, match="task.yaml is not UTF-8 text"):
        check_file(tmp_path / "task.yaml")


def test_a_file_that_is_missing_endless_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="none.yaml cannot be read: no such file"):
        check_file(tmp_path / "none.yaml")
    with pytest.raises(InvalidInput, match="cannot be read: is a directory"):
        check_file(tmp_path)
    with pytest.raises(InvalidInput, match="^/ cannot be read"):
        check_file(Path("/"))
    with pytest.raises(InvalidInput, match="has more than"):
        check_file(Path("/dev/zero"))
