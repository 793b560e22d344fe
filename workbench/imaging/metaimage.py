"""MetaImage files (.mha, .mhd): voxels (z, y, x) with their grid in patient coordinates (LPS).

Only what is needed to place voxels is read, and no more is unpacked than the header promises.

Runs in: anywhere
Source: MetaIO documentation (itk.org/Wiki/ITK/MetaIO/Documentation); a row of its TransformMatrix is the direction of
one axis, as ITK reads it.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput, cause_of
from workbench.geometry import Geometry

DTYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
MOST_VOXELS = 2**31
HEADER_BYTES = 64 * 1024
DATA = "ElementDataFile"


def open_metaimage(path: Path) -> tuple[NDArray[Any], Geometry]:
    """Give the voxels and the grid of a MetaImage file.

    Parameters
    ----------
    path : Path
        A .mha file, or a .mhd file whose voxels lie beside it.

    Returns
    -------
    ndarray, shape (z, y, x)
        As stored; read from the disk when used, where the file is not compressed.
    Geometry

    Raises
    ------
    InvalidInput
        When it cannot be read, is damaged, or is no volume.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
        fields, size = _fields(head, name)
        geometry, dtype = _geometry(fields, name), _dtype(fields, name)
        values = _values(path, fields, size, geometry.shape, dtype)
    except OSError as problem:
        raise InvalidInput(f"{name} cannot be read ({cause_of(problem)}); give a .mha or .mhd file.") from None
    return values, geometry


def _fields(head: bytes, name: str) -> tuple[dict[str, str], int]:
    """Give the header's fields and its size; the voxels' place is its last field."""
    fields: dict[str, str] = {}
    at = 0
    for line in head.split(b"\n"):
        at += len(line) + 1
        key, equals, value = line.decode("latin-1").partition("=")
        if not equals or len(fields) > 64:
            break
        fields[key.strip()] = value.strip()
        if key.strip() == DATA:
            return fields, at
    raise InvalidInput(f"{name} is not a MetaImage file; give a .mha or .mhd file.")


def _dtype(fields: dict[str, str], name: str) -> np.dtype[Any]:
    kind = DTYPES.get(fields.get("ElementType", ""))
    if (
        kind is None
        or fields.get("ElementNumberOfChannels", "1") != "1"
        or _says(fields, "BinaryData", "True") is False
    ):
        raise InvalidInput(f"{name}: its voxels are of a type that is not read; write one number a voxel, in binary.")
    is_big = _says(fields, "BinaryDataByteOrderMSB") or _says(fields, "ElementByteOrderMSB")
    return np.dtype(kind).newbyteorder(">" if is_big else "<")


def _says(fields: dict[str, str], key: str, default: str = "False") -> bool:
    return fields.get(key, default).lower() == "true"


def _values(
    path: Path, fields: dict[str, str], size: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    place = fields[DATA]
    if place == "LOCAL":
        data, offset = path, size
    elif "/" in place or "\\" in place or "%" in place or place in ("LIST", "..", "."):
        raise InvalidInput(f"{path.name}: its voxels lie in another folder or in many files; write one .mha file.")
    else:
        data, offset = path.parent / place, max(int(fields.get("HeaderSize", "0")), 0)
    wanted = math.prod(shape) * dtype.itemsize
    if _says(fields, "CompressedData"):
        content = _unpacked(data.read_bytes()[offset:], wanted, path.name)
        values = np.frombuffer(content, dtype).reshape(shape)
    elif data.stat().st_size - offset < wanted:
        raise InvalidInput(f"{path.name}: its voxels end too soon; copy the file again.")
    else:
        values = np.memmap(data, dtype, mode="r", offset=offset, shape=shape)
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def _unpacked(content: bytes, wanted: int, name: str) -> bytes:
    try:
        found = zlib.decompressobj(32 + zlib.MAX_WBITS).decompress(content, wanted)
    except zlib.error:
        found = b""
    if len(found) != wanted:
        raise InvalidInput(f"{name}: its voxels are damaged or end too soon; copy the file again.")
    return found


def _geometry(fields: dict[str, str], name: str) -> Geometry:
    try:
        sizes = [int(word) for word in fields["DimSize"].split()]
        spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), [1.0] * 3)
        origin = _numbers(fields, ("Offset", "Position", "Origin"), [0.0] * 3)
        turn = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), list(np.eye(3).ravel()))
    except (KeyError, ValueError):
        sizes = []
    if len(sizes) != 3 or min(sizes) < 1 or math.prod(sizes) > MOST_VOXELS:
        raise InvalidInput(f"{name}: its header does not describe one volume with three axes; write it again.")
    rows = np.array(turn).reshape(3, 3)
    if min(spacing) <= 0 or np.abs(rows @ rows.T - np.eye(3)).max() > 1e-3:
        raise InvalidInput(f"{name}: its axes have no size, or are not at right angles; resample it to a plain grid.")
    direction = tuple(float(number) for number in rows.T.ravel())
    z, y, x = sizes[::-1]
    sx, sy, sz = spacing
    return Geometry((z, y, x), (sz, sy, sx), (origin[0], origin[1], origin[2]), direction)


def _numbers(fields: dict[str, str], names: tuple[str, ...], default: list[float]) -> list[float]:
    for name in names:
        if name in fields:
            found = [float(word) for word in fields[name].split()]
            if len(found) != len(default) or not all(math.isfinite(number) for number in found):
                raise ValueError(name)
            return found
    return default
