"""Random patches from scans, half of chance and half of a plan: so many positives a batch, the rest from elsewhere.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.compute.loading.scans import AsHu, OpenScan, TrainingScan
from workbench.errors import InvalidInput
from workbench.imaging import extract_patches

if TYPE_CHECKING:
    import torch

TARGETS = ("patch", "voxels")
MAX_WORKERS = 32
MAX_BATCH = 4096
# A scan that is nearly full of positives has hardly a place without: after so many tries the last is taken.
TRIES = 50
HALF = 0.5


class PatchLoader:
    """Draw batches of random patches; give it to `wb.train`, or go through `batches` yourself.

    A batch is a function of seed, step and rank alone: the number of reading processes, their speed and what was
    read before change nothing.

    Parameters
    ----------
    scans : sequence of TrainingScan
        Where patches are cut; at least one with a positive.
    size : int, default 32
        Edge of a patch in voxels, 4 to 128.
    spacing_mm : float, default 1.25
        Spacing of a patch's voxels.
    batch : int, default 32
        Patches of a batch, 1 to 4096.
    positive_share : float, default 0.25
        Share of a batch around positives, above 0, at most 1; rounded to whole patches, at least one.
    target : str, default "patch"
        ``patch``: wanted is 1 or 0 for each patch. ``voxels``: wanted is the mask in each patch, and each scan has one.
    augmented : bool, default True
        Whether patches are turned by 90° about z, mirrored and shifted by up to a voxel.
    jitter_mm : float, default 2.0
        By how much a patch's centre lies off its positive at most, along each axis.
    workers : int, default 0
        Processes that read ahead, each by a line of its own to the gateway; 0 reads in this process.
    name : str
        What a model learnt from it is called.

    Raises
    ------
    InvalidInput
        When a value is out of its range, or no scan has a positive.

    Examples
    --------
    >>> scan = TrainingScan(np.zeros((40, 40, 40), np.int16), positives=[(20, 20, 20)], spacing_mm=(1.0, 1.0, 1.0))
    >>> inputs, wanted = PatchLoader([scan], size=8, batch=4).batch_of(seed=1, step=0)
    >>> inputs.shape, wanted.tolist()
    ((4, 1, 8, 8, 8), [0.0, 0.0, 0.0, 1.0])
    """

    def __init__(
        self, scans: Sequence[TrainingScan], *, size: int = 32, spacing_mm: float = 1.25, batch: int = 32,
        positive_share: float = 0.25, target: str = "patch", augmented: bool = True, jitter_mm: float = 2.0,
        workers: int = 0, name: str = "random-patches",
    ) -> None:  # fmt: skip
        _check_whole(size=(size, 4, 128), batch=(batch, 1, MAX_BATCH), workers=(workers, 0, MAX_WORKERS))
        if not 0 < positive_share <= 1 or not 0 <= jitter_mm < 100 or not 0 < spacing_mm < 100:
            raise InvalidInput(
                "positive_share lies above 0 and at most at 1, jitter_mm from 0 and spacing_mm above 0, below 100; got "
                f"{positive_share!r}, {jitter_mm!r} and {spacing_mm!r}."
            )
        if target not in TARGETS:
            raise InvalidInput(f"target is “patch” (one label each) or “voxels” (a mask each); got {target!r}.")
        if target == "voxels" and any(scan.mask is None for scan in scans):
            raise InvalidInput("The target “voxels” needs a mask with every scan; give mask=…, or the target “patch”.")
        self.scans, self.size, self.spacing_mm, self.batch = tuple(scans), size, float(spacing_mm), batch
        self.target, self.augmented, self.jitter_mm = target, augmented, float(jitter_mm)
        self.workers, self.id = workers, name
        self.positives_per_batch = max(1, round(batch * positive_share))
        if not any(scan.mask is not None or len(scan.positives) for scan in self.scans):
            raise InvalidInput("No scan has a positive to learn from; give positives=… or mask=… with at least one.")

    @cached_property
    def fingerprint(self) -> str:
        """Name the scans and how patches are drawn from them."""
        drawn = (self.size, self.spacing_mm, self.batch, self.positives_per_batch, self.target, self.augmented,
                 self.jitter_mm)  # fmt: skip
        lines = [repr(drawn), *(scan.fingerprint for scan in self.scans)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def batches(
        self, seed: int, rank: int = 0, first: int = 0, stop: int = 100
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Give the batches of a rank for the steps from `first` up to, not including, `stop`, read ahead by workers."""
        from workbench.compute.loading.reading import read_ahead  # noqa: PLC0415 - torch, on first use

        return read_ahead(self, seed, rank, first, stop)

    def batch_of(self, seed: int, step: int, rank: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give one batch.

        Parameters
        ----------
        seed, step, rank : int
            What it is a function of.

        Returns
        -------
        ndarray, float32, shape (batch, 1, size, size, size)
            −1000 HU is 0 and 400 HU is 1; negatives first.
        ndarray, float32, shape (batch,), or (batch, size, size, size) for the target ``voxels``
            What is true.
        """
        draw = np.random.default_rng([seed, step, rank])
        negatives = self.batch - self.positives_per_batch
        inputs = np.empty((self.batch, 1, self.size, self.size, self.size), np.float32)
        wanted = np.repeat(np.array([0, 1], np.float32), (negatives, self.positives_per_batch))
        masks = np.empty((self.batch, self.size, self.size, self.size), np.float32) if self.target == "voxels" else None
        for number, is_positive in enumerate(wanted > HALF):
            scan, centre = self._place(draw, is_positive=bool(is_positive))
            turn = int(draw.integers(2**63))
            inputs[number, 0] = self._cut(scan.image, scan, centre, turn)
            if masks is not None:
                masks[number] = self._cut(AsHu(scan.mask), scan, centre, turn) >= HALF
        return inputs, wanted if masks is None else masks

    def _cut(self, image: object, scan: OpenScan, centre: NDArray[np.float64], turn: int) -> NDArray[np.float32]:
        """Give one patch; image and mask are turned alike under the same number."""
        from workbench.compute.fitting import augment  # noqa: PLC0415 - torch, on first use

        cut = extract_patches(image, scan.spacing_mm, centre[None], size=self.size, spacing=self.spacing_mm)[0, 0]  # type: ignore[arg-type]
        return augment(cut, np.random.default_rng(turn)) if self.augmented else cut

    def _place(self, draw: np.random.Generator, *, is_positive: bool) -> tuple[OpenScan, NDArray[np.float64]]:
        """Draw a scan and a centre in it, (z, y, x) in voxels."""
        if is_positive:
            scan = self._with_positives[int(draw.integers(len(self._with_positives)))]
            place = scan.places[int(draw.integers(len(scan.places)))]
            off = draw.uniform(-self.jitter_mm, self.jitter_mm, 3)
            return scan, place + off / np.asarray(scan.spacing_mm)
        scan = self.scans[int(draw.integers(len(self.scans)))].open()
        for _ in range(TRIES):
            centre = draw.uniform(0, np.asarray(scan.image.shape) - 1)
            if scan.is_clear(centre, self.size * self.spacing_mm / 2):
                break
        return scan, centre

    @cached_property
    def _with_positives(self) -> list[OpenScan]:
        opened = [scan.open() for scan in self.scans if scan.mask is not None or len(scan.positives)]
        found = [scan for scan in opened if len(scan.places)]
        if not found:
            raise InvalidInput(
                "The masks of all scans are empty, so there is nothing to learn; give one with voxels above 0."
            )
        return found

    def __getstate__(self) -> dict[str, object]:
        """Travel to another process without what was opened here."""
        return {name: value for name, value in self.__dict__.items() if name != "_with_positives"}

    def __repr__(self) -> str:
        """Say what it draws in one line."""
        return (
            f"<PatchLoader {self.id}: {self.batch} patches of {self.size}³ voxels at {self.spacing_mm:g} mm a batch, "
            f"{self.positives_per_batch} positive, from {len(self.scans)} scans>"
        )


def _check_whole(**values: tuple[int, int, int]) -> None:
    for name, (value, low, high) in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidInput(f"{name} must be a whole number from {low} to {high}; got {value!r}.")
