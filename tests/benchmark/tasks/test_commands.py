"""The verbs `tasks` and `task`, as a person types them."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from workbench.cli import main
from workbench.settings import Settings

TEXT = (resources.files("workbench.benchmark") / "tasks" / "nodule-malignancy.yaml").read_text()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "task.yaml").write_text(TEXT)
    return tmp_path / "task.yaml"


def test_check_of_an_honest_task_ends_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "check", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "✓ task.yaml is a task: nodule-malignancy, binary, auc_delong:v1" in shown
    assert "from the ceiling" in shown and ": below" in shown


def test_check_tells_every_mistake_and_ends_with_2(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEXT.replace("kind: binary", "kind: bnary").replace("missing: reject", "missing: rejct"))
    assert main(["task", "check", str(file)]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "✗ task.yaml, line 3: kind: “bnary” will not do; the nearest is “binary”.",
        "✗ task.yaml, line 19: missing: “rejct” will not do; the nearest is “reject”.",
    ]


def test_check_gives_one_json_value(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEXT.replace("kind: binary", "kind: bnary"))
    assert main(["task", "check", str(file), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["valid"], found["ok"], found["problems"][0]["line"], found["problems"][0]["field"]) == (
        False, False, 3, "kind"
    )  # fmt: skip


def test_check_ends_with_1_when_the_ceiling_is_beaten(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"S{n:03d}", n % 2) for n in range(60)]
    folder = file.parent
    (folder / "truth.csv").write_text("id,malignant\n" + "".join(f"{item},{label}\n" for item, label in rows))
    (folder / "oracle.csv").write_text("id,probability\n" + "".join(f"{item},0.5\n" for item, _ in rows))
    (folder / "linear.csv").write_text("id,probability\n" + "".join(f"{item},{label}\n" for item, label in rows))
    said = [f"--predictions={name}={folder / name}.csv" for name in ("oracle", "linear")]
    assert main(["task", "check", str(file), "--truth", str(folder / "truth.csv"), *said]) == 1
    assert "✗ ORACLE_BEATEN: The baseline “linear” is better than the ceiling by 0.5000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--predictions", "a=b.csv"], "give --truth FILE too"),
        (["--truth", "t.csv", "--predictions", "b.csv"], "Write --predictions NAME=FILE"),
        (
            ["--truth", "t.csv", "--predictions", "a=b.csv", "--predictions", "a=c.csv"],
            "Two predictions are called “a”",
        ),
        (["--phantoms", "0"], "Between 1 and 500 phantoms"),
        (["--truth", "none.csv"], "none.csv cannot be read"),
    ],
)
def test_wrong_words_are_refused_in_a_sentence(
    file: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main(["task", "check", str(file), *words]) == 2
    assert says in capsys.readouterr().err


def test_tasks_are_listed_with_what_is_left(gateway: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == 0
    tasks = json.loads(capsys.readouterr().out)
    assert [task["task"] for task in tasks] == ["lung-nodule-detection", "lung-segmentation", "nodule-malignancy"]
    assert {"kind", "question", "version", "metric", "label", "synthetic", "quota", "notebook", "items"} <= set(
        tasks[0]
    )
    assert main(["tasks"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("[synthetic]") == 3
    assert "20 of 20 scored submissions left this week, 200 in all" in shown


def test_one_task_is_shown_with_its_card_and_its_file(gateway: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "nodule-malignancy"]) == 0
    shown = capsys.readouterr().out
    assert "[synthetic] Nodule malignancy: Is this lung nodule malignant?" in shown
    assert "Trap – " in shown and "positive predictive value" in shown
    assert main(["task", "show", "nodule-malignancy"]) == 0
    assert capsys.readouterr().out.endswith(TEXT)
    assert main(["tasks", "nodule"]) == 5
    assert "the nearest is “nodule-malignancy”" in capsys.readouterr().err


def test_what_cannot_be_published_is_refused(gateway: Settings, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "publish", str(file)]) == 6
    assert "a task of the package" in capsys.readouterr().err
    file.write_text(TEXT.replace("id: nodule-malignancy", "id: own-task"))
    assert main(["task", "publish", str(file), "--as", "researcher"]) == 5
    assert main(["task", "retire", "nodule-malignancy", "--reason", "old"]) == 6
    assert main(["task", "retire", "nothing", "--reason", "old"]) == 5
