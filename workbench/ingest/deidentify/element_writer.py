"""Elements and files, little-endian, as pydicom writes them, with what many files share encoded once.

Runs in: ingest host
Source: DICOM PS3.5 2026c 7.1.2 and 7.1.3 (data elements with explicit and implicit VR); PS3.10 2026c 7.1.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info, writers
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

from workbench.ingest.deidentify.elements import HEAD, IMPLICIT_HEAD, SHORT_VRS

PLAIN_VRS = frozenset(vr.decode() for vr in SHORT_VRS)
LONGEST = 0xFFFF
AnyElement = DataElement | RawDataElement
LATIN, PREAMBLE = "iso8859", b"\0" * 128
SHARED_BYTES, SHARED_ELEMENTS = 4096, 20_000
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

    def write(self, element: AnyElement, charset: str | list[str]) -> bytes | None:
        """Give an element's bytes, or None where its VR is not settled.

        Parameters
        ----------
        element : DataElement or RawDataElement
            A cleaned element.
        charset : str or list of str
            The Specific Character Set of the file, or pydicom's default.
        """
        if isinstance(element, RawDataElement) or element.VR not in PLAIN_VRS:
            is_settled = self._is_implicit or len(element.VR or "") == 2
            return self._whole(element, charset) if is_settled else None
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

    def _whole(self, element: AnyElement, charset: str | list[str]) -> bytes:
        output = _buffer(self._is_implicit)
        write_data_element(output, element, charset)
        return bytes(output.getvalue())


class FileWriter:
    """Writes cleaned instances whose elements nobody changes afterwards, as `Deidentifier` shares them."""

    def __init__(self) -> None:
        self._writers = {flag: ElementWriter(is_implicit=flag) for flag in (False, True)}
        self._known: dict[tuple[int, bool, str], tuple[AnyElement, bytes]] = {}

    def write(self, cleaned: FileDataset) -> list[bytes | memoryview]:
        """Give the file in pieces: what `save_as` writes.

        Parameters
        ----------
        cleaned : FileDataset
            Of any transfer syntax.
        """
        syntax = cleaned.file_meta.TransferSyntaxUID
        charset = cleaned.get("SpecificCharacterSet", LATIN)
        pieces: list[bytes | None] = []
        if syntax not in (ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
            is_implicit = syntax == ImplicitVRLittleEndian
            pieces = [self._piece(cleaned.get_item(tag), charset, is_implicit) for tag in sorted(cleaned.keys())]
        whole = [piece for piece in pieces if piece is not None]
        if not whole or len(whole) < len(pieces):
            output = BytesIO()
            cleaned.save_as(output, enforce_file_format=True)
            return [output.getbuffer()]
        head = DicomBytesIO()
        write_file_meta_info(head, cleaned.file_meta, enforce_standard=True)
        return [b"".join((PREAMBLE, b"DICM", bytes(head.getvalue()), *whole))]

    def _piece(self, element: AnyElement, charset: str | list[str], is_implicit: bool) -> bytes | None:
        key = id(element), is_implicit, str(charset)
        known = self._known.get(key)
        if known is not None and known[0] is element:
            return known[1]
        made = self._writers[is_implicit].write(element, charset)
        if made is not None and len(made) <= SHARED_BYTES:
            if len(self._known) >= SHARED_ELEMENTS:
                self._known.clear()
            # Holding the element keeps its identity from being given to another.
            self._known[key] = element, made
        return made


def _buffer(is_implicit: bool) -> Any:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, is_implicit
    return buffer
