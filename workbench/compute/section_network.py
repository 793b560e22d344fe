"""The default network for segmentation: a small U-Net that sees one axial section at a time.

Runs in: kernel
Source: Ronneberger, Fischer and Brox, U-Net, MICCAI (2015) 234.
"""

from __future__ import annotations

import torch
from torch import nn


class SectionNet(nn.Module):
    """Mark a structure in sections: input float32 (n, 1, 128, 128) in 0..1, output one logit a pixel, (n, 128, 128).

    Parameters
    ----------
    width : int
        Channels at full resolution; they double with each of the three coarser ones.
    """

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        sizes = [width * 2**level for level in range(4)]
        self.down = nn.ModuleList(_pair(a, b) for a, b in zip([1, *sizes], sizes, strict=False))
        self.up = nn.ModuleList(_pair(sizes[n] + sizes[n + 1], sizes[n]) for n in reversed(range(3)))
        self.pool = nn.MaxPool2d(2)
        self.wider = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, sections: torch.Tensor) -> torch.Tensor:
        """Give one logit a pixel, shape (n, 128, 128)."""
        image, kept = sections * 2.0 - 1.0, []
        for level, block in enumerate(self.down):
            image = block(image if level == 0 else self.pool(image))
            kept.append(image)
        for block, finer in zip(self.up, reversed(kept[:-1]), strict=True):
            image = block(torch.cat((finer, self.wider(image)), dim=1))
        logits: torch.Tensor = self.head(image).squeeze(1)
        return logits


class Marked(nn.Module):
    """Give the probability of a network at every pixel, shape (n, 128, 128)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, sections: torch.Tensor) -> torch.Tensor:
        """Give one probability a pixel, 0..1."""
        return torch.sigmoid(self.network(sections))


def _pair(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions, each with its normalisation."""
    layers: list[nn.Module] = []
    for before in (inputs, outputs):
        layers += [nn.Conv2d(before, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
