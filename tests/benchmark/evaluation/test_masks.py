"""Masks come as NIfTI files in a zip, are held to their form, and are written back the same."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

import pytest

from workbench.benchmark.evaluation.masks import write_masks
from workbench.benchmark.evaluation.predictions import parse
from workbench.errors import SubmissionRefused

ITEMS = ("S1", "S2")


def nifti(shape: tuple[int, int, int] = (2, 3, 4), *, datatype: int = 2, slope: float = 1.0, extra: int = 0) -> bytes:
    """Give the smallest NIfTI file of a shape (x, y, z), all zero."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, datatype, 8)
    struct.pack_into("<3f", header, 108, 352.0, slope, 0.0)
    header[344:348] = b"n+1\0"
    return bytes(header) + bytes(shape[0] * shape[1] * shape[2] + extra)


def refused(content: bytes, code: str = "MALFORMED_OUTPUT") -> str:
    with pytest.raises(SubmissionRefused) as stop:
        parse("segmentation3d", content, ITEMS)
    assert stop.value.code == code
    return stop.value.message


def test_masks_are_read_and_their_stored_form_reads_back() -> None:
    stored = write_masks({"S2": nifti(), "S1": nifti((1, 1, 1))})
    found = parse("segmentation3d", stored, ITEMS)

    assert (found.answered, found.coverage) == (("S1", "S2"), 1.0)
    assert found.masks["S2"] == nifti()
    assert found.canonical() == stored


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (nifti(datatype=4), "labels of 8 bits"),
        (nifti(slope=2.0), "scales the labels"),
        (nifti((0, 3, 4)), "labels of 8 bits"),
        (nifti(extra=1), "not as many"),
        (nifti()[:-1], "not as many"),
        (b"\x00" * 400, "not one NIfTI-1 file"),
        (b"", "not one NIfTI-1 file"),
    ],
    ids=["int16", "scaled", "no voxels", "too long", "too short", "zeros", "empty"],
)
def test_a_file_that_is_no_mask_is_refused(mask: bytes, sentence: str) -> None:
    assert sentence in refused(write_masks({"S1": mask}))


def test_a_mask_of_an_unknown_scan_is_refused() -> None:
    assert "named after one of the 2 items" in refused(write_masks({"S9": nifti()}), "UNKNOWN_ITEM_IDS")


def test_a_zip_without_masks_is_refused() -> None:
    assert "holds no mask" in refused(write_masks({}))


def test_a_mask_that_unpacks_to_far_more_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as box:
        box.writestr("S1.nii.gz", gzip.compress(bytes(300 * 2**20), 1))

    assert "is over 256 MiB" in refused(target.getvalue())
