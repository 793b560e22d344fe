"""Single elements in explicit VR, little-endian, as pydicom writes them within a file.

Runs in: ingest host
Source: DICOM PS3.5 2026c 7.1.2 (data element structure with explicit VR).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, writers
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

from workbench.ingest.deidentify.elements import HEAD, SHORT_VRS

PLAIN_VRS = frozenset(vr.decode() for vr in SHORT_VRS)
LONGEST = 0xFFFF
VALUE_WRITERS = cast("dict[str, tuple[Callable[..., None], str | None]]", writers)


class ElementWriter:
    """Writes one element after the other; a single buffer serves all short ones."""

    def __init__(self) -> None:
        self._values = _buffer()

    def write(self, element: DataElement, charset: str | list[str]) -> bytes | None:
        """Give an element's bytes, or None where its VR is not settled.

        Parameters
        ----------
        element : DataElement
            A cleaned element.
        charset : str or list of str
            The Specific Character Set of the file, or pydicom's default.
        """
        if element.VR not in PLAIN_VRS:
            return _written(element, charset) if len(element.VR) == 2 else None
        values = self._values
        values.seek(0)
        function, parameter = VALUE_WRITERS[element.VR]
        if element.is_empty:
            pass
        elif element.VR in CUSTOMIZABLE_CHARSET_VR:
            function(values, element, encodings=convert_encodings(charset))
        else:
            function(values, element, *(() if parameter is None else (parameter,)))
        length = values.tell()
        if length > LONGEST:
            return _written(element, charset)
        values.seek(0)
        tag = element.tag
        head = HEAD.pack(tag >> 16, tag & 0xFFFF, element.VR.encode(), length)
        return head + bytes(values.read(length))


def _buffer() -> Any:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    return buffer


def _written(element: DataElement, charset: str | list[str]) -> bytes:
    output = _buffer()
    write_data_element(output, element, charset)
    return bytes(output.getvalue())
