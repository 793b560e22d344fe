"""A zip from a stranger is looked at before it is unpacked, and taken whole or not at all."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Mapping

import pytest

from workbench.benchmark.evaluation.archive import Bounds, read_zip
from workbench.errors import SubmissionRefused

BOUNDS = Bounds(files=5, unpacked_bytes=10_000)


def zip_of(files: Mapping[str, bytes], *, mode: int = 0o100644, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as box:
        for name, content in files.items():
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.external_attr, entry.compress_type = name, mode << 16, method
            box.writestr(entry, content)
    return target.getvalue()


def refused(content: bytes) -> str:
    with pytest.raises(SubmissionRefused) as stop:
        read_zip(content, BOUNDS)
    assert stop.value.code == "MODEL_REFUSED"
    return stop.value.message


def test_harmless_files_are_given_by_name() -> None:
    files = {"predict.py": b"print(1)", "weights/a.bin": bytes(9000), "empty": b""}

    assert read_zip(zip_of(files), BOUNDS) == files


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../out", "a/../../b", "a//b", "./a", "C:/x", "a\\..\\b", "a\nb", "x" * 300, "d/" * 9 + "x"],
)
def test_names_that_lead_out_of_the_folder_are_refused(name: str) -> None:
    assert "refused" in refused(zip_of({name: b""}))


@pytest.mark.parametrize("mode", [0o120777, 0o060644, 0o020644, 0o010644, 0o140644])
def test_links_devices_and_pipes_are_refused(mode: int) -> None:
    assert "a link or a device" in refused(zip_of({"predict.py": b"/etc/passwd"}, mode=mode))


def test_more_files_than_allowed_are_refused() -> None:
    assert "more than 5 entries" in refused(zip_of({str(number): b"" for number in range(6)}))


def test_a_bomb_is_refused_by_the_size_that_it_states() -> None:
    assert "unpacked it has more" in refused(zip_of({"a": bytes(10_001)}))


def test_a_bomb_that_states_a_small_size_is_refused_when_it_goes_on() -> None:
    content = bytearray(zip_of({"a": bytes(5_000_000)}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", content, content.index(mark) + place, 100)

    assert "refused" in refused(bytes(content))


def test_entries_that_share_their_bytes_are_refused() -> None:
    content = bytearray(zip_of({"a": bytes(3000), "b": bytes(3000)}))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    struct.pack_into("<L", content, second + 42, 0)

    assert "refused" in refused(bytes(content))


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a", "a/"), ("a", "a/b")])
def test_one_name_for_two_things_is_refused(names: tuple[str, str]) -> None:
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as box:
        warnings.simplefilter("ignore")
        for name in names:
            box.writestr(name, b"")

    assert "refused" in refused(target.getvalue())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_than_deflate_are_refused(method: int) -> None:
    assert "another method" in refused(zip_of({"a": b"b"}, method=method))


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(zip_of({"a": b"b"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert "encrypted" in refused(bytes(content))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"junk" * 100, b"PK\x03\x04" + bytes(60)])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    assert "refused" in refused(content)


def test_a_directory_of_millions_is_refused_by_its_last_record() -> None:
    content = zip_of({"a": b""})
    start = content.index(b"PK\x05\x06")
    many = content[: start + 10] + struct.pack("<H", 65_535) + content[start + 12 :]

    assert "more than 5 entries" in refused(many)


def test_damaged_bytes_are_refused() -> None:
    content = bytearray(zip_of({"a": bytes(range(256)) * 20}))
    content[40:60] = bytes(20)

    assert "refused" in refused(bytes(content))
