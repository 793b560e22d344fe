"""A dataset as the bytes of a file, with identifiers where only bytes can be: preamble, file meta, lengths, end."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import groupby

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from planted.elements import Coding
from planted.mint import Mint
from workbench.ingest.silence import silent_pydicom

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian, "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian, "rle": RLELossless,
}  # fmt: skip
GROUP_LENGTHS = (0x0008, 0x0010, 0x0018, 0x0020)


@dataclass(frozen=True)
class Wrapping:
    """What is planted around the dataset.

    Parameters
    ----------
    preamble : bytes
        128 bytes.
    title, private, version : str
        In the file meta information: application entities, private information, implementation version.
    group_length : str
        Text in place of the group lengths.
    end : bytes
        Behind the last element.
    """

    preamble: bytes
    title: str
    private: str
    version: str
    group_length: str
    end: bytes = b""


def plant_wrapping(mint: Mint, *, has_end: bool = False) -> Wrapping:
    """Make the identifiers around a dataset."""
    return Wrapping(
        preamble=f"II*\0 {mint.name('preamble')} {mint.number('preamble')}".encode().ljust(128, b"\0"),
        title=mint.name("SourceApplicationEntityTitle").upper(),
        private=mint.name("PrivateInformation"),
        version=mint.name("ImplementationVersionName"),
        group_length=mint.name("group length"),
        end=f"{mint.name('bytes after the end')}".encode() if has_end else b"",
    )


def encode(dataset: Dataset, syntax: str, wrapping: Wrapping) -> bytes:
    """Give the bytes of a file of a syntax; implicit VR has no room for planted group lengths."""
    uid = SYNTAXES[syntax]
    with silent_pydicom():
        if syntax == "rle":
            dataset = _run_length(dataset)
        body = _body(dataset, syntax, wrapping)
    if syntax == "deflated":
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = deflate.compress(body) + deflate.flush()
        body += b"\0" * (len(body) % 2)
    return b"".join([wrapping.preamble, b"DICM", _meta(dataset, uid, wrapping), body, wrapping.end])


def _body(dataset: Dataset, syntax: str, wrapping: Wrapping) -> bytes:
    codecs = convert_encodings(dataset.get("SpecificCharacterSet") or "ISO_IR 6")
    coding = Coding(syntax == "implicit", syntax != "big-endian", codecs)
    parts = []
    for group, _ in groupby(sorted(dataset.keys()), key=lambda tag: tag.group):
        if group in GROUP_LENGTHS and syntax != "implicit":
            text = wrapping.group_length.encode() + b" " * (len(wrapping.group_length) % 2)
            parts.append(coding.head(group << 16, "LO", len(text)) + text)
        parts.append(coding.dataset(dataset.group_dataset(group)))
    return b"".join(parts)


def _run_length(dataset: Dataset) -> Dataset:
    packed = Dataset()
    packed.update(dict(dataset.items()))
    frames, size = int(dataset.get("NumberOfFrames", 1)), len(dataset.PixelData)
    step = size // frames
    encoded = [
        RLELosslessEncoder.encode(
            dataset.PixelData[at : at + step], rows=dataset.Rows, columns=dataset.Columns,
            samples_per_pixel=dataset.SamplesPerPixel, bits_allocated=dataset.BitsAllocated,
            bits_stored=dataset.BitsStored, pixel_representation=dataset.PixelRepresentation, number_of_frames=1,
            photometric_interpretation=dataset.PhotometricInterpretation, planar_configuration=0,
        )
        for at in range(0, step * frames, step)
    ]  # fmt: skip
    packed.PixelData = encapsulate(encoded)
    packed["PixelData"].VR = "OB"
    packed["PixelData"].is_undefined_length = True
    return packed


def _meta(dataset: Dataset, syntax: str, wrapping: Wrapping) -> bytes:
    elements = [
        (0x01, "OB", b"\0\1"), (0x02, "UI", dataset.SOPClassUID), (0x03, "UI", dataset.SOPInstanceUID),
        (0x10, "UI", syntax), (0x12, "UI", "1.2.826.0.1.3680043.8.498.1"), (0x13, "SH", wrapping.version),
        (0x16, "AE", wrapping.title), (0x17, "AE", wrapping.title), (0x18, "AE", wrapping.title),
        (0x26, "UR", f"dicom://{wrapping.title}"),
        (0x0100, "UI", "1.2.826.0.1.3680043.8.498.2"), (0x0102, "OB", wrapping.private.encode().ljust(32, b"\0")),
    ]  # fmt: skip
    body = b"".join(_element(number, vr, value) for number, vr, value in elements)
    return b"\2\0\0\0UL\4\0" + len(body).to_bytes(4, "little") + body


def _element(number: int, vr: str, value: bytes | str) -> bytes:
    content = value if isinstance(value, bytes) else value.encode()
    content += (b"\0" if vr in ("UI", "OB") else b" ") * (len(content) % 2)
    head = b"\2\0" + number.to_bytes(2, "little") + vr.encode()
    if vr in ("OB", "UR"):
        return head + b"\0\0" + len(content).to_bytes(4, "little") + content
    return head + len(content).to_bytes(2, "little") + content
