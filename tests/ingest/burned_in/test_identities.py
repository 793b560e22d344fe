"""A badly read name of the header is still a name."""

from __future__ import annotations

from pydicom.dataset import Dataset

from workbench.ingest.burned_in.identities import identity_words, looks_like_identity


def header() -> Dataset:
    one = Dataset()
    one.PatientName, one.PatientID, one.PatientBirthDate = "Kaufman^Scott", "MRN 555-0199", "19430722"
    return one


def test_names_numbers_and_dates_are_recognised_however_they_are_spelled() -> None:
    words = identity_words(header())
    for text in ("KAUFMAN", "KAUFNAN,", "5550199", "07.22.1943", "22/07/1943", "1943-07-22", "SCOTT]"):
        assert looks_like_identity(text, words)


def test_other_words_are_not() -> None:
    words = identity_words(header())
    for text in ("Thorax", "SUPINE", "L", "120", "kV"):
        assert not looks_like_identity(text, words)


def test_an_empty_header_names_nobody() -> None:
    assert identity_words(Dataset()) == frozenset()
