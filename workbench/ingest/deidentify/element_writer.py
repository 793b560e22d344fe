"""Single elements, little-endian, as pydicom writes them within a file.

Runs in: ingest host
Source: DICOM PS3.5 2026c 7.1.2 and 7.1.3 (data elements with explicit and implicit VR).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, writers
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

from workbench.ingest.deidentify.elements import HEAD, IMPLICIT_HEAD, SHORT_VRS

PLAIN_VRS = frozenset(vr.decode() for vr in SHORT_VRS)
LONGEST = 0xFFFF
VALUE_WRITERS = cast("dict[str, tuple[Callable[..., None], str | None]]", writers)


class ElementWriter:
    """Writes one element after the other; a single buffer serves all short ones.

    Parameters
    ----------
    is_implicit : bool
        Whether the VR is left out.
    """

    def __init__(self, *, is_implicit: bool) -> None:
        self._is_implicit = is_implicit
        self._values = _buffer(is_implicit)

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
            return self._whole(element, charset) if self._is_implicit or len(element.VR) == 2 else None
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
            return self._whole(element, charset)
        values.seek(0)
        tag = element.tag
        head = (
            IMPLICIT_HEAD.pack(tag >> 16, tag & 0xFFFF, length)
            if self._is_implicit
            else HEAD.pack(tag >> 16, tag & 0xFFFF, element.VR.encode(), length)
        )
        return head + bytes(values.read(length))

    def _whole(self, element: DataElement, charset: str | list[str]) -> bytes:
        output = _buffer(self._is_implicit)
        write_data_element(output, element, charset)
        return bytes(output.getvalue())


def _buffer(is_implicit: bool) -> Any:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, is_implicit
    return buffer
