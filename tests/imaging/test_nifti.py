"""NIfTI files are read and written as ITK does, and what is no volume is refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.nifti import read_nifti, write_nifti

GRID = Geometry((2, 3, 4), (1.25, 0.75, 0.5), (-100.0, 20.0, 30.0))
VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def turned(seed: int) -> tuple[float, ...]:
    """Give axes at right angles, of either handedness; some lie along the patient's."""
    draw = np.random.default_rng(seed)
    axes = (
        np.eye(3)[draw.permutation(3)] * draw.choice([-1, 1], 3)
        if seed % 2
        else np.linalg.qr(draw.normal(size=(3, 3)))[0]
    )
    return tuple(float(n) for n in axes.ravel())


@pytest.mark.parametrize("seed", range(10))
def test_itk_reads_what_is_written(seed: int, tmp_path: Path) -> None:
    import SimpleITK as sitk

    grid = Geometry((2, 3, 4), GRID.spacing_mm, GRID.origin_mm, turned(seed))
    file = tmp_path / "volume.nii.gz"
    file.write_bytes(write_nifti(VALUES.astype(np.int16), grid))
    image = sitk.ReadImage(str(file))
    assert (sitk.GetArrayFromImage(image) == VALUES).all()
    assert image.GetSpacing() == grid.spacing_mm[::-1]
    assert image.GetOrigin() == pytest.approx(grid.origin_mm, abs=1e-5)
    assert image.GetDirection() == pytest.approx(grid.direction, abs=1e-6)


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz"])
def test_what_itk_writes_is_read(kind: str, name: str, tmp_path: Path) -> None:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(VALUES.astype(kind))
    image.SetSpacing(GRID.spacing_mm[::-1])
    image.SetOrigin(GRID.origin_mm)
    image.SetDirection(turned(3))
    sitk.WriteImage(image, str(tmp_path / name))
    values, grid = read_nifti((tmp_path / name).read_bytes())
    assert (values.dtype, values.tolist()) == (np.dtype(kind), VALUES.tolist())
    assert (grid.shape, grid.spacing_mm) == (GRID.shape, GRID.spacing_mm)
    assert grid.origin_mm == pytest.approx(GRID.origin_mm, abs=1e-5)
    assert grid.direction == pytest.approx(turned(3), abs=1e-6)


@pytest.mark.parametrize("packed", [True, False])
def test_writing_and_reading_gives_the_same_volume(packed: bool) -> None:
    values, grid = read_nifti(write_nifti(VALUES, GRID, packed=packed))
    assert (values.tolist(), grid) == (VALUES.tolist(), GRID)


def test_single_precision_is_read_as_the_decimals_it_stands_for() -> None:
    grid = Geometry((2, 3, 4), (2.5, 0.7, 0.7), (-100.1, 20.3, -30.9))
    assert read_nifti(write_nifti(VALUES, grid))[1] == grid


def test_equal_volumes_give_equal_bytes() -> None:
    assert write_nifti(VALUES, GRID) == write_nifti(VALUES.copy(), GRID)


def changed(offset: int, form: str, *values: object) -> bytes:
    content = bytearray(write_nifti(VALUES, GRID, packed=False))
    struct.pack_into(form, content, offset, *values)
    return bytes(content)


def test_a_scaled_volume_is_scaled() -> None:
    values, _ = read_nifti(changed(112, "<2f", 2.0, -1.0))
    assert values.ravel()[:3].tolist() == [-1.0, 1.0, 3.0]


def test_without_sform_the_qform_places_the_voxels() -> None:
    assert read_nifti(changed(254, "<h", 0))[1] == GRID


def test_without_either_the_spacing_is_left() -> None:
    grid = read_nifti(changed(252, "<2h", 0, 0))[1]
    assert (grid.spacing_mm, grid.origin_mm) == (GRID.spacing_mm, (0.0, 0.0, 0.0))


def test_the_other_byte_order_is_read() -> None:
    plain = write_nifti(VALUES.astype(np.int16), GRID, packed=False)
    swapped = bytearray(plain)
    for at, kind, count in ((0, "i", 1), (40, "h", 8), (70, "h", 2), (76, "f", 11), (252, "h", 2), (256, "f", 18)):
        struct.pack_into(f">{count}{kind}", swapped, at, *struct.unpack_from(f"<{count}{kind}", plain, at))
    swapped[352:] = VALUES.astype(">i2").tobytes()
    values, grid = read_nifti(bytes(swapped))
    assert (values.tolist(), grid) == (VALUES.tolist(), GRID)


def test_version_2_is_read() -> None:
    header = bytearray(544)
    struct.pack_into("<i8s2h8q3d8dq2d", header, 0, 540, b"n+2\0\r\n\x1a\n", 2, 8, 3, 4, 3, 2, 1, 1, 1, 1,
                     *[0.0] * 3, 1, 0.5, 0.75, 1.25, 0, 0, 0, 0, 544, 1.0, 0.0)  # fmt: skip
    struct.pack_into("<2i6d12d", header, 344, 0, 1, *[0.0] * 6, -0.5, 0, 0, 100, 0, -0.75, 0, -20, 0, 0, 1.25, 30)
    struct.pack_into("<i", header, 500, 2)
    values, grid = read_nifti(bytes(header) + VALUES.tobytes())
    assert (values.tolist(), grid.spacing_mm, grid.origin_mm) == (VALUES.tolist(), GRID.spacing_mm, GRID.origin_mm)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a NIfTI file"),
        (b"PK\3\4" + bytes(400), "is not a NIfTI file"),
        (b"\x1f\x8b" + bytes(40), "gzip is damaged"),
        (gzip.compress(b"no", mtime=0), "is not a NIfTI file"),
        (write_nifti(VALUES, GRID, packed=False)[:-1], "ends before"),
        (write_nifti(VALUES, GRID, packed=False) + b"x", "goes on after"),
        (write_nifti(VALUES, GRID)[:60], "is not a NIfTI file|ends before"),
        (gzip.compress(write_nifti(VALUES, GRID, packed=False) + bytes(10**6), mtime=0), "goes on after"),
        (changed(344, "<4s", b"ni1\0"), "lie in another file"),
        (changed(70, "<h", 128), "type that is not read"),
        (changed(40, "<8h", 4, 4, 3, 2, 2, 1, 1, 1), "one volume with three axes"),
        (changed(40, "<8h", 3, 4, 3, -2, 1, 1, 1, 1), "one volume with three axes"),
        (changed(40, "<8h", 3, 32767, 32767, 32767, 1, 1, 1, 1), "more voxels than are read"),
        (changed(108, "<f", 0.0), "none where they should be"),
        (changed(108, "<f", float("nan")), "type that is not read"),
        (changed(123, "<B", 1), "millimetres"),
        (changed(280, "<3f", 0.0, 0.0, 0.0), "no size"),
        (changed(284, "<f", 0.3), "right angles"),
        (changed(280, "<f", float("nan")), "right angles"),
    ],
)  # fmt: skip
def test_what_is_no_volume_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_nifti(content, "mask.nii")


def test_a_volume_that_does_not_fit_its_grid_is_not_written() -> None:
    with pytest.raises(InvalidInput, match="cannot be written"):
        write_nifti(VALUES[:1], GRID)
    with pytest.raises(InvalidInput, match="cannot be written"):
        write_nifti(VALUES.astype(bool), GRID)
