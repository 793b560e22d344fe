"""What is written is what pydicom writes, also when much of it was written before."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless

from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.element_writer import FileWriter
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.silence import silent_pydicom


def same(one: FileDataset, number: int) -> None:
    one.SpecificCharacterSet, one.PatientName = "ISO_IR 192", "Wójcik^Łucja"


def as_rle(one: FileDataset, number: int) -> None:
    one.file_meta.TransferSyntaxUID = RLELossless
    one.PixelData = encapsulate([b"\0" * 66])
    one["PixelData"].is_undefined_length = True


def written_twice(files: Any, syntax: UID | None) -> list[tuple[bytes, bytes]]:
    cleaner, writer, pairs = Deidentifier(load_profile(), Pseudonyms(b"k" * 32, "p")), FileWriter(), []
    for file in [*files, *files]:
        source = dcmread(file)
        if syntax is not None:
            again = io.BytesIO()
            source.file_meta.TransferSyntaxUID = syntax
            dcmwrite(again, source, implicit_vr=False, little_endian=syntax != ExplicitVRBigEndian)
            source = dcmread(io.BytesIO(again.getvalue()))
        cleaned, expected = cleaner.clean_instance(source), io.BytesIO()
        cleaned.save_as(expected, enforce_file_format=True)
        pairs.append((b"".join(writer.write(cleaned)), expected.getvalue()))
    return pairs


@pytest.mark.parametrize("implicit", [False, True])
def test_native_files_are_as_pydicom_writes_them(draw_series: Any, implicit: bool) -> None:
    with silent_pydicom():
        pairs = written_twice(draw_series(count=3, implicit=implicit, change=same).files, None)
    assert all(made == expected for made, expected in pairs)


def test_encapsulated_files_are_as_pydicom_writes_them(draw_series: Any) -> None:
    with silent_pydicom():
        pairs = written_twice(draw_series(count=3, change=as_rle).files, None)
    assert all(made == expected for made, expected in pairs)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_other_encodings_are_left_to_pydicom(draw_series: Any, syntax: UID) -> None:
    with silent_pydicom():
        pairs = written_twice(draw_series(count=2, change=same).files, syntax)
    assert all(made == expected for made, expected in pairs)
