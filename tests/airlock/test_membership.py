"""The membership test's area and interval, worked out by hand; an over-fitted model is told, a regularised one not."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.airlock.evaluating import evaluate_model, losses_of, read_records
from workbench.airlock.findings import Finding, ScanContext
from workbench.airlock.membership import membership_auc, read_evaluation, write_evaluation
from workbench.airlock.scan import scan_file
from workbench.cli import main
from workbench.errors import InvalidInput

RNG = np.random.default_rng(11)


def test_the_area_is_the_share_of_pairs_in_which_the_member_lost_less() -> None:
    # 20 members at 1 to 20 against 20 others at 10.5: those at 1 to 10 lose less than every other, so half the pairs.
    found = membership_auc(range(1, 21), [10.5] * 20)
    assert found.auc == 0.5
    # DeLong: the members' shares are ten ones and ten zeros, variance 10/38; the others' are all one half, variance 0.
    assert found.high - found.auc == pytest.approx(1.959964 * (10 / 38 / 20) ** 0.5, abs=1e-6)


def test_ties_count_half_and_a_clear_difference_is_one() -> None:
    assert membership_auc([1.0] * 25, [1.0] * 25).auc == 0.5
    apart = membership_auc([0.1] * 25, [2.0] * 25)
    assert (apart.auc, apart.low, apart.high, apart.rate, apart.is_told_apart) == (1.0, 1.0, 1.0, 1.0, True)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    # Losses of both kinds are drawn alike, so the true area is 0.5.
    held = [
        abs(found.auc - 0.5) <= found.high - found.auc
        for found in (membership_auc(RNG.random(80), RNG.random(80)) for _ in range(400))
    ]
    assert 0.92 <= np.mean(held) <= 0.98


@pytest.mark.parametrize("losses", [[0.1] * 19, [0.1] * 24 + [float("nan")]])
def test_too_few_or_odd_losses_are_refused(losses: list[float]) -> None:
    with pytest.raises(InvalidInput, match=r"needs 20|finite"):
        membership_auc(losses, [0.2] * 30)


def test_an_evaluation_counts_for_its_own_model_only() -> None:
    written = write_evaluation("a" * 64, np.full(30, 0.1), np.full(30, 0.2), subjects=30)
    assert read_evaluation(written, "a" * 64)[1] == 30
    for content, sha256 in ((written, "b" * 64), (b"{}", "a" * 64), (written.replace(b"[0.1", b'["a"'), "a" * 64)):
        with pytest.raises(ValueError, match=r"another|malformed"):
            read_evaluation(content, sha256)


@pytest.mark.parametrize(
    ("said", "labels", "losses"),
    [
        ([[0.5, 0.5], [0.25, 0.75]], [0, 1], [np.log(2), np.log(4 / 3)]),
        ([[0.0, 0.0], [0.0, np.log(3)]], [0, 1], [np.log(2), np.log(4 / 3)]),
        ([[0.5], [0.75]], [0, 1], [np.log(2), np.log(4 / 3)]),
        ([[1.5], [2.0]], [1.0, 4.5], [0.25, 6.25]),
    ],
    ids=["chances", "scores", "one chance", "values"],
)
def test_the_loss_is_that_of_the_true_answer(said: Any, labels: Any, losses: Any) -> None:
    assert losses_of(np.array(said), np.array(labels, float)) == pytest.approx(losses)


def network(train: tuple[Any, Any], *, hidden: int, steps: int, decay: float) -> bytes:
    """Train a small classifier on the training rows and give it as ONNX."""
    import onnx
    import torch
    from onnx import helper, numpy_helper

    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(20, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 2))
    ready = torch.optim.AdamW(layers.parameters(), lr=0.01, weight_decay=decay)
    inputs, labels = torch.tensor(train[0], dtype=torch.float32), torch.tensor(train[1])
    for _ in range(steps):
        ready.zero_grad()
        torch.nn.functional.cross_entropy(layers(inputs), labels).backward()
        ready.step()
    weights = [value.detach().numpy() for value in layers.parameters()]
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "w1"], ["a"], transB=1),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Gemm", ["b", "w2", "w3"], ["y"], transB=1),
    ]
    ends = [helper.make_tensor_value_info(name, 1, [None, size]) for name, size in (("x", 20), ("y", 2))]
    kept = [numpy_helper.from_array(value, f"w{at}") for at, value in enumerate(weights)]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], kept)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    return bytes(onnx.ModelProto.SerializeToString(model))


def drawn(count: int, seed: int) -> tuple[Any, Any]:
    """Draw rows whose label depends on one column and on much chance."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 20))
    return rows, (rows[:, 0] + rng.normal(size=count) * 2 > 0).astype(np.int64)


def saved(folder: Path, name: str, rows: tuple[Any, Any]) -> Path:
    np.savez(folder / name, inputs=rows[0], labels=rows[1])
    return folder / f"{name}.npz"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return saved(tmp_path, "members", drawn(200, 1)), saved(tmp_path, "others", drawn(200, 2))


def judged(model: bytes, evaluation: bytes) -> list[Finding]:
    return scan_file("m.onnx", model, ScanContext(files={"m.onnx.evaluation.json": evaluation}))


def test_an_overfitted_model_is_stopped(files: tuple[Path, Path], bubblewrap: None) -> None:
    model = network(drawn(200, 1), hidden=128, steps=400, decay=0.0)
    found = judged(model, evaluate_model(model, *files, subjects=200))
    assert [finding.rule for finding in found if finding.is_stop] == ["membership"]
    assert any(finding.rule == "capacity" for finding in found)


def test_a_regularised_model_passes(tmp_path: Path, bubblewrap: None) -> None:
    model = network(drawn(1500, 1), hidden=4, steps=40, decay=1.0)
    files = saved(tmp_path, "members", drawn(1500, 1)), saved(tmp_path, "others", drawn(1500, 2))
    found = judged(model, evaluate_model(model, *files, subjects=1500))
    assert not any(finding.is_stop for finding in found)
    assert any(finding.rule == "membership" for finding in found)


def test_the_verb_runs_the_test_and_keeps_it(
    files: tuple[Path, Path], tmp_path: Path, bubblewrap: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(network(drawn(200, 1), hidden=128, steps=400, decay=0.0))
    words = ["scan", str(path), "--members", str(files[0]), "--others", str(files[1]), "--save", "--json"]
    assert main(words) == 16
    assert "membership" in {finding["rule"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    kept = json.loads((tmp_path / "m.onnx.evaluation.json").read_bytes())
    assert kept["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert main(["scan", str(path), "--json"]) == 16


def test_records_come_from_csv_too_and_odd_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,a,b\n1,2,3\n0,5,6\n")
    inputs, labels = read_records(tmp_path / "a.csv")
    assert (inputs.tolist(), labels.tolist()) == ([[2, 3], [5, 6]], [1, 0])
    np.save(tmp_path / "b.npy", np.array([object()]), allow_pickle=True)
    (tmp_path / "c.npz").write_bytes(io.BytesIO(b"PK").getvalue())
    for name in ("b.npy", "c.npz", "none.csv"):
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_records(tmp_path / name)
