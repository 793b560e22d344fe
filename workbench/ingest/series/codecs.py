"""One compressed frame to its stored values: the code that runs apart, because C libraries can crash on damaged data.

Measured on a 512×512 CT slice (CPU ms, one shared core): JPEG-LS pyjpegls 13, gdcm 18; JPEG lossless gdcm 15;
JPEG 2000 openjpeg 47, gdcm 59, Pillow 59; high-throughput JPEG 2000 openjpeg 8. pydicom's plugins cannot read 12-bit
JPEG Extended; gdcm can.

Runs in: ingest host
Source: DICOM PS3.5 2026c Annex A (transfer syntaxes) and 8.2 (encapsulated pixels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import MissingDependency
from workbench.ingest.series.codestreams import FrameSize, read_j2k_size, read_jpeg_size

Values = NDArray[Any]


class Form(NamedTuple):
    """What the header says of a frame."""

    syntax: str
    rows: int
    columns: int
    allocated: int
    is_signed: bool


def decode(frame: bytes, form: Form) -> Values:
    """Give the stored values of a frame, uint8 or uint16, shape (rows, columns).

    Raises
    ------
    ValueError, RuntimeError, TypeError
        When the frame is damaged, or not what the header says.
    MissingDependency
        When the decoder is not installed.
    """
    return CODECS[form.syntax](frame, form)


def _agree(size: FrameSize, form: Form) -> FrameSize:
    """Refuse a stream whose own size is not the header's, before it is decoded."""
    declared = size.rows, size.columns, size.components
    if declared != (form.rows, form.columns, 1) or not 1 <= size.bits <= form.allocated:
        raise ValueError("the stream's own size is not that of the header")
    return size


def _missing(what: str, package: str) -> MissingDependency:
    return MissingDependency(f"{what} needs the package {package}; `pip install 'ai4h-workbench[ingest]'` brings it.")


def _jpeg(frame: bytes, form: Form) -> Values:
    try:
        import gdcm  # noqa: PLC0415 - heavy, loaded on first use
    except ImportError as problem:
        raise _missing("JPEG", "python-gdcm") from problem
    size = _agree(read_jpeg_size(frame), form)
    for quiet in (gdcm.Trace.WarningOff, gdcm.Trace.ErrorOff, gdcm.Trace.DebugOff):
        quiet()
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((form.columns, form.rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(form.syntax)))
    bits = 8 if size.bits <= 8 else 16
    image.SetPixelFormat(gdcm.PixelFormat(1, bits, size.bits, size.bits - 1, 0))
    decoded = image.GetBuffer()
    if decoded is None:
        raise ValueError("the JPEG stream is damaged")
    # The buffer comes as text with surrogates, because gdcm takes it for a C string.
    return _shaped(decoded.encode("utf-8", "surrogateescape"), form, bits)


def _jpeg_ls(frame: bytes, form: Form) -> Values:
    try:
        import jpeg_ls  # type: ignore[import-untyped] # noqa: PLC0415 - heavy, loaded on first use
    except ImportError as problem:
        raise _missing("JPEG-LS", "pyjpegls") from problem
    size = _agree(read_jpeg_size(frame), form)
    decoded, _facts = jpeg_ls.decode_pixel_data(frame)
    return _shaped(decoded, form, 8 if size.bits <= 8 else 16)


def _jpeg_2000(frame: bytes, form: Form) -> Values:
    try:
        from openjpeg.utils import decode_pixel_data  # noqa: PLC0415 - heavy, loaded on first use
    except ImportError as problem:
        raise _missing("JPEG 2000", "pylibjpeg-openjpeg") from problem
    size = _agree(read_j2k_size(frame), form)
    values = _shaped(bytes(decode_pixel_data(frame, version=2)), form, 8 if size.bits <= 8 else 16)
    if size.is_signed or not form.is_signed or size.bits >= form.allocated:
        return values
    # Some encoders declare signed values as unsigned: then the sign is the highest bit of the stream's precision.
    sign = np.uint16(1 << (size.bits - 1))
    extended: Values = ((values.astype(np.uint16) ^ sign).astype(np.int32) - int(sign)).astype(np.int16)
    return extended.view(np.uint16)


def _shaped(decoded: bytes | bytearray, form: Form, bits: int) -> Values:
    values = np.frombuffer(decoded, dtype=np.uint8 if bits == 8 else "<u2")
    if values.size - form.rows * form.columns not in ((0, 1) if bits == 8 else (0,)):
        raise ValueError("the decoded frame has another size")
    return values[: form.rows * form.columns].reshape(form.rows, form.columns)


# By transfer syntax UID; the names are those of PS3.6 2026c A.
CODECS: dict[str, Callable[[bytes, Form], Values]] = {
    "1.2.840.10008.1.2.4.50": _jpeg,  # JPEG Baseline
    "1.2.840.10008.1.2.4.51": _jpeg,  # JPEG Extended, 12 bits
    "1.2.840.10008.1.2.4.57": _jpeg,  # JPEG Lossless
    "1.2.840.10008.1.2.4.70": _jpeg,  # JPEG Lossless, first-order prediction
    "1.2.840.10008.1.2.4.80": _jpeg_ls,  # JPEG-LS Lossless
    "1.2.840.10008.1.2.4.81": _jpeg_ls,  # JPEG-LS Near-Lossless
    "1.2.840.10008.1.2.4.90": _jpeg_2000,  # JPEG 2000 Lossless
    "1.2.840.10008.1.2.4.91": _jpeg_2000,  # JPEG 2000
    "1.2.840.10008.1.2.4.201": _jpeg_2000,  # High-Throughput JPEG 2000 Lossless
    "1.2.840.10008.1.2.4.202": _jpeg_2000,  # High-Throughput JPEG 2000 Lossless, RPCL
    "1.2.840.10008.1.2.4.203": _jpeg_2000,  # High-Throughput JPEG 2000
}
