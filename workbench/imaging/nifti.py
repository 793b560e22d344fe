"""NIfTI files: voxels (z, y, x) with their grid in patient coordinates (LPS), read from bytes and written to them.

Only what is needed to place voxels is read, nothing in a file is run or followed, and no more is unpacked than its
header promises, so a stranger's file may be given.

Runs in: anywhere
Source: NIfTI-1.1 (nifti1.h, methods 1 to 3 of its orientation) and NIfTI-2 (nifti2.h), niftilib.sourceforge.net.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry

DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
MOST_VOXELS = 2**31  # 8192 slices of 512 × 512
HEADERS = {348: 352, 540: 544}  # size of the header, and with the four bytes after it
TO_LPS = np.diag([-1.0, -1.0, 1.0])
MILLIMETRES = (0, 2)  # unit codes: unknown, mm
SQUARE = 1e-3  # how far axes may be from right angles


@dataclass(frozen=True)
class _Header:
    """The fields that place voxels, of either version."""

    order: str
    axes: int
    size: tuple[int, ...]
    dtype: str
    pixdim: tuple[float, ...]
    offset: int
    scale: tuple[float, float]
    codes: tuple[int, int]
    quaternion: tuple[float, ...]
    rows: tuple[float, ...]
    unit: int


def read_nifti(content: bytes, name: str = "the file") -> tuple[NDArray[Any], Geometry]:
    """Give the voxels and the grid of a NIfTI file.

    Parameters
    ----------
    content : bytes
        A single file (.nii), NIfTI-1 or NIfTI-2 of either byte order, or its gzip (.nii.gz).
    name : str
        What to call it in a refusal.

    Returns
    -------
    values : ndarray, shape (z, y, x)
        As stored, or float64 where the header scales them.
    geometry : Geometry
        From sform, else qform, else the spacing alone.

    Raises
    ------
    InvalidInput
        When it is no NIfTI file, is cut off or goes on, has another number of axes than three, or axes that are not
        at right angles.
    """
    if content[:2] == b"\x1f\x8b":
        head = _unpack(content, max(HEADERS.values()), name)
        header = _header(head, name)
        need = header.offset + math.prod(header.size) * np.dtype(header.dtype).itemsize
        content = _unpack(content, need + 1, name)
    else:
        header = _header(content, name)
        need = header.offset + math.prod(header.size) * np.dtype(header.dtype).itemsize
    if len(content) != need:
        said = "goes on after" if len(content) > need else "ends before"
        raise InvalidInput(f"{name}: the file {said} the voxels that its header promises; write it again.")
    stored = np.frombuffer(content, header.order + header.dtype, offset=header.offset)
    values = stored.reshape(header.size[::-1])
    slope, intercept = header.scale
    if slope not in (0.0, 1.0) or intercept != 0.0:
        values = values * (slope or 1.0) + intercept
    return values, _geometry(header, name)


def write_nifti(values: NDArray[Any], geometry: Geometry, *, packed: bool = True) -> bytes:
    """Give a volume as a NIfTI-1 file, whose bytes depend on nothing but the volume.

    Parameters
    ----------
    values : ndarray, shape (z, y, x)
        Of a type that NIfTI knows, such as uint8 or int16.
    geometry : Geometry
        Its grid; stored as sform and qform.
    packed : bool
        Whether to give the gzip (.nii.gz).
    """
    code = next((code for code, dtype in DTYPES.items() if np.dtype(dtype) == values.dtype.newbyteorder("=")), None)
    if code is None or values.shape != geometry.shape or max(values.shape) > 32767:
        raise InvalidInput(f"Voxels of type {values.dtype} and shape {values.shape} cannot be written as NIfTI.")
    turn = TO_LPS @ np.asarray(geometry.direction).reshape(3, 3)
    spacing, origin = geometry.spacing_mm[::-1], TO_LPS @ np.asarray(geometry.origin_mm)
    hand, quaternion = _to_quaternion(turn)
    header = bytearray(HEADERS[348])
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *values.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, code, 8 * values.dtype.itemsize)
    struct.pack_into("<8f", header, 76, hand, *spacing, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, len(header), 1.0, 0.0)
    struct.pack_into("<B", header, 123, 2)
    struct.pack_into("<2h6f", header, 252, 1, 1, *quaternion, *origin)
    struct.pack_into("<12f", header, 280, *np.column_stack([turn * spacing, origin]).ravel())
    header[344:348] = b"n+1\0"
    content = bytes(header) + values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return gzip.compress(content, 6, mtime=0) if packed else content


def _unpack(content: bytes, most: int, name: str) -> bytes:
    """Unpack gzip up to a number of bytes."""
    unpacker, found = zlib.decompressobj(16 + zlib.MAX_WBITS), b""
    try:
        found = unpacker.decompress(content, most)
    except zlib.error:
        raise InvalidInput(f"{name}: the gzip is damaged; write the file again.") from None
    return found


def _header(content: bytes, name: str) -> _Header:
    for order in "<>":
        size = struct.unpack_from(order + "i", content)[0] if len(content) >= 4 else 0
        if size in HEADERS and len(content) >= size:
            header = (_version_1 if size == 348 else _version_2)(content, order)
            break
    else:
        raise InvalidInput(f"{name} is not a NIfTI file; give .nii or .nii.gz.")
    magic = content[344:348] if size == 348 else content[4:8]
    if magic not in (b"n+1\0", b"n+2\0"):
        raise InvalidInput(f"{name}: its voxels lie in another file, or it is no NIfTI file; give a single .nii.gz.")
    if header is None:
        raise InvalidInput(f"{name}: its voxels are of a type that is not read; give integers or floating point.")
    if header.axes < 2 or any(n != 1 for n in header.size[3:]) or min(header.size) < 1:
        raise InvalidInput(f"{name}: it must be one volume with three axes; its header says {header.size}.")
    if math.prod(header.size) > MOST_VOXELS or not size <= header.offset <= 2**24:
        raise InvalidInput(f"{name}: its header promises more voxels than are read, or none where they should be.")
    if header.unit not in MILLIMETRES:
        raise InvalidInput(f"{name}: its header does not count in millimetres; write it with unit mm.")
    return _Header(**{**vars(header), "size": (*header.size, 1)[:3] if header.axes == 2 else header.size[:3]})


def _version_1(content: bytes, order: str) -> _Header | None:
    axes, *size = struct.unpack_from(order + "8h", content, 40)
    (datatype,) = struct.unpack_from(order + "h", content, 70)
    offset, slope, intercept = struct.unpack_from(order + "3f", content, 108)
    if datatype not in DTYPES or not math.isfinite(offset):
        return None
    return _Header(
        order, axes, tuple(size[: max(0, axes)]), DTYPES[datatype], _decimals(content, order + "8f", 76),
        int(offset), _scale(slope, intercept), struct.unpack_from(order + "2h", content, 252),
        _decimals(content, order + "6f", 256), _decimals(content, order + "12f", 280), content[123] & 7,
    )  # fmt: skip


def _decimals(content: bytes, form: str, at: int) -> tuple[float, ...]:
    """Give single-precision numbers as the shortest decimals that they stand for: 0.7, not 0.699999988."""
    return tuple(float(str(np.float32(number))) for number in struct.unpack_from(form, content, at))


def _version_2(content: bytes, order: str) -> _Header | None:
    axes, *size = struct.unpack_from(order + "8q", content, 16)
    (datatype,) = struct.unpack_from(order + "h", content, 12)
    (offset,), (slope, intercept) = (
        struct.unpack_from(order + "q", content, 168),
        struct.unpack_from(order + "2d", content, 176),
    )
    if datatype not in DTYPES or not 0 <= axes <= 7:
        return None
    return _Header(
        order, axes, tuple(size[:axes]), DTYPES[datatype], struct.unpack_from(order + "8d", content, 104),
        offset, _scale(slope, intercept), struct.unpack_from(order + "2i", content, 344),
        struct.unpack_from(order + "6d", content, 352), struct.unpack_from(order + "12d", content, 400),
        struct.unpack_from(order + "i", content, 500)[0] & 7,
    )  # fmt: skip


def _scale(slope: float, intercept: float) -> tuple[float, float]:
    """Give slope and intercept; a slope of 0, or one that is no number, means that nothing is scaled."""
    if slope == 0.0 or not math.isfinite(slope):
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0


def _geometry(header: _Header, name: str) -> Geometry:
    """Give the grid by sform (method 3), else qform (method 2), else the spacing alone (method 1)."""
    spacing = np.abs(np.array(header.pixdim[1:4], dtype=np.float64))
    spacing[header.axes :] = np.where(spacing[header.axes :] > 0, spacing[header.axes :], 1.0)
    if header.codes[1] > 0:
        table = np.array(header.rows, dtype=np.float64).reshape(3, 4)
        lengths = np.sqrt((table[:, :3] ** 2).sum(axis=0))
        # The same spacing stands in both places, rounded less often in pixdim.
        spacing = np.where(np.isclose(lengths, spacing, rtol=1e-5, atol=0), spacing, lengths)
        turn, origin = table[:, :3] / np.where(lengths > 0, lengths, np.nan), table[:, 3]
    elif header.codes[0] > 0:
        turn, origin = _from_quaternion(header), np.array(header.quaternion[3:], dtype=np.float64)
    else:
        turn, origin = TO_LPS, np.zeros(3)
    numbers = np.concatenate([spacing, turn.ravel(), origin])
    if not np.isfinite(numbers).all() or spacing.min() <= 0 or np.abs(turn.T @ turn - np.eye(3)).max() > SQUARE:
        raise InvalidInput(f"{name}: its axes have no size, or are not at right angles; resample it to a plain grid.")
    x, y, z = (int(n) for n in header.size)
    sx, sy, sz = (float(n) for n in spacing)
    ox, oy, oz = (float(n) for n in TO_LPS @ origin)
    direction = tuple(float(n) + 0.0 for n in (TO_LPS @ turn).ravel())
    return Geometry((z, y, x), (sz, sy, sx), (ox, oy, oz), direction)


def _from_quaternion(header: _Header) -> NDArray[np.float64]:
    b, c, d = header.quaternion[:3]
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    turn = np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip
    hand: NDArray[np.float64] = np.array([1.0, 1.0, -1.0 if header.pixdim[0] < 0 else 1.0])
    return turn * hand


def _to_quaternion(turn: NDArray[np.float64]) -> tuple[float, tuple[float, float, float]]:
    """Give the handedness (1 or -1) and b, c, d of axes at right angles."""
    hand = 1.0 if float(np.linalg.det(turn)) > 0 else -1.0
    r = turn * np.array([1.0, 1.0, hand])
    # The four squares of the quaternion, from which the largest part is taken first so that nothing is divided by 0.
    squares = 1.0 + np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) @ np.diag(r)
    most = int(np.argmax(squares))
    parts = np.array([
        [squares[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
        [r[2, 1] - r[1, 2], squares[1], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]],
        [r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], squares[2], r[1, 2] + r[2, 1]],
        [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], squares[3]],
    ])[most] / (2.0 * math.sqrt(float(squares[most])))  # fmt: skip
    parts = parts if parts[0] >= 0 else -parts
    return hand, (float(parts[1]), float(parts[2]), float(parts[3]))
