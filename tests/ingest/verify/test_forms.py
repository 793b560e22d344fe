"""Which forms of a value are searched, and which are left alone so that honest output passes."""

from __future__ import annotations

from datetime import date

import pytest

from workbench.ingest.verify.forms import date_needles, name_needles, number_needles, text_needles, uid_needles
from workbench.ingest.verify.search import Index, PixelIndex, as_digits, as_words


def says_name(name: str, text: str) -> bool:
    literals, phrases = name_needles(name)
    raw = text.encode()
    return any(Index(literals).find(raw.upper())) or any(Index(phrases).find(as_words(raw)))


@pytest.mark.parametrize(
    "text", ["OKONKWO", "adaeze", "Adaeze, Okonkwo", "okonkwoadaeze_ct", "Okonkwo^Adaeze", "x Okonkwo-Meier y"]
)
def test_a_name_is_found_in_every_order_and_case(text: str) -> None:
    assert says_name("Okonkwo^Adaeze^^Dr", text)


@pytest.mark.parametrize("text", ["Dr", "Lee side", "Sleeve", "Wu", "Okon"])
def test_parts_of_words_and_titles_are_no_name(text: str) -> None:
    assert says_name("Okonkwo^Adaeze^^Dr", text) is False
    assert says_name("Wu^Lee", "Sleeve") is False


def test_short_names_are_found_together_and_other_scripts_alone() -> None:
    assert says_name("Wu^Lin", "lin wu")
    assert says_name("山田^太郎", "患者 山田")


@pytest.mark.parametrize("text", ["030/555-01 99", "+49 30 5550199", "0049(30)5550199", "305550199"])
def test_a_telephone_number_is_found_however_it_is_written(text: str) -> None:
    _, digits = number_needles("+49 (30) 555 0199")
    assert any(Index(digits).find(as_digits(text.encode())))


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [("5550199", "0005550199", True), ("5550199", "15550199", False), ("4711", "4711", True), ("4711", "a4711b", False),
     ("0042", "42", False), ("A-42/7", "x a-42/7", True), ("5550199", "MRN5550199", True)],
)  # fmt: skip
def test_numbers_are_found_whole(number: str, text: str, *, expected: bool) -> None:
    literals, _ = number_needles(number)
    assert any(Index(literals).find(text.upper().encode())) is expected


@pytest.mark.parametrize(
    "text",
    ["19610412", "1961-04-12", "12.04.1961", "12/04/1961", "04/12/1961", "12.4.1961", "12 Apr 1961", "April 12, 1961",
     "12. April 1961", "12-APR-1961", "1961 04 12", "19610412103000.5"],
)  # fmt: skip
def test_a_date_is_found_however_it_is_written(text: str) -> None:
    literals, phrases = date_needles(date(1961, 4, 12))
    raw = text.encode()
    assert any(Index(literals).find(raw.upper())) or any(Index(phrases).find(as_words(raw)))


def test_a_date_inside_a_longer_number_is_none() -> None:
    literals, _ = date_needles(date(1961, 4, 12))
    assert list(Index(literals).find(b"2.25.9919610412")) == []


def test_uids_are_whole_and_long_enough() -> None:
    index = Index(uid_needles("1.2.826.0.1.77"))
    assert any(index.find(b"(1.2.826.0.1.77)"))
    assert not any(index.find(b"1.2.826.0.1.771"))
    assert uid_needles("1.2.3") == []


def test_texts_of_known_words_give_nothing() -> None:
    known = frozenset(("chest", "routine", "axial"))
    assert text_needles("CHEST routine, axial 5 mm", known, is_strong=True) == ([], [])


def test_pixels_are_searched_at_every_offset_for_what_is_long_only() -> None:
    literals, _ = name_needles("Okonkwo^Adaeze")
    index = PixelIndex(literals)
    for offset in range(9):
        assert index.finds(b"\1" * offset + b"okonkwo^adaeze" + b"\1" * 9)
    assert not index.finds(b"\1" * 8 + b"adaeze" + b"\1" * 8)
