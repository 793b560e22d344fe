"""Segmentations as submissions give them: one NIfTI file of 8-bit labels for each scan, in a zip.

Only the form is looked at here; whether a mask lies on its scan's grid is known where the scan is.

Runs in: gateway | evaluator | terminal
Source: NIfTI-1.1 (nifti1.h): header of 348 bytes, `dim`, `datatype`, `vox_offset`, `magic`.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zipfile
import zlib
from collections.abc import Collection, Mapping

from workbench.benchmark.evaluation.archive import Bounds, read_zip
from workbench.benchmark.evaluation.failures import failed
from workbench.benchmark.evaluation.prediction_files import malformed

ENDING = ".nii.gz"
HEADER_BYTES, UINT8 = 348, 2
MIB = 2**20
MAX_UNPACKED_BYTES = 2048 * MIB
# 1024 slices of 512 x 512.
MAX_MASK_BYTES = 256 * MIB + 4096
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
LEVEL = 6


def read_masks(content: bytes, items: Collection[str]) -> dict[str, bytes]:
    """Give each item's mask, an uncompressed NIfTI file, from a zip of `ITEM.nii.gz`.

    Raises
    ------
    SubmissionRefused
        With MALFORMED_OUTPUT or UNKNOWN_ITEM_IDS.
    """
    bounds = Bounds(len(items) + 16, MAX_UNPACKED_BYTES)
    found: dict[str, bytes] = {}
    for name, packed in read_zip(content, bounds, code="MALFORMED_OUTPUT").items():
        if not name.endswith(ENDING) or "/" in name:
            raise malformed("the zip", f"every file in it must be named ITEM{ENDING} and lie in no folder.")
        item = name.removesuffix(ENDING)
        if item not in items:
            raise failed(
                "UNKNOWN_ITEM_IDS",
                f"A file in the zip is not named after one of the {len(items)} items of this task; take the ids from "
                "the task's list of items.",
            )
        found[item] = checked_mask(packed)
    if not found:
        raise malformed("the zip", "it holds no mask; it needs at least one.")
    return dict(sorted(found.items()))


def write_masks(masks: Mapping[str, bytes]) -> bytes:
    """Give masks as a zip whose bytes depend on nothing but the masks."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as box:
        for item, mask in sorted(masks.items()):
            entry = zipfile.ZipInfo(f"{item}{ENDING}", date_time=FIRST_DAY)
            entry.external_attr = 0o100644 << 16
            box.writestr(entry, gzip.compress(mask, LEVEL, mtime=0))
    return target.getvalue()


def checked_mask(packed: bytes) -> bytes:
    """Give the NIfTI file that a mask's gzip holds, when it is a volume of 8-bit labels and nothing else.

    Raises
    ------
    SubmissionRefused
        With MALFORMED_OUTPUT.
    """
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        mask = unpacker.decompress(packed, MAX_MASK_BYTES)
    except zlib.error:
        raise malformed("a mask", "it is not packed with gzip; write it as .nii.gz.") from None
    if not unpacker.eof or unpacker.unused_data:
        raise malformed("a mask", f"it is cut off, goes on after its end, or is over {MAX_MASK_BYTES // MIB} MiB.")
    if len(mask) < HEADER_BYTES or mask[344:348] != b"n+1\0" or mask[:4] != struct.pack("<i", HEADER_BYTES):
        raise malformed("a mask", "it is not one NIfTI-1 file with its voxels inside (little-endian).")
    axes, *sizes = struct.unpack_from("<8h", mask, 40)
    (datatype,), (offset,) = struct.unpack_from("<h", mask, 70), struct.unpack_from("<f", mask, 108)
    slope, intercept = struct.unpack_from("<2f", mask, 112)
    if slope not in (0.0, 1.0) or intercept != 0.0:
        raise malformed("a mask", "its header scales the labels; write them as they are (scl_slope 1, scl_inter 0).")
    if axes != 3 or min(sizes[:3]) < 1 or datatype != UINT8:
        raise malformed("a mask", "it must be a volume with three axes and labels of 8 bits (uint8).")
    if not HEADER_BYTES <= offset <= len(mask) or math.prod(sizes[:3]) != len(mask) - int(offset):
        raise malformed("a mask", "its voxels are not as many as its header says.")
    return mask
