"""What a stage made comes back as it was, for the same person under the same grant, and otherwise never."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.benchmark.reports.stage_values import FOLDER, answer
from workbench.benchmark.reports.stages import RENEW, Stages
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE
from workbench.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[2] / "gateway"))
from homes import Lines, fill, lines_of

Names = dict[str, Any]


def cell(source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": []}


CELLS = [cell("scans = 3"), cell("import random\nmodel = scans * [seed]", "stage:train", "output:model.txt")]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


class Kernel:
    """A notebook's variables, and one run after another over them."""

    def __init__(self, settings: Settings, data: dict[str, str] | None = None) -> None:
        self.settings, self.data = settings, data or {}
        self.names: Names = {}
        self.asked: list[str] = []

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(question["do"])
        found: dict[str, Any] = json.loads(answer(json.dumps(question), self.names))
        return found

    def run(
        self, *, cells: list[dict[str, Any]] = CELLS, seed: int = 7, account: str = "researcher",
        mode: str = "resume", ask: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Run the notebook as the engine does; give what is told of its stage."""
        stages = Stages(self.settings, account, ["numpy==1"], {"seed": seed}, lambda _: self.data, mode)
        stages.begin(cells, "kernel")
        self.names = {"seed": seed, "__name__": "__main__"}
        for index, one in enumerate(cells):
            kept = stages.restored(index, ask or self.ask)
            if kept is None:
                exec(one["source"], self.names)  # noqa: S102 - the notebook's own cell
                if one["source"] == CELLS[1]["source"]:
                    Path("model.txt").write_text("the model")
                stages.keep(index, {**one, "outputs": [{"output_type": "stream", "text": "x"}]}, 41.5, ask or self.ask)
        return next(iter(stages.told.values()))


def test_a_stage_that_ran_is_taken_by_the_next_run(home: Settings, workspace: Path) -> None:
    kernel = Kernel(home)
    assert kernel.run() | {"keeping": 0, "bytes": 0} == {
        "name": "train", "cached": False, "seconds": 41.5, "kept": True, "keeping": 0, "bytes": 0,
    }  # fmt: skip
    told = kernel.run()
    assert (told["cached"], told["seconds"], kernel.names["model"]) == (True, 41.5, [7, 7, 7])
    assert kernel.run(mode=RENEW)["cached"] is False


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 8},
        {"account": "reviewer"},
        {"cells": [cell("scans = 4"), CELLS[1]]},
        {"cells": [CELLS[0], cell("model = 2 * scans * [seed]", "stage:train", "output:model.txt")]},
    ],
)
def test_a_stage_runs_again_when_something_it_follows_from_changed(
    home: Settings, workspace: Path, changed: dict[str, Any]
) -> None:
    kernel = Kernel(home)
    kernel.run()
    assert kernel.run(**changed)["cached"] is False


def test_the_generators_go_on_where_they_were(home: Settings, workspace: Path) -> None:
    kernel, drawing = Kernel(home), [cell("import random\nfirst = random.random()", "stage:draw")]
    random.seed(1)
    np.random.seed(1)
    kernel.run(cells=drawing)
    wanted = kernel.names["first"], random.getstate(), float(np.random.random())
    random.seed(9)
    np.random.seed(9)
    assert kernel.run(cells=drawing)["cached"] is True
    assert (kernel.names["first"], random.getstate(), float(np.random.random())) == wanted


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_bytes(file.read_bytes() + b"x"), "was changed"),
        (lambda file: file.unlink(), "is gone"),
        (lambda file: (file.parents[2] / "model.txt").write_text("other"), "model.txt is not what it made"),
    ],
)
def test_what_was_changed_is_not_taken(home: Settings, workspace: Path, spoil: Callable[[Path], Any], why: str) -> None:
    kernel = Kernel(home)
    kernel.run()
    spoil(next((workspace / FOLDER).glob("*.pkl")))
    told = kernel.run()
    assert told["cached"] is False and why in told["why"]
    assert kernel.run()["cached"] is True


def test_what_cannot_be_stored_is_named_and_the_run_goes_on(home: Settings, workspace: Path) -> None:
    kernel, opening = Kernel(home), [cell("import threading\nx = 1\nlock = threading.Lock()", "stage:open")]
    told = kernel.run(cells=opening)
    assert (told["kept"], told["why"]) == (False, "“lock” cannot be stored (TypeError)")
    assert kernel.run(cells=opening)["cached"] is False
    assert list((workspace / FOLDER).iterdir()) == []


def test_names_that_a_stage_deletes_are_gone_afterwards(home: Settings, workspace: Path) -> None:
    kernel, cells = Kernel(home), [cell("big = 5"), cell("small = big\ndel big", "stage:cut")]
    kernel.run(cells=cells)
    assert kernel.run(cells=cells)["cached"] is True
    assert (kernel.names["small"], "big" in kernel.names) == (5, False)


def test_a_declared_input_that_changed_runs_the_stage_again(home: Settings, workspace: Path) -> None:
    reading = cell("text = Path('t.csv').read_text()", "stage:read", "input:t.csv")
    kernel, cells = Kernel(home), [cell("from pathlib import Path"), reading]
    (workspace / "t.csv").write_text("1")
    kernel.run(cells=cells)
    assert kernel.run(cells=cells)["cached"] is True
    (workspace / "t.csv").write_text("2")
    assert kernel.run(cells=cells)["cached"] is False
    assert kernel.names["text"] == "2"


def test_a_stage_that_failed_is_not_kept(home: Settings, workspace: Path) -> None:
    stages = Stages(home, "researcher", [], {}, lambda _: {})
    stages.begin([cell("x = 1", "stage:a")], "kernel")
    stages.restored(0, Kernel(home).ask)
    stages.keep(0, {"outputs": [{"output_type": "error"}]}, 1.0, Kernel(home).ask)
    assert not stages.folder.exists()


def test_a_kernel_that_the_gateway_does_not_know_keeps_nothing(home: Settings, workspace: Path) -> None:
    stages = Stages(home, "researcher", [], {}, lambda _: {})
    stages.begin([cell("x = 1", "stage:a")], "")
    assert stages.restored(0, Kernel(home).ask) is None
    assert stages.told == {}


@pytest.mark.parametrize(
    "lie",
    [
        None,
        {},
        {"kept": True},
        {"kept": True, "sha256": "0", "bytes": 1, "data": {}, "files": {"model.txt": "0"}, "gone": []},
        {"kept": True, "sha256": "0", "bytes": 1, "data": {"ct": 5}, "files": {"model.txt": "0"}, "gone": []},
    ],
)
def test_a_kernel_that_hides_which_data_it_read_keeps_nothing(home: Settings, workspace: Path, lie: Any) -> None:
    kernel = Kernel(home, {"ct": "ab" * 32})
    assert kernel.run(ask=lambda _: lie)["kept"] is False
    assert not list(home.home.glob("stages/*/*"))


def test_what_the_gateway_did_not_record_is_not_taken(home: Settings, workspace: Path) -> None:
    kernel = Kernel(home)
    kernel.run()
    record = next(home.home.glob("stages/researcher/*.json"))
    record.write_text(json.dumps(json.loads(record.read_text()) | {"data": {"ct": {"version": "v1"}}}))
    told = kernel.run(ask=lambda question: {"restored": True} if question["do"] == "restore" else kernel.ask(question))
    assert (told["cached"], told["why"]) == (False, "the gateway did not record that its data were read")


def test_only_so_many_stages_are_kept(home: Settings, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.benchmark.reports.stages.MAX_KEPT", 2)
    for seed in (1, 2, 3):
        Kernel(home).run(seed=seed)
    records = sorted(file.stem for file in home.home.glob("stages/researcher/*.json"))
    assert sorted(file.stem for file in (workspace / FOLDER).glob("*.pkl")) == records
    assert len(records) == 2


def test_a_draft_that_a_dead_kernel_left_goes_after_a_while(home: Settings, workspace: Path) -> None:
    (workspace / FOLDER).mkdir(parents=True)
    old, new = workspace / FOLDER / ".draft-old", workspace / FOLDER / ".draft-new"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    Kernel(home).run()
    assert (old.exists(), new.exists()) == (False, True)


@pytest.fixture
def granted(gateway: Settings, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lines, Kernel]]:
    """Give a kernel that read a controlled dataset under a grant and kept a stage."""
    with lines_of(gateway) as lines:
        fill(lines.operator(), "chest-ct", seeds=(1, 2))
        grant = lines.grant("researcher", "chest-ct")
        line = lines.kernel("researcher")
        monkeypatch.setenv(SOCKET_VARIABLE, str(gateway.socket))
        monkeypatch.setenv(TOKEN_VARIABLE, line.token)
        kernel = Kernel(gateway, {"chest-ct": line.get("/v1/datasets/chest-ct")["version"]})
        kernel.grant = grant["grant"] if "grant" in grant else grant["id"]  # type: ignore[attr-defined]
        assert kernel.run()["kept"] is True
        yield lines, kernel


def test_a_stage_made_from_data_is_taken_while_they_may_be_read(granted: tuple[Lines, Kernel]) -> None:
    lines, kernel = granted
    assert kernel.run()["cached"] is True


def test_a_stage_is_not_taken_once_the_grant_has_ended(granted: tuple[Lines, Kernel], workspace: Path) -> None:
    lines, kernel = granted
    lines.person("custodian").post(f"/v1/grants/{kernel.grant}/revoke", {"reason": "over"})  # type: ignore[attr-defined]
    told = kernel.run(ask=lambda question: None if question["do"] == "keep" else kernel.ask(question))
    assert (told["cached"], "may not be read any more" in told["why"] or told["kept"]) == (False, False)
    assert not list(kernel.settings.home.glob("stages/researcher/*.json"))


def test_a_stage_is_not_taken_under_another_grant(granted: tuple[Lines, Kernel]) -> None:
    lines, kernel = granted
    lines.person("custodian").post(f"/v1/grants/{kernel.grant}/revoke", {"reason": "over"})  # type: ignore[attr-defined]
    lines.grant("researcher", "chest-ct")
    assert kernel.run()["cached"] is False
    assert kernel.run()["cached"] is True


def test_a_stage_is_not_taken_once_there_is_a_newer_version(granted: tuple[Lines, Kernel]) -> None:
    lines, kernel = granted
    fill(lines.operator(), "chest-ct", seeds=(1, 2, 3))
    assert kernel.run()["cached"] is False


def test_a_stage_is_not_taken_once_a_subject_was_withdrawn(granted: tuple[Lines, Kernel]) -> None:
    lines, kernel = granted
    lines.person("custodian").post("/v1/datasets/chest-ct/subjects/P0001/withdraw", {"reason": "asked"})
    assert kernel.run()["cached"] is False


HIDDEN = """
class Net:
    weight = 0
    def fit(self, weight):
        self.weight = weight
        return weight
def train(net, weight):
    net.weight = weight
first, second, third, order, table = Net(), Net(), Net(), [3, 1, 2], np.zeros(2)
same = table
def go():
    third.weight = seed
"""


def test_what_a_stage_changes_without_binding_it_comes_back(home: Settings, workspace: Path) -> None:
    source = "loss = first.fit(seed)\ntrain(second, seed)\ngo()\norder[:] = sorted(order)\ntable += 1"
    cells = [cell("import numpy as np"), cell(HIDDEN), cell(source, "stage:train")]
    kernel = Kernel(home)
    assert kernel.run(cells=cells)["kept"] is True
    assert kernel.run(cells=cells)["cached"] is True
    names = kernel.names
    assert [names[name].weight for name in ("first", "second", "third")] == [7, 7, 7]
    assert (names["order"], names["same"].tolist(), names["same"] is names["table"]) == ([1, 2, 3], [1.0, 1.0], True)


def test_what_a_stage_makes_is_of_the_class_that_the_notebook_defines(home: Settings, workspace: Path) -> None:
    cells = [
        cell("class Net:\n    pass\nlimit = seed\ndef over():\n    return limit"),
        cell("net = Net()", "stage:make"),
    ]
    kernel = Kernel(home)
    kernel.run(cells=cells)
    assert kernel.run(cells=cells)["cached"] is True
    assert type(kernel.names["net"]) is kernel.names["Net"]


def test_a_stage_that_writes_what_it_reads_runs_again(home: Settings, workspace: Path) -> None:
    counting = cell(
        "n = int(Path('n.txt').read_text()) + 1\nx = Path('n.txt').write_text(str(n))", "stage:n", "input:n.txt"
    )
    kernel, cells = Kernel(home), [cell("from pathlib import Path"), counting]
    (workspace / "n.txt").write_text("1")
    assert [(kernel.run(cells=cells)["cached"], kernel.names["n"]) for _ in range(2)] == [(False, 2), (False, 3)]
