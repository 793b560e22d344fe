"""The walker finds what pydicom finds, and nothing at all where a file is cut short."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from workbench.ingest.deidentify.elements import EXPLICIT, Encoding, meta_elements, walk
from workbench.ingest.silence import silent_pydicom

SYNTAXES = {
    ExplicitVRLittleEndian: EXPLICIT,
    ImplicitVRLittleEndian: Encoding(is_implicit=True),
    ExplicitVRBigEndian: Encoding(is_implicit=False, is_little=False),
}


def nested(*, is_undefined: bool) -> Dataset:
    inner, outer, whole = Dataset(), Dataset(), Dataset()
    inner.CodeValue = "T-28000"
    outer.PurposeOfReferenceCodeSequence = [inner]
    whole.PatientName, whole.SourceImageSequence, whole.Rows = "Okonkwo^Adaeze", [outer, Dataset()], 4
    whole.PixelData = b"\1\2\3\4"
    whole["PixelData"].VR = "OW"
    for holder in (whole, outer):
        for element in holder:
            element.is_undefined_length = element.VR == "SQ" and is_undefined
    inner.is_undefined_length_sequence_item = outer.is_undefined_length_sequence_item = is_undefined
    return whole


def written(dataset: Dataset, encoding: Encoding) -> bytes:
    output = io.BytesIO()
    dataset.save_as(output, implicit_vr=encoding.is_implicit, little_endian=encoding.is_little)
    return output.getvalue()


@pytest.mark.parametrize("encoding", SYNTAXES.values())
@pytest.mark.parametrize("is_undefined", [False, True])
def test_every_top_level_element_is_found(encoding: Encoding, is_undefined: bool) -> None:
    dataset = nested(is_undefined=is_undefined)
    content = written(dataset, encoding)
    found = walk(content, 0, encoding)
    assert found is not None
    assert [element[0] for element in found] == [int(tag) for tag in sorted(dataset.keys())]
    assert found[-1][4] == len(content) and content[found[-1][3] :] == b"\1\2\3\4"


@pytest.mark.parametrize("encoding", SYNTAXES.values())
@pytest.mark.parametrize("is_undefined", [False, True])
def test_a_dataset_cut_anywhere_but_between_elements_gives_nothing(encoding: Encoding, is_undefined: bool) -> None:
    content = written(nested(is_undefined=is_undefined), encoding)
    ends = {element[4] for element in walk(content, 0, encoding) or ()} | {0}
    for length in range(len(content)):
        part = content[:length]
        left = length - max(end for end in ends if end <= length)
        is_whole = length in ends or (left < 8 and not any(part[length - left :]))
        assert (walk(part, 0, encoding) is not None) == is_whole


def test_a_length_beyond_the_end_gives_nothing() -> None:
    assert walk(struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 5) + b"abcd", 0) is None
    assert walk(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 2**32 - 2) + b"abcd", 0) is None


def test_endless_nesting_gives_nothing() -> None:
    opened = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 2**32 - 1) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 2**32 - 1
    )
    assert walk(opened * 5000, 0) is None


def test_a_file_without_the_mark_has_no_meta_information() -> None:
    assert meta_elements(b"PK\3\4" + b"\0" * 300) is None


@pytest.mark.parametrize("name", ["ct-lungdx-a0002", "dicom-odd", "phi-presidio", "dicom-seg-multiframe"])
def test_real_files_are_walked_as_pydicom_reads_them(shared_data: Any, name: str) -> None:
    checked = 0
    for path in sorted(Path(shared_data(name)).rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        meta = meta_elements(content)
        if meta is None:
            continue
        with silent_pydicom():
            source = dcmread(io.BytesIO(content))
        found = walk(content, meta[1], SYNTAXES.get(source.file_meta.TransferSyntaxUID, EXPLICIT))
        if "too_short" in path.name:
            assert found is None
            continue
        assert found is not None and [element[0] for element in found] == [int(tag) for tag in source.keys()]
        checked += 1
    assert checked
