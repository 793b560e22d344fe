"""The headers of NIfTI and MetaImage files, read strictly: numbers only, never their free text.

Runs in: ingest host
Source: NIfTI-1.1 (nifti1.h, methods 2 and 3 for orientation); MetaIO 1.0 (MetaImage tags), as ITK reads them.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import IngestRefused

Matrix = NDArray[np.float64]

NIFTI_BYTES = 348
NIFTI_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
META_TYPES = {
    "MET_UCHAR": "u1", "MET_CHAR": "i1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
META_HEADER_BYTES = 65536
# sform and qform are written with 32-bit numbers; places in a body may differ by this much (mm).
AGREE_MM = 0.05
MILLIMETRES, UNKNOWN_UNITS = 2, 0


@dataclass(frozen=True)
class ImageHeader:
    """What a header says.

    Parameters
    ----------
    shape : tuple of 3 int
        Along (z, y, x).
    dtype : str
        numpy's name of the stored type, byte order included.
    affine : ndarray, shape (3, 4)
        Index (x, y, z) to patient (x, y, z), LPS, mm.
    slope, intercept : float
        Stored value to value.
    content : callable
        Gives the bytes of the voxels.
    files : tuple of Path
        The file, and the file of voxels where that is another one.
    notes : tuple of str
        What was assumed.
    """

    shape: tuple[int, int, int]
    dtype: str
    affine: Matrix
    slope: float
    intercept: float
    content: Callable[[], bytes]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the voxels."""
        z, y, x = self.shape
        return z * y * x * np.dtype(self.dtype).itemsize


def read_header(path: Path) -> ImageHeader:
    """Read the header of an image file.

    Raises
    ------
    IngestRefused
        When it gives no volume; `code` names the rule.
    OSError, EOFError, zlib.error, struct.error
        When the file is damaged.
    """
    return _read_meta(path) if path.name.lower().endswith((".mha", ".mhd")) else _read_nifti(path)


def _read_nifti(path: Path) -> ImageHeader:
    is_packed = path.name.lower().endswith(".gz")
    with gzip.open(path) if is_packed else path.open("rb") as stream:
        head = stream.read(NIFTI_BYTES)
    if len(head) < NIFTI_BYTES or head[344:348] != b"n+1\0":
        raise IngestRefused("it is no single-file NIfTI-1 image, or cut short; save it as NIfTI-1.", code="unreadable")
    order = "<" if struct.unpack_from("<i", head)[0] == NIFTI_BYTES else ">"
    dims = struct.unpack_from(order + "8h", head, 40)
    kind = NIFTI_TYPES.get(struct.unpack_from(order + "h", head, 70)[0])
    if kind is None:
        raise IngestRefused(
            "its voxels are colours or complex numbers; save one grey image.", code="unsupported-pixels"
        )
    start, slope, intercept = struct.unpack_from(order + "3f", head, 108)
    units, notes = head[123] & 7, []
    if units not in (MILLIMETRES, UNKNOWN_UNITS):
        raise IngestRefused("its lengths are not in millimetres; save it in millimetres.", code="unsupported-units")
    if units == UNKNOWN_UNITS:
        notes.append("The file names no unit of length; millimetres were assumed.")
    if not np.isfinite(start) or not NIFTI_BYTES <= start < 2**31:
        raise IngestRefused("its voxels begin nowhere; save it again.", code="unreadable")
    has_slope = np.isfinite(slope) and slope != 0
    if has_slope and not np.isfinite(intercept):
        raise IngestRefused("its intercept is not a number; save it again.", code="bad-rescale")

    def content() -> bytes:
        with gzip.open(path) if is_packed else path.open("rb") as stream:
            stream.seek(int(start))
            voxels = stream.read(header.size)
            # Reading to the end makes gzip compare its checksum.
            stream.read(1)
        return voxels

    header = ImageHeader(
        shape=_three_sizes(dims[1 : dims[0] + 1] if 1 <= dims[0] <= 7 else ()), dtype=order + kind,
        affine=_nifti_affine(head, order), slope=float(slope) if has_slope else 1.0,
        intercept=float(intercept) if has_slope else 0.0, content=content, files=(path,), notes=tuple(notes),
    )  # fmt: skip
    return header


def _three_sizes(sizes: tuple[int, ...]) -> tuple[int, int, int]:
    """Give the shape (z, y, x) of sizes along x, y, z and more."""
    if any(size < 1 for size in sizes) or len(sizes) < 2:
        raise IngestRefused("its sizes are not those of an image; save it again.", code="impossible-value")
    if any(size != 1 for size in sizes[3:]):
        raise IngestRefused("it holds several volumes; save each as a file of its own.", code="several-volumes")
    if len(sizes) < 3 or sizes[2] == 1:
        raise IngestRefused("it holds one slice, so it is no volume.", code="single-slice")
    return sizes[2], sizes[1], sizes[0]


def _nifti_affine(head: bytes, order: str) -> Matrix:
    """Give the affine of the codes that are set; where both are, they must agree, or left may be right."""
    qform, sform = struct.unpack_from(order + "2h", head, 252)
    found: list[Matrix] = []
    if sform > 0:
        found.append(np.array(struct.unpack_from(order + "12f", head, 280), dtype=np.float64).reshape(3, 4))
    if qform > 0:
        found.append(_quaternion_affine(head, order))
    if not found:
        raise IngestRefused(
            "it says nothing of left and right (qform and sform are unset); set them.", code="bad-orientation"
        )
    if not all(np.isfinite(one).all() for one in found):
        raise IngestRefused("its orientation is not made of numbers; save it again.", code="impossible-value")
    if len(found) == 2:
        dims = struct.unpack_from(order + "8h", head, 40)
        corners = np.array([[x, y, z, 1] for x in (0, dims[1] - 1) for y in (0, dims[2] - 1) for z in (0, dims[3] - 1)])
        if np.abs(corners @ (found[0] - found[1]).T).max() > AGREE_MM:
            raise IngestRefused("its sform and qform disagree; keep the one that is right.", code="bad-orientation")
    # NIfTI counts to the right and to the front, DICOM to the left and to the back.
    affine: Matrix = found[0] * np.array([[-1.0], [-1.0], [1.0]])
    return affine


def _quaternion_affine(head: bytes, order: str) -> Matrix:
    pixdim = struct.unpack_from(order + "8f", head, 76)
    b, c, d, *offset = struct.unpack_from(order + "6f", head, 256)
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * b * c - 2 * a * d, 2 * b * d + 2 * a * c],
            [2 * b * c + 2 * a * d, a * a + c * c - b * b - d * d, 2 * c * d - 2 * a * b],
            [2 * b * d - 2 * a * c, 2 * c * d + 2 * a * b, a * a + d * d - c * c - b * b],
        ]
    )
    steps = np.array([pixdim[1], pixdim[2], pixdim[3] * (-1 if pixdim[0] < 0 else 1)], dtype=np.float64)
    return np.column_stack([rotation * steps, np.array(offset, dtype=np.float64)])


def _read_meta(path: Path) -> ImageHeader:
    with path.open("rb") as stream:
        tags = dict(_meta_tags(stream.read(META_HEADER_BYTES)))
    sizes = tuple(int(n) for n in _meta_numbers(tags, "DimSize"))
    kind = META_TYPES.get(tags.get("ElementType", ""))
    if kind is None or tags.get("ElementNumberOfChannels", "1") != "1" or not _says(tags, "BinaryData", "True"):
        raise IngestRefused("its voxels are not single binary numbers; save one grey image.", code="unsupported-pixels")
    count = len(sizes)
    if len(sizes) != int(tags.get("NDims", "0")):
        raise IngestRefused("its header contradicts itself; save it again.", code="unreadable")
    shape = _three_sizes(sizes)
    spacing = _meta_numbers(tags, "ElementSpacing", "ElementSize")
    offset = _meta_numbers(tags, "Offset", "Position", "Origin")
    matrix = _meta_numbers(tags, "TransformMatrix", "Rotation", "Orientation")
    if not (len(spacing), len(offset), len(matrix)) == (count, count, count * count) or count != 3:
        raise IngestRefused("spacing, offset or orientation is missing; save it again.", code="missing-attribute")
    # Each row of the matrix is the direction of one index axis.
    affine = np.column_stack([np.array(matrix).reshape(3, 3).T * np.array(spacing), np.array(offset)])
    order = ">" if _says(tags, "BinaryDataByteOrderMSB", "True") or _says(tags, "ElementByteOrderMSB", "True") else "<"
    data, start = _meta_data(path, tags)
    is_packed = _says(tags, "CompressedData", "True")

    def content() -> bytes:
        with data.open("rb") as stream:
            if start < 0:
                stream.seek(-header.size, 2)
                return stream.read(header.size)
            stream.seek(start)
            if not is_packed:
                return stream.read(header.size)
            return _unpacked(stream.read(), header.size)

    header = ImageHeader(
        shape=shape, dtype=order + kind, affine=affine, slope=1.0, intercept=0.0, content=content,
        files=(path,) if data == path else (path, data),
    )  # fmt: skip
    return header


def _unpacked(packed: bytes, size: int) -> bytes:
    """Give what was packed, no more than `size` bytes, and make sure that the checksum was reached."""
    unpacker = zlib.decompressobj()
    voxels = unpacker.decompress(packed, size)
    unpacker.decompress(unpacker.unconsumed_tail, 1)
    if not unpacker.eof:
        raise ValueError("packed voxels without an end")
    return voxels


def _meta_tags(head: bytes) -> Iterator[tuple[str, str]]:
    """Give the tags of a header; the last one says where the voxels are."""
    at = 0
    for line in head.splitlines(keepends=True):
        at += len(line)
        name, sign, value = line.decode("latin-1").partition("=")
        if not sign:
            break
        yield name.strip(), value.strip()
        if name.strip() == "ElementDataFile":
            yield "", str(at)
            return
    raise IngestRefused("it is no MetaImage header, or cut short; save it again.", code="unreadable")


def _meta_numbers(tags: dict[str, str], *names: str) -> tuple[float, ...]:
    text = next((tags[name] for name in names if name in tags), "")
    try:
        found = tuple(float(part) for part in text.split())
    except ValueError:
        found = ()
    if not np.isfinite(found).all():
        raise IngestRefused(f"{names[0]} is not made of numbers; save it again.", code="impossible-value")
    return found


def _says(tags: dict[str, str], name: str, value: str) -> bool:
    return tags.get(name, "False").casefold() == value.casefold()


def _meta_data(path: Path, tags: dict[str, str]) -> tuple[Path, int]:
    """Give the file of the voxels and where they begin in it; −1 where they end the file."""
    place = tags["ElementDataFile"]
    if place.upper() == "LOCAL":
        return path, int(tags[""])
    # A name from a file may not lead out of its folder.
    if not place or Path(place).name != place or place.startswith("LIST") or "%" in place:
        raise IngestRefused(
            "its voxels lie in another folder or in many files; save it as .mha.", code="unsupported-pixels"
        )
    data = path.with_name(place)
    if data.is_symlink() or not data.is_file():
        raise IngestRefused("the file of its voxels does not lie beside it; put it there.", code="missing-file")
    return data, int(tags.get("HeaderSize", "0"))
