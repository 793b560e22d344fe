"""Each way to prepare a scan, in a process of its own: one line in, CPU seconds and memory out.

`python compute_subjects.py STEP SUBJECT VOLUME.npy` makes ready, says so, and works once for each line it reads.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPACING, NEW = (1.25, 0.7, 0.7), (1.0, 1.0, 1.0)
LEVEL, WIDTH, THRESHOLD_HU = -600.0, 1500.0, -400
EDGE, PATCHES = 96, 600
Job = Callable[[], Any]
Volume = NDArray[np.int16]


def scan_like(shape: tuple[int, int, int] = (300, 512, 512)) -> Volume:
    """Give a chest in air: two lungs with vessels, and the noise of a scanner."""
    rng = np.random.default_rng(7)
    z, y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    noise = rng.normal(0, 18, (16, *shape[1:])).astype(np.float32)
    vessels = rng.random((16, *shape[1:]), dtype=np.float32) < 0.01
    body = (y[:, None] / 0.72) ** 2 + (x[None, :] / 0.9) ** 2 < 1
    voxels = np.empty(shape, np.int16)
    for index, height in enumerate(z):
        left, right = (
            ((np.abs(x[None, :] - side) / 0.3) ** 2 + (y[:, None] / 0.5) ** 2 + (height / 0.95) ** 2) < 1
            for side in (-0.42, 0.42)
        )
        plane = np.where(body, np.where((left | right) & ~vessels[index % 16], -850, 40), -1000)
        voxels[index] = plane + np.roll(noise[index % 16], 37 * index, axis=1)
    return voxels


def _new_shape(volume: Volume) -> tuple[int, int, int]:
    from workbench.imaging.resampling import resampled_grid

    return resampled_grid(volume.shape, SPACING, NEW).shape


def copy(volume: Volume) -> Job:
    target = np.full_like(volume, 1)
    return lambda: np.copyto(target, volume)


def copy_fresh(volume: Volume) -> Job:
    return volume.copy


def ours_resample(order: str, dtype: str = "int16", *, fresh: bool = False) -> Callable[[Volume], Job]:
    def make(volume: Volume) -> Job:
        from workbench.imaging.resampling import resample

        target = None if fresh else np.full(_new_shape(volume), 1, dtype)
        return lambda: resample(volume, SPACING, NEW, order=order, out=target, dtype=dtype)

    return make


def torch_resample(volume: Volume) -> Job:
    import torch

    torch.set_num_threads(1)
    old, size = torch.from_numpy(volume)[None, None], _new_shape(volume)
    return lambda: torch.nn.functional.interpolate(old.float(), size, mode="trilinear", align_corners=False)


def itk_resample(kind: str) -> Callable[[Volume], Job]:
    def make(volume: Volume) -> Job:
        import SimpleITK as itk

        itk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        image = itk.GetImageFromArray(volume)
        image.SetSpacing(SPACING[::-1])
        size = [int(n) for n in _new_shape(volume)[::-1]]
        return lambda: itk.Resample(image, size, itk.Transform(), getattr(itk, kind), image.GetOrigin(), NEW[::-1])

    return make


def skimage_resample(order: int) -> Callable[[Volume], Job]:
    def make(volume: Volume) -> Job:
        from skimage.transform import resize

        size = _new_shape(volume)
        return lambda: resize(
            volume, size, order=order, mode="edge", preserve_range=True, anti_aliasing=False, clip=False
        )

    return make


def scipy_resample(order: int) -> Callable[[Volume], Job]:
    def make(volume: Volume) -> Job:
        from scipy import ndimage

        factors = [m / n for m, n in zip(_new_shape(volume), volume.shape, strict=True)]
        return lambda: ndimage.zoom(volume, factors, order=order)

    return make


def monai_resample(volume: Volume) -> Job:
    spacing, image = _monai(volume)
    return lambda: spacing(image)


def _monai(volume: Volume) -> tuple[Any, Any]:
    import torch
    from monai.data import MetaTensor
    from monai.transforms import Spacing

    torch.set_num_threads(1)
    image = MetaTensor(torch.from_numpy(volume)[None], affine=torch.diag(torch.tensor([*SPACING, 1.0])))
    return Spacing(pixdim=NEW, mode="bilinear"), image


def torchio_resample(volume: Volume) -> Job:
    import SimpleITK as itk
    import torch
    import torchio

    itk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    torch.set_num_threads(1)
    image = torchio.ScalarImage(tensor=torch.from_numpy(volume)[None], affine=np.diag([*SPACING, 1.0]))
    return lambda: torchio.Resample(NEW)(image)


def ours_window(volume: Volume) -> Job:
    from workbench.imaging.windowing import window_hu

    grey = np.full(volume.shape, 1, np.float32)
    return lambda: window_hu(volume, LEVEL, WIDTH, out=grey)


def torch_window(volume: Volume) -> Job:
    import torch

    torch.set_num_threads(1)
    old = torch.from_numpy(volume)
    return lambda: ((old.float() - (LEVEL - WIDTH / 2)) / WIDTH).clamp(0, 1)


def itk_window(volume: Volume) -> Job:
    import SimpleITK as itk

    itk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image = itk.GetImageFromArray(volume)
    low, high = LEVEL - WIDTH / 2, LEVEL + WIDTH / 2
    return lambda: itk.IntensityWindowing(itk.Cast(image, itk.sitkFloat32), low, high, 0.0, 1.0)


def monai_window(volume: Volume) -> Job:
    scale, image = _monai_scale(), _monai(volume)[1]
    return lambda: scale(image)


def _monai_scale() -> Any:
    from monai.transforms import ScaleIntensityRange

    return ScaleIntensityRange(LEVEL - WIDTH / 2, LEVEL + WIDTH / 2, 0.0, 1.0, clip=True)


def ours_mask(volume: Volume) -> Job:
    from workbench.imaging.lung_mask import lung_mask

    return lambda: lung_mask(volume, SPACING)


def cc3d_mask(volume: Volume) -> Job:
    import cc3d

    return lambda: _largest_two(cc3d.connected_components(volume < THRESHOLD_HU, connectivity=6), counted=cc3d)


def skimage_mask(volume: Volume) -> Job:
    from skimage.measure import label

    return lambda: _largest_two(label(volume < THRESHOLD_HU, connectivity=1))


def scipy_mask(volume: Volume) -> Job:
    from scipy import ndimage

    return lambda: _largest_two(ndimage.label(volume < THRESHOLD_HU)[0])


def _largest_two(labels: NDArray[Any], counted: Any = None) -> NDArray[np.bool_]:
    """Drop what touches a side and keep the two largest, as every user of a labelling writes it."""
    sizes = counted.statistics(labels)["voxel_counts"].copy() if counted else np.bincount(labels.ravel())
    sizes[0] = 0
    for side in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        sizes[np.unique(side)] = 0
    kept = np.zeros(len(sizes), bool)
    kept[np.argsort(-sizes.astype(np.int64))[:2]] = True
    return kept[labels]


def _starts(volume: Volume) -> NDArray[np.int64]:
    rng = np.random.default_rng(3)
    return np.stack([rng.integers(0, n - EDGE, PATCHES) for n in volume.shape], axis=1)


def ours_patches(volume: Volume) -> Job:
    from workbench.imaging.patches import cut_patches

    starts, made = _starts(volume), np.full((PATCHES, EDGE, EDGE, EDGE), 1, np.int16)
    return lambda: cut_patches(volume, starts, EDGE, out=made)


def monai_patches(volume: Volume) -> Job:
    import torch
    from monai.transforms import SpatialCrop

    image, made = _monai(volume)[1], torch.full((PATCHES, 1, EDGE, EDGE, EDGE), 1, dtype=torch.int16)

    def cut() -> None:
        for target, start in zip(made, _starts(volume), strict=True):
            target[:] = SpatialCrop(roi_start=start, roi_end=start + EDGE)(image)

    return cut


def torchio_patches(volume: Volume) -> Job:
    import torch
    import torchio

    torch.set_num_threads(1)
    subject = torchio.Subject(ct=torchio.ScalarImage(tensor=torch.from_numpy(volume)[None]))
    made = torch.full((PATCHES, 1, EDGE, EDGE, EDGE), 1, dtype=torch.int16)

    def cut() -> None:
        for target, patch in zip(made, torchio.UniformSampler(EDGE)(subject, num_patches=PATCHES), strict=True):
            target[:] = patch["ct"].data

    return cut


def ours_chain(volume: Volume) -> Job:
    from workbench.imaging.buffers import BufferPool
    from workbench.imaging.lung_mask import lung_mask
    from workbench.imaging.resampling import resample
    from workbench.imaging.windowing import window_hu

    pool, shape = BufferPool(), _new_shape(volume)

    def prepare() -> None:
        with pool.lent(shape, "int16") as hu, pool.lent(shape, "float32") as grey, pool.lent(shape, "bool") as lungs:
            resample(volume, SPACING, NEW, out=hu)
            window_hu(hu, LEVEL, WIDTH, out=grey)
            lung_mask(hu, NEW, out=lungs)

    return prepare


def ours_chain_fresh(volume: Volume) -> Job:
    from workbench.imaging.lung_mask import lung_mask
    from workbench.imaging.resampling import resample
    from workbench.imaging.windowing import window_hu

    def prepare() -> Any:
        made = resample(volume, SPACING, NEW)
        return window_hu(made, LEVEL, WIDTH), lung_mask(made, NEW)

    return prepare


def monai_chain(volume: Volume) -> Job:
    from monai.transforms import KeepLargestConnectedComponent

    spacing, image = _monai(volume)
    # It cannot leave out what touches a side: the air around the body is the third part.
    scale, keep = _monai_scale(), KeepLargestConnectedComponent(num_components=3, connectivity=1)

    def prepare() -> Any:
        made = spacing(image)
        return scale(made), keep(made < THRESHOLD_HU)

    return prepare


SUBJECTS: dict[str, dict[str, Callable[[Volume], Job]]] = {
    "floor": {"copy": copy, "copy, fresh": copy_fresh},
    "linear": {
        "workbench": ours_resample("linear"), "workbench, fresh": ours_resample("linear", fresh=True),
        "workbench, float32": ours_resample("linear", "float32"), "torch": torch_resample,
        "SimpleITK": itk_resample("sitkLinear"), "skimage": skimage_resample(1), "MONAI": monai_resample,
        "scipy": scipy_resample(1), "TorchIO": torchio_resample,
    },
    "cubic": {
        "workbench": ours_resample("cubic"), "SimpleITK": itk_resample("sitkBSpline"),
        "skimage": skimage_resample(3), "scipy": scipy_resample(3),
    },
    "window": {"workbench": ours_window, "torch": torch_window, "SimpleITK": itk_window, "MONAI": monai_window},
    "lung mask": {"workbench": ours_mask, "cc3d": cc3d_mask, "skimage": skimage_mask, "scipy": scipy_mask},
    "600 patches of 96³": {"workbench": ours_patches, "MONAI": monai_patches, "TorchIO": torchio_patches},
    "three steps": {"workbench": ours_chain, "workbench, fresh": ours_chain_fresh, "MONAI": monai_chain},
}  # fmt: skip


def _once_small(make: Callable[[Volume], Job]) -> None:
    """Let a subject import and compile what it does late, which is no memory of the work itself."""
    global PATCHES
    before, PATCHES = PATCHES, 1
    make(scan_like((EDGE + 2, EDGE + 2, EDGE + 2)))()
    PATCHES = before


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(step: str, subject: str, file: str) -> None:
    """Answer each line with the CPU and wall seconds of one more call, and the memory beyond what stood before."""
    volume = np.load(file)
    try:
        _once_small(SUBJECTS[step][subject])
        job = SUBJECTS[step][subject](volume)
    except ImportError as problem:
        print(json.dumps({"missing": str(problem.name)}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    before = 0
    for _ in sys.stdin:
        before = before or _resident_bytes()
        wall, cpu = time.perf_counter(), time.process_time()
        job()
        used = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(used | {"memory_bytes": max(0, peak - before)}), flush=True)


def first_call(step: str) -> None:
    """Print the CPU seconds that the import of numba, the kernels and their first call take on a small volume."""
    volume = scan_like((8, 40, 40))
    begin = time.process_time()
    SUBJECTS[step]["workbench"](volume)()
    print(time.process_time() - begin)


if __name__ == "__main__":
    first_call(sys.argv[2]) if sys.argv[1] == "first" else serve(*sys.argv[1:4])
