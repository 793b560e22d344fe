"""The peer of the training benchmark: the same network and batches under torchrun, as its manual writes such a loop.

`python -m torch.distributed.run --nproc-per-node 2 training_torchrun.py FOLDER STEPS` writes FOLDER/torchrun.npy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as group
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parent))
from training_feed import SEED, TimedFeed, bright_cubes

from workbench.compute.fitting import initial_network


def main(folder: Path, steps: int) -> None:
    """Learn so many steps."""
    group.init_process_group("gloo")
    rank = group.get_rank()
    torch.set_num_threads(1)
    model = DistributedDataParallel(initial_network(SEED).train())
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
    loss_of = torch.nn.BCEWithLogitsLoss()
    for inputs, wanted in TimedFeed(bright_cubes(), str(folder / "torchrun.npy")).batches(SEED, rank, 0, steps):
        loss = loss_of(model(inputs), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    group.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
