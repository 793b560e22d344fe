"""Datasets as bytes, raw values exactly as they were put: of odd length, in a wrong VR, or in no text at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

LONG_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"))


@dataclass(frozen=True)
class Coding:
    """How a dataset is written.

    Parameters
    ----------
    is_implicit, is_little : bool
        Of the transfer syntax.
    codecs : sequence of str
        Python's names of the character sets.
    """

    is_implicit: bool
    is_little: bool
    codecs: Sequence[str]

    def dataset(self, source: Dataset) -> bytes:
        """Give all elements, sequences with defined lengths."""
        return b"".join(self.element(source.get_item(tag)) for tag in sorted(source.keys()))

    def element(self, element: DataElement | RawDataElement) -> bytes:
        """Give one element."""
        if element.VR == "SQ" and not isinstance(element, RawDataElement):
            return self._sequence(element)
        if isinstance(element, RawDataElement):
            value = element.value or b""
            return self.head(int(element.tag), element.VR or "UN", len(value)) + value
        stream = DicomBytesIO()
        stream.is_implicit_VR, stream.is_little_endian = self.is_implicit, self.is_little
        write_data_element(stream, element, list(self.codecs))
        return stream.getvalue()

    def head(self, tag: int, vr: str, length: int) -> bytes:
        """Give tag, VR and length."""
        order = "little" if self.is_little else "big"
        start = (tag >> 16).to_bytes(2, order) + (tag & 0xFFFF).to_bytes(2, order)
        if self.is_implicit or tag >> 16 == 0xFFFE:
            return start + length.to_bytes(4, order)
        if vr in LONG_VRS:
            return start + vr.encode() + b"\0\0" + length.to_bytes(4, order)
        return start + vr.encode() + length.to_bytes(2, order)

    def _sequence(self, element: DataElement) -> bytes:
        items = [self.dataset(item) for item in element.value]
        body = b"".join(self.head(0xFFFEE000, "", len(item)) + item for item in items)
        return self.head(int(element.tag), "SQ", len(body)) + body
