"""A rank on a GPU learns by nccl in mixed precision, and goes on from a checkpoint to the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("distributed")

from workbench.compute.fitting import initial_network  # noqa: E402
from workbench.compute.ranks.examples_feed import ExamplesFeed  # noqa: E402
from workbench.compute.ranks.loop import Work, run_steps  # noqa: E402
from workbench.compute.ranks.meeting import Meeting, joined  # noqa: E402
from workbench.compute.ranks.plan import Plan  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use on this machine")


class Stopped(Exception):
    """What stops a run in this test."""


def learn(checkpoint: Path, steps: int | None = None) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Learn as the one rank of a group, to the end or for some steps."""
    draw = np.random.default_rng(1)
    patches = draw.random((24, 1, 32, 32, 32), dtype=np.float32)
    patches[:8, :, 12:20, 12:20, 12:20] += 0.5
    feed = ExamplesFeed(patches, np.repeat([1, 0], [8, 16]))
    plan = Plan("gpu", 7, 2, 8, 4e-3, "bf16", 1, "data", "network")
    work = Work(plan, initial_network(7), feed, str(checkpoint), 3)
    left = iter(range(plan.steps if steps is None else steps))

    def check() -> None:
        if next(left, None) is None:
            raise Stopped

    meeting = Meeting()
    meeting.tell("going", "1")
    with joined(meeting.port, 0, 1, torch.device("cuda", 0)) as place:
        return run_steps(work, place, lambda told: None, check)


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole, losses = learn(tmp_path / "whole.ckpt")
    with pytest.raises(Stopped):
        learn(tmp_path / "run.ckpt", 7)
    resumed, told = learn(tmp_path / "run.ckpt")
    assert losses == told and losses[-1] < losses[0]
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
