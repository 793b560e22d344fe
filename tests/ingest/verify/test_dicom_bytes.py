"""The second reader reads what the standard allows, bounds what it does not, and never raises."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from tests.ingest.conftest import Drawn
from workbench.ingest.silence import silent_pydicom
from workbench.ingest.verify.dicom_bytes import parse, walk

# Files that no reader should read to their end, and one that a lenient reader repairs.
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
BROKEN = ("truncated", "DICOMDIR-nooffset", "no_meta", "NoMeta", "meta_missing_tsyntax", "too_short", "README")


def nested(one: Dataset, number: int) -> None:
    inner, outer = Dataset(), Dataset()
    inner.PersonName, inner.ContentSequence = "Deep^Down", Sequence([])
    outer.ContentSequence = Sequence([Dataset(), inner])
    one.RequestAttributesSequence = Sequence([outer])
    one.RequestAttributesSequence.is_undefined_length = bool(number % 2)


@pytest.mark.parametrize(
    "syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian], ids=str
)
def test_every_encoding_gives_the_same_elements(draw_series: Callable[..., Drawn], syntax: str | None) -> None:
    for path in draw_series(count=2, change=nested).files:
        with silent_pydicom():
            one = dcmread(path)
            if syntax:
                one.file_meta.TransferSyntaxUID = syntax
            target = io.BytesIO()
            if syntax == ExplicitVRBigEndian:
                dcmwrite(target, one, implicit_vr=False, little_endian=False, force_encoding=True)
            else:
                dcmwrite(target, one, enforce_file_format=True)
        found = parse(target.getvalue())
        paths = {path: element.value.strip(b" \0") for path, element in walk(found.elements)}
        assert (found.error, found.irregular) == ("", [])
        assert paths["(0040,0275)[0].(0040,A730)[1].(0040,A123)"] == b"Deep^Down"
        assert len(paths) == sum(1 for _ in one.iterall())


def test_pydicoms_own_test_files_are_read_to_their_end() -> None:
    for path in (path for path in SHIPPED.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if content[128:132] != b"DICM" or any(word in path.name for word in BROKEN):
            continue
        found = parse(content)
        assert not found.error, path.name


def test_undefined_lengths_and_fragments_are_followed() -> None:
    found = parse((SHIPPED / "MR_small_RLE.dcm").read_bytes())
    pixels = found.get(0x7FE00010)
    assert pixels is not None
    assert pixels.fragments is not None
    assert len(pixels.fragments) == 2


def test_values_of_unknown_vr_are_read_by_the_dictionary(draw_series: Callable[..., Drawn]) -> None:
    content = draw_series(count=1).files[0].read_bytes()
    at = content.index(b"\x10\0\x10\0PN")
    changed = content[: at + 4] + b"UN\0\0" + content[at + 6 : at + 8] + b"\0\0" + content[at + 8 :]
    element = parse(changed).get(0x00100010)
    assert element is not None
    assert (element.vr, element.value) == ("PN", b"Okonkwo^Adaeze")


@pytest.mark.parametrize("cut", [0, 100, 131, 132, 140, 200, 400, 700])
def test_a_cut_file_is_reported_and_what_was_read_is_kept(draw_series: Callable[..., Drawn], cut: int) -> None:
    found = parse(draw_series(count=1).files[0].read_bytes()[:cut])
    assert found.error
    assert found.get(0x7FE00010) is None


def test_trailing_and_duplicate_elements_are_irregular(draw_series: Callable[..., Drawn]) -> None:
    content = draw_series(count=1).files[0].read_bytes()
    again = b"\x10\0\x10\0PN\4\0Doe "
    assert parse(content + again).irregular == [("(0010,0010)", "malformed")]
    assert parse(content + b"\0" * 32).irregular == [("padding", "trailing-bytes")]


def test_sequences_without_end_and_bombs_are_bounded(draw_series: Callable[..., Drawn]) -> None:
    content = draw_series(count=1).files[0].read_bytes()
    head = content[: content.index(b"\x08\0\x08\0CS")]
    deep = b"\x40\0\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 2000
    assert parse(head + deep).error == "sequences are nested too deep"
    plain = head.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    assert parse(plain + bomb.compress(b"\x08\0" * 10_000) + bomb.flush()).error


def test_mutated_files_never_raise(draw_series: Callable[..., Drawn]) -> None:
    chance = random.Random(3)  # noqa: S311 - reproducible noise
    content = draw_series(count=1, change=nested, rows=4, columns=4).files[0].read_bytes()
    for _ in range(3000):
        changed = bytearray(content)
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        for _, element in walk(parse(bytes(changed[: chance.randint(0, len(changed))])).elements):
            assert isinstance(element.value, bytes)
