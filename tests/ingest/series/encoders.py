"""Encode a drawn slice in a transfer syntax, with another program than the one that reads it where there is one."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread, uid
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate

# dcmtk's own encoder, by the option that chooses the process.
DCMTK_OPTIONS: dict[str, tuple[str, ...]] = {
    uid.JPEGLossless: ("+el",),
    uid.JPEGLosslessSV1: ("+e1",),
    uid.JPEGExtended12Bit: ("+ee", "+q", "95"),
    uid.JPEGBaseline8Bit: ("+eb", "+q", "95"),
}
# 12 rows of 16 values (37·y + 101·x) mod 4096, written once by OpenJPH 0.21.
HTJ2K = base64.b85decode(
    "|4;u>04YEK0000G0000C00000000000000G0000C0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&kdTm&kdTmw"
    "h=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000djJ9dlfVEbFZ%@tbN~Rr0206e696;<hjajV{sISd0KfnfKmZbem@xtZbO3YyGBW_c"
    "02MF*1yIDq#Gqm^f_4C;q@<+4ApyR&0Kfn%U;q|~NF)-8ME>WBdT|1G07wKu5ClQ~`UD_*_7H*Wx&Z&#"
)


def htj2k_values() -> NDArray[np.uint16]:
    """Give the values that the sample holds."""
    y, x = np.mgrid[0:12, 0:16]
    return ((y * 37 + x * 101) % 4096).astype(np.uint16)


def encode(file: Path, syntax: str) -> None:
    """Write a file again in another transfer syntax."""
    one = dcmread(file)
    if syntax in DCMTK_OPTIONS:
        dcmtk(file, *DCMTK_OPTIONS[syntax])
        return
    if syntax in (uid.JPEG2000Lossless, uid.JPEG2000):
        _wrap(one, _j2k(one.pixel_array, one.BitsStored, is_lossy=syntax == uid.JPEG2000), syntax)
    elif syntax == uid.JPEGLSNearLossless:
        one.compress(syntax, jls_error=2, generate_instance_uid=False)
    else:
        one.compress(syntax, generate_instance_uid=False)
    one.save_as(file, enforce_file_format=True)


def dcmtk(file: Path, *options: str) -> None:
    """Compress a file in place with dcmtk, keeping its UID."""
    program = shutil.which("dcmcjpeg")
    if program is None:
        pytest.skip("dcmcjpeg is not installed; `apt-get install dcmtk`")
    target = file.with_name(f"{file.name}.jpeg")
    subprocess.run([program, *options, "+un", str(file), str(target)], check=True, capture_output=True)
    target.rename(file)


def decoded_by_dcmtk(file: Path) -> NDArray[np.uint16]:
    """Give the stored values as dcmtk decodes them."""
    target = file.with_name(f"{file.name}.plain")
    subprocess.run([str(shutil.which("dcmdjpeg")), str(file), str(target)], check=True, capture_output=True)
    values: NDArray[np.uint16] = dcmread(target).pixel_array
    target.unlink()
    return values


def _j2k(values: NDArray[np.uint16], bits: int, *, is_lossy: bool) -> bytes:
    utils = pytest.importorskip("openjpeg.utils", reason="pylibjpeg-openjpeg is not installed; `.[ingest]` brings it")
    ratios = {"compression_ratios": [4.0]} if is_lossy else {}
    return bytes(utils.encode_array(values, bits_stored=bits, **ratios))


def _wrap(one: FileDataset, frame: bytes, syntax: str) -> None:
    one.PixelData = encapsulate([frame])
    one["PixelData"].is_undefined_length = True
    one["PixelData"].VR = "OB"
    one.file_meta.TransferSyntaxUID = uid.UID(syntax)


def put_frame(file: Path, frame: bytes, syntax: str) -> None:
    """Give a file one compressed frame instead of its pixels."""
    one = dcmread(file)
    _wrap(one, frame, syntax)
    one.save_as(file, enforce_file_format=True)
