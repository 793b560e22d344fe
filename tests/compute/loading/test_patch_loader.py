"""Batches of random patches depend on seed, step and rank alone, wherever scans lie and however many processes read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from workbench.compute.loading.patch_loader import PatchLoader
from workbench.compute.loading.scans import TrainingScan
from workbench.compute.training import train
from workbench.data.catalogue import dataset
from workbench.errors import AccessDenied, InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.nifti import write_nifti

SPACING = (2.0, 1.0, 1.0)
CENTRE = (12.0, 30.0, 24.0)
SMALL: dict[str, Any] = {"size": 8, "spacing_mm": 1.5, "batch": 8}


def made_scan() -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Draw a bright ball of 5 mm in a dark block, with its mask."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in (24, 60, 48)), indexing="ij")
    away = ((z - CENTRE[0]) * 2.0) ** 2 + (y - CENTRE[1]) ** 2 + (x - CENTRE[2]) ** 2
    mask = (away <= 25).astype(np.uint8)
    hu = np.random.default_rng(4).integers(-900, -700, mask.shape) + 800 * mask.astype(np.int64)
    return hu.astype(np.int16), mask


@pytest.fixture(scope="module")
def hu() -> NDArray[np.int16]:
    return made_scan()[0]


@pytest.fixture(scope="module")
def mask() -> NDArray[np.uint8]:
    return made_scan()[1]


def write_mha(file: Path, values: NDArray[Any], kind: str) -> Path:
    """Write a MetaImage file by hand."""
    z, y, x = values.shape
    head = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = {x} {y} {z}\nElementSpacing = 1 1 2\n"
    file.write_bytes(f"{head}ElementType = {kind}\nElementDataFile = LOCAL\n".encode() + values.tobytes())
    return file


def loader(image: Any, **more: Any) -> PatchLoader:
    spacing = SPACING if isinstance(image, np.ndarray) else None
    return PatchLoader([TrainingScan(image, positives=[CENTRE], spacing_mm=spacing)], **{**SMALL, **more})


def collected(drawn: PatchLoader, steps: int = 4, rank: int = 0) -> list[torch.Tensor]:
    return [part for batch in drawn.batches(5, rank, 0, steps) for part in batch]


def alike(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_arrays_nifti_and_metaimage_give_the_same_batches(hu: NDArray[np.int16], tmp_path: Path) -> None:
    geometry = Geometry(hu.shape, SPACING, (0.0, 0.0, 0.0))  # type: ignore[arg-type]
    (tmp_path / "scan.nii.gz").write_bytes(write_nifti(hu, geometry))
    write_mha(tmp_path / "scan.mha", hu, "MET_SHORT")
    expected = collected(loader(hu))
    assert alike(collected(loader(tmp_path / "scan.nii.gz")), expected)
    assert alike(collected(loader(str(tmp_path / "scan.mha"))), expected)


def test_any_number_of_reading_processes_gives_the_same_batches(hu: NDArray[np.int16]) -> None:
    assert alike(collected(loader(hu, workers=2), 5), collected(loader(hu), 5))


def test_a_run_that_goes_on_gets_the_batches_it_would_have_had(hu: NDArray[np.int16]) -> None:
    later = [part for batch in loader(hu).batches(5, 0, 2, 4) for part in batch]
    assert alike(later, collected(loader(hu))[4:])


def test_ranks_seeds_and_steps_get_batches_of_their_own(hu: NDArray[np.int16]) -> None:
    drawn = loader(hu)
    first = drawn.batch_of(5, 0, 0)[0]
    assert not any(np.array_equal(first, drawn.batch_of(*which)[0]) for which in ((5, 0, 1), (6, 0, 0), (5, 1, 0)))


def test_positives_show_what_is_looked_for_and_negatives_do_not(hu: NDArray[np.int16]) -> None:
    inputs, wanted = loader(hu, batch=16, positive_share=0.5).batch_of(1, 0)
    # The ball is at -100 to 100 HU, all else below -700: 0.2 lies between them.
    is_bright = (inputs[:, 0, 2:6, 2:6, 2:6] > 0.3).any(axis=(1, 2, 3))
    assert wanted.sum() == 8 and np.array_equal(is_bright, wanted > 0.5)


def test_masks_are_cut_and_turned_with_their_scans(hu: NDArray[np.int16], mask: NDArray[np.uint8]) -> None:
    scan = TrainingScan(hu, mask=mask, spacing_mm=SPACING)
    inputs, wanted = PatchLoader([scan], target="voxels", positive_share=1.0, **SMALL).batch_of(3, 0)
    # Halfway between inside (about 0) and outside (about -800 HU): -400 HU is 0.43 of the scale.
    assert wanted.shape == (8, 8, 8, 8) and wanted.any()
    assert (wanted > 0.5).mean() == pytest.approx((inputs[:, 0] > 0.43).mean(), abs=0.02)
    assert ((wanted > 0.5) == (inputs[:, 0] > 0.43)).mean() > 0.97


def test_a_loader_travels_without_what_it_has_open(hu: NDArray[np.int16]) -> None:
    drawn = loader(hu)
    before = drawn.batch_of(1, 1)[0]
    copied = pickle.loads(pickle.dumps(drawn))  # noqa: S301 - written a moment ago
    assert np.array_equal(copied.batch_of(1, 1)[0], before) and copied.fingerprint == drawn.fingerprint


def test_other_scans_and_other_ways_to_draw_have_other_names(hu: NDArray[np.int16]) -> None:
    names = {loader(hu).fingerprint, loader(hu + 1).fingerprint, loader(hu, size=9).fingerprint}
    assert len(names) == 3


def test_it_learns_from_a_loader_and_the_same_seed_gives_the_same_weights(hu: NDArray[np.int16]) -> None:
    options: dict[str, Any] = {"seed": 2, "epochs": 2, "batches": 4}
    drawn = loader(hu, size=32, spacing_mm=0.5, batch=8, positive_share=0.5)
    model = train(drawn, **options)
    assert model.history[-1].loss < model.history[0].loss and (model.examples, model.positives) == (64, 32)
    assert model.fingerprint == train(drawn, **options).fingerprint


def test_governed_volumes_are_drawn_from_under_the_grant(in_kernel: Callable[..., Any]) -> None:
    in_kernel("researcher")
    volume = next(iter(dataset("clinic-ct").volumes()))
    middle = tuple(n / 2 for n in volume.shape)
    drawn = PatchLoader([TrainingScan(volume, positives=[middle])], batch=4, size=8, workers=1)
    expected = PatchLoader(
        [TrainingScan(volume.read(), positives=[middle], spacing_mm=volume.spacing_mm)], batch=4, size=8
    )
    assert alike(collected(drawn, 2), collected(expected, 2))
    assert drawn.fingerprint != expected.fingerprint


def test_a_governed_volume_without_a_grant_gives_no_batch(in_kernel: Callable[..., Any]) -> None:
    in_kernel("researcher")
    volume = next(iter(dataset("clinic-ct").volumes()))
    drawn = PatchLoader([TrainingScan(volume, positives=[(4, 4, 4)])], batch=4, size=8)
    in_kernel("reviewer")
    with pytest.raises(AccessDenied):
        drawn.batch_of(1, 0)


@pytest.mark.parametrize(
    ("folder", "image", "mask"),
    [
        ("ct-elastix-lung", "Data/3DCT_lung_baseline_small.mha", None),
        ("ct-totalseg", "example_ct_sm.nii.gz", "example_seg.nii.gz"),
    ],
)
def test_it_learns_from_real_scans(
    shared_data: Callable[[str], Path], folder: str, image: str, mask: str | None
) -> None:
    root = shared_data(folder)
    scan = TrainingScan(root / image, positives=() if mask else [(40, 60, 60)], mask=root / mask if mask else None)
    model = train(PatchLoader([scan], batch=4, name=folder), seed=1, epochs=1, batches=1)
    assert np.isfinite(model.history[0].loss) and model.task == folder


@pytest.mark.parametrize(
    "wrong",
    [{"size": 3}, {"batch": 0}, {"workers": 33}, {"positive_share": 0.0}, {"target": "box"}, {"target": "voxels"},
     {"spacing_mm": 0.0}, {"batch": True}],
)  # fmt: skip
def test_values_out_of_range_are_refused(hu: NDArray[np.int16], wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        loader(hu, **wrong)


def test_scans_without_a_positive_are_refused(hu: NDArray[np.int16]) -> None:
    with pytest.raises(InvalidInput, match="No scan has a positive"):
        PatchLoader([TrainingScan(hu, spacing_mm=SPACING)])
    empty = TrainingScan(hu, mask=np.zeros_like(hu), spacing_mm=SPACING)
    with pytest.raises(InvalidInput, match="masks of all scans are empty"):
        PatchLoader([empty], **SMALL).batch_of(0, 0)


def test_a_mask_on_another_grid_is_refused(hu: NDArray[np.int16], mask: NDArray[np.uint8]) -> None:
    scan = TrainingScan(hu, mask=mask[1:], spacing_mm=SPACING)
    with pytest.raises(InvalidInput, match=r"shape \(23, 60, 48\) and its scan \(24, 60, 48\)"):
        PatchLoader([scan], **SMALL).batch_of(0, 0)


def test_an_array_without_spacing_and_an_unknown_file_are_refused(hu: NDArray[np.int16], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="give spacing_mm"):
        TrainingScan(hu, positives=[CENTRE]).open()
    with pytest.raises(InvalidInput, match="neither NIfTI"):
        TrainingScan(tmp_path / "scan.png", positives=[CENTRE]).open()
    with pytest.raises(InvalidInput, match="cannot be read"):
        TrainingScan(tmp_path / "gone.nii.gz", positives=[CENTRE]).open()


def test_the_default_network_takes_its_own_size_alone(hu: NDArray[np.int16]) -> None:
    with pytest.raises(InvalidInput, match=r"pass network=… for patches of 8 voxels|takes patches of 32"):
        train(loader(hu), epochs=1, batches=1)
