"""MetaImage files are read as ITK reads them, and refused in a sentence when they are damaged."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging.metaimage import open_metaimage

VALUES = np.arange(24, dtype="<i2").reshape(2, 3, 4)
HEAD = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDimSize = 4 3 2\n"
    "TransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 10 20 30\nElementSpacing = 0.5 0.6 2\n"
)


def written(
    file: Path, more: str = "ElementType = MET_SHORT\n", body: bytes = VALUES.tobytes(), head: str = HEAD
) -> Path:
    file.write_bytes(f"{head}{more}ElementDataFile = LOCAL\n".encode() + body)
    return file


def test_voxels_and_grid_are_placed(tmp_path: Path) -> None:
    values, geometry = open_metaimage(written(tmp_path / "scan.mha"))
    assert np.array_equal(values, VALUES)
    assert (geometry.spacing_mm, geometry.origin_mm) == ((2.0, 0.6, 0.5), (10.0, 20.0, 30.0))
    # One step along x goes to +y of the patient, as the matrix's first row says.
    assert geometry.to_patient_mm(np.array([0, 0, 1])).tolist() == [10.0, 20.5, 30.0]


def test_itk_reads_the_same(tmp_path: Path) -> None:
    itk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed (extra ingest)")
    image = itk.ReadImage(str(written(tmp_path / "scan.mha")))
    values, geometry = open_metaimage(tmp_path / "scan.mha")
    assert np.array_equal(itk.GetArrayFromImage(image), values)
    assert (image.GetOrigin(), image.GetDirection()) == (geometry.origin_mm, geometry.direction)


def test_compressed_big_endian_and_separate_voxels_are_read(tmp_path: Path) -> None:
    packed = written(
        tmp_path / "packed.mha", "CompressedData = True\nElementType = MET_SHORT\n", zlib.compress(VALUES.tobytes())
    )
    turned = written(tmp_path / "turned.mha", body=VALUES.astype(">i2").tobytes(), head=HEAD.replace("False", "True"))
    (tmp_path / "scan.raw").write_bytes(VALUES.tobytes())
    (tmp_path / "scan.mhd").write_text(f"{HEAD}ElementType = MET_SHORT\nElementDataFile = scan.raw\n")
    for file in (packed, turned, tmp_path / "scan.mhd"):
        assert np.array_equal(open_metaimage(file)[0], VALUES)


@pytest.mark.parametrize(
    ("more", "body", "said"),
    [
        ("ElementType = MET_SHORT\n", b"short", "end too soon"),
        ("ElementType = MET_SHORT\nCompressedData = True\n", b"damaged", "damaged or end too soon"),
        ("ElementType = MET_SHORT_ARRAY\n", VALUES.tobytes(), "type that is not read"),
        ("ElementType = MET_SHORT\nElementSpacing = 0 1 1\n", VALUES.tobytes(), "have no size"),
        ("ElementType = MET_SHORT\nDimSize = 4 3\n", VALUES.tobytes(), "one volume with three axes"),
        ("ElementType = MET_SHORT\nDimSize = 99999 99999 99999\n", VALUES.tobytes(), "one volume with three axes"),
        ("ElementType = MET_SHORT\nElementSpacing = a b c\n", VALUES.tobytes(), "one volume with three axes"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, more: str, body: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        open_metaimage(written(tmp_path / "scan.mha", more, body))


@pytest.mark.parametrize("place", ["../other.raw", "/etc/passwd", "LIST", "a%03d.raw"])
def test_voxels_in_other_folders_are_not_followed(tmp_path: Path, place: str) -> None:
    (tmp_path / "scan.mhd").write_text(f"{HEAD}ElementType = MET_SHORT\nElementDataFile = {place}\n")
    with pytest.raises(InvalidInput, match="another folder or in many files"):
        open_metaimage(tmp_path / "scan.mhd")


def test_what_is_no_metaimage_or_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.mha").write_bytes(b"\x00" * 500)
    with pytest.raises(InvalidInput, match="not a MetaImage file"):
        open_metaimage(tmp_path / "scan.mha")
    with pytest.raises(InvalidInput, match="cannot be read"):
        open_metaimage(tmp_path / "gone.mha")


def test_a_real_scan_is_read_as_itk_reads_it(shared_data: Callable[[str], Path]) -> None:
    itk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed (extra ingest)")
    file = shared_data("ct-elastix-lung") / "Data" / "3DCT_lung_baseline_mask.mha"
    values, geometry = open_metaimage(file)
    image = itk.ReadImage(str(file))
    assert np.array_equal(itk.GetArrayFromImage(image), values)
    assert image.GetOrigin() == geometry.origin_mm
