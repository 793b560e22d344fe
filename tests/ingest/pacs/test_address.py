"""Addresses of archives: what is one, what is refused, and why."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.ingest.pacs.address import NodeAddress, WebAddress, check_uid, is_address, parse_address


def test_both_kinds_of_address_are_read() -> None:
    assert parse_address("dicom:MY PACS@archive.example:11112") == NodeAddress("MY PACS", "archive.example", 11112)
    assert parse_address("dicom:P@[::1]:104") == NodeAddress("P", "::1", 104)
    assert parse_address("dicomweb:https://archive.example/rs/") == WebAddress("https://archive.example/rs")


def test_a_folder_is_no_address() -> None:
    assert is_address("dicomweb:https://a") and is_address("dicom:A@b:1")
    assert not is_address("./dicom") and not is_address("C:/dicom")


@pytest.mark.parametrize(
    "text",
    ["dicom:PACS", "dicom:@h:104", "dicom:PACS@h:0", "dicom:PACS@h:70000", "dicom:A@h:x", "dicom:" + "A" * 17 + "@h:1",
     "dicom: A@h:104", "dicomweb:", "dicomweb:ftp://h/x", "dicomweb:https://", "dicomweb:https://h:x/", "dicomweb:https://h/?a=1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_address(text)


def test_patients_images_do_not_cross_the_network_in_clear() -> None:
    with pytest.raises(InvalidInput, match="unencrypted"):
        parse_address("dicomweb:http://archive.example/rs")
    assert parse_address("dicomweb:http://127.0.0.1:8042/dicom-web")


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput, match="--credentials") as refused:
        parse_address("dicomweb:https://me:hunter2@archive.example/rs")
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize("uid", ["", "1", "1..2", "1.02", "1.2.x", "1." + "2" * 64, "1.2\n"])
def test_what_is_no_uid_is_refused(uid: str) -> None:
    with pytest.raises(InvalidInput):
        check_uid(uid)
