"""The default network: a small 3D convolutional classifier of candidate patches.

Runs in: kernel
Source: the idea of a small 3D network for false-positive reduction follows Dou et al., IEEE TBME 64 (2017) 1558.
"""

from __future__ import annotations

import torch
from torch import nn

PATCH = 32
SEEN = 24


class PatchNet(nn.Module):
    """Score candidate patches: input float32 (n, 1, 32, 32, 32) in 0..1, output one logit each, shape (n,).

    Parameters
    ----------
    width : int
        Channels of the first layer; the others are multiples of it.
    """

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(1, width, kernel=5, stride=2),
            *_block(width, 2 * width, stride=2),
            *_block(2 * width, 4 * width),
            *_block(4 * width, 4 * width),
        )
        # The mean says what surrounds the candidate, the centre says what it is.
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(8 * width, 1))

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Give one logit per patch, shape (n,)."""
        # The middle 30 mm tell a nodule from a vessel; the rest costs more than half of the time.
        edge = (PATCH - SEEN) // 2
        middle = patches[:, :, edge : edge + SEEN, edge : edge + SEEN, edge : edge + SEEN] * 2.0 - 1.0
        maps = self.features(middle)
        centre = maps[:, :, 2:4, 2:4, 2:4].mean(dim=(2, 3, 4))
        joined = torch.cat((maps.mean(dim=(2, 3, 4)), centre), dim=1)
        logits: torch.Tensor = self.head(joined).squeeze(1)
        return logits


class Mirrored(nn.Module):
    """Give the probability of a network as the mean over the patch and its three mirror images, shape (n,)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Give one probability per patch, 0..1."""
        mirrored = [patches, *(torch.flip(patches, dims=(axis,)) for axis in (2, 3, 4))]
        logits = torch.stack([self.network(each) for each in mirrored])
        return torch.sigmoid(logits.mean(dim=0))


def _block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv3d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)
