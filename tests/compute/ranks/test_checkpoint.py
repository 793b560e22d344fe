"""A checkpoint is whole or not there, goes on to the same bits, and is refused when damaged or foreign."""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from workbench.compute.model import TrainedModel
from workbench.compute.ranks.checkpoint import DIGEST_BYTES, MAGIC, PARTS, read_checkpoint, write_checkpoint
from workbench.compute.ranks.examples_feed import ExamplesFeed
from workbench.compute.ranks.loop import Told, Work, run_steps
from workbench.compute.ranks.meeting import Place
from workbench.compute.ranks.plan import Plan
from workbench.compute.training import train
from workbench.errors import Conflict, IntegrityError, InvalidInput, RunFailed, WorkbenchError

sys.path.insert(0, str(Path(__file__).parent))
from rank_cases import STEPS, BrightCubes, tiny

PLAN = Plan("bright-cubes", 7, 3, 8, 4e-3, "fp32", 1, "data", "network")


def learn(checkpoint: Path | None, **more: Any) -> TrainedModel:
    options: dict[str, Any] = {"network": tiny(), "seed": 7, **STEPS, **more}
    return train(BrightCubes(), checkpoint=checkpoint, **options)


class Stopped(Exception):
    """What stops a run in these tests."""


def stop_after(step: int, path: Path) -> None:
    """Learn a few steps of the plan and stop without a word, as a killed process does."""
    examples = BrightCubes().examples("train")
    work = Work(PLAN, tiny(), ExamplesFeed(examples.inputs, examples.labels), str(path), 3)
    asked = iter(range(step))

    def check() -> None:
        if next(asked, None) is None:
            raise Stopped

    with pytest.raises(Stopped):
        run_steps(work, Place(0, 1, torch.device("cpu")), lambda told: None, check)


def go_on(path: Path) -> tuple[dict[str, torch.Tensor], list[float], list[Told]]:
    """Learn to the end from wherever the checkpoint stands; give what was told, too."""
    examples, told = BrightCubes().examples("train"), list[Told]()
    work = Work(PLAN, tiny(), ExamplesFeed(examples.inputs, examples.labels), str(path), 3)
    return (*run_steps(work, Place(0, 1, torch.device("cpu")), told.append), told)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the checkpoint of a finished run."""
    path = tmp_path_factory.mktemp("run") / "run.ckpt"
    learn(path)
    return path


@pytest.mark.parametrize("step", [4, 8, 14])
def test_a_stopped_run_goes_on_to_the_same_bits(step: int, tmp_path: Path) -> None:
    whole, losses, _ = go_on(tmp_path / "whole.ckpt")
    stop_after(step, tmp_path / "run.ckpt")
    resumed, told_losses, told = go_on(tmp_path / "run.ckpt")
    assert all(torch.equal(resumed[name], whole[name]) for name in whole) and told_losses == losses
    # It went on from the last third step, and did not begin anew.
    assert [one.number for one in told if one.kind == "checkpoint"][0] == step // 3 * 3 + 3


def test_the_checkpoint_holds_all_that_a_run_needs(finished: Path) -> None:
    content = finished.read_bytes()
    found = torch.load(io.BytesIO(content[len(MAGIC) + DIGEST_BYTES :]), weights_only=True)
    assert found.keys() == PARTS
    assert found["step"] == 24 and found["sampler"] == {"next_step": 24, "seed": 7, "world_size": 1}
    assert {"task", "ranks", "data"} <= found["plan"].keys() and found["optimiser"]["state"]


def test_a_checkpoint_changes_no_bit_of_the_result(finished: Path) -> None:
    assert learn(None, ranks=1).fingerprint == learn(finished).fingerprint


def test_nothing_is_left_beside_a_checkpoint(finished: Path) -> None:
    assert [file.name for file in finished.parent.iterdir()] == ["run.ckpt"]


def flipped(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize("damage", [flipped, lambda content: content[: len(content) // 2]])
def test_a_damaged_checkpoint_is_refused(finished: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    (tmp_path / "run.ckpt").write_bytes(damage(finished.read_bytes()))
    with pytest.raises(IntegrityError, match="“run.ckpt” is damaged; remove it and train anew"):
        learn(tmp_path / "run.ckpt")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", pickle.dumps({"model": 1})])
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(IntegrityError, match="“notes.txt” is not a checkpoint of the workbench"):
        learn(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_bytes() == content


class Evil:
    """What runs code when it is unpickled carelessly."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Give what would be called."""
        return os.mkdir, ("/tmp/run-by-a-checkpoint",)  # noqa: S108 - must never come to be


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    import hashlib

    buffer = io.BytesIO()
    torch.save({name: Evil() for name in PARTS}, buffer)
    content = buffer.getvalue()
    (tmp_path / "run.ckpt").write_bytes(MAGIC + hashlib.sha256(content).digest() + content)
    with pytest.raises(IntegrityError, match="other things than weights and numbers; it is not loaded"):
        learn(tmp_path / "run.ckpt")
    assert not Path("/tmp/run-by-a-checkpoint").exists()  # noqa: S108 - the same


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 8}, "seed was 7, now 8"),
        ({"precision": "bf16"}, "precision was fp32, now bf16"),
        ({"epochs": 4}, "epochs was 3, now 4"),
        ({"network": tiny().append(torch.nn.Identity())}, "the network is another"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(finished: Path, other: dict[str, Any], said: str) -> None:
    with pytest.raises(Conflict, match=f"is of another run .*{said}"):
        learn(finished, **other)


def test_the_checkpoint_of_other_data_and_of_another_world_is_refused(finished: Path) -> None:
    plan = replace(PLAN, ranks=2)
    with pytest.raises(Conflict, match="the number of ranks was 1, now 2; data is another"):
        read_checkpoint(finished, plan)


def test_a_checkpoint_can_be_replaced(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "run.ckpt").write_bytes(finished.read_bytes())
    assert learn(tmp_path / "run.ckpt", seed=8, resume=False).seed == 8


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder; name a file"):
        learn(tmp_path)


def test_a_place_that_cannot_be_written_is_told_and_the_old_one_stays(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.ckpt"
    path.write_bytes(finished.read_bytes())
    before = read_checkpoint(path, learnt_plan(path))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkbenchError, match=r"cannot be written \(no space left on device\)"):
        write_checkpoint(path, before)
    assert path.read_bytes() == finished.read_bytes() and [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]


def learnt_plan(path: Path) -> Plan:
    content = path.read_bytes()[len(MAGIC) + DIGEST_BYTES :]
    return Plan(**torch.load(io.BytesIO(content), weights_only=True)["plan"])


def test_mixed_precision_learns_and_is_the_same_each_time() -> None:
    mixed = learn(None, precision="bf16")
    assert mixed.history[-1].loss < mixed.history[0].loss
    assert mixed.fingerprint == learn(None, precision="bf16").fingerprint != learn(None, ranks=1).fingerprint
    assert all(tensor.dtype != torch.bfloat16 for tensor in mixed.network.state_dict().values())


@pytest.mark.parametrize("wrong", [{"precision": "fp16"}, {"ranks": 0}, {"ranks": True}, {"checkpoint_every": 0}])
def test_values_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        learn(None, **wrong)


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    task = BrightCubes()
    task.examples("train").inputs[:] = np.nan
    with pytest.raises(RunFailed, match="loss is nan in epoch 1"):
        train(task, network=tiny(), ranks=1, epochs=1, batches=1)
