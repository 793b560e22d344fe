"""Pseudonyms are stable in a project, strange to every other, and never join two patients."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from workbench.errors import InvalidInput
from workbench.ingest.deidentify.pseudonyms import Pseudonyms, ingest_key, patient_identity, project_key
from workbench.settings import Settings

KEY = b"k" * 32


def instance(**elements: str) -> Dataset:
    one = Dataset()
    for keyword, value in elements.items():
        setattr(one, keyword, value)
    return one


def test_a_uid_has_one_pseudonym_in_the_whole_project() -> None:
    assert Pseudonyms(KEY, "p").uid("1.2.3") == Pseudonyms(KEY, "q").uid("1.2.3") != Pseudonyms(KEY, "p").uid("1.2.4")
    assert Pseudonyms(KEY, "p").uid("1.2.3") != Pseudonyms(b"j" * 32, "p").uid("1.2.3")


def test_patients_have_their_own_id_and_shift() -> None:
    one, other = Pseudonyms(KEY, "p"), Pseudonyms(KEY, "q")
    assert one.patient_id != other.patient_id and one.day(date(2019, 5, 23)) != other.day(date(2019, 5, 23))
    assert Pseudonyms(KEY, "p").patient_id == one.patient_id


def test_texts_of_different_kinds_do_not_agree() -> None:
    one = Pseudonyms(KEY, "p")
    assert one.text("AccessionNumber", "7") != one.text("StudyID", "7") and len(one.text("StudyID", "7")) == 16


@pytest.mark.parametrize("padded", [" MRN 1 ", "MRN  1", "MRN 1\0"])
def test_padding_makes_no_new_patient(padded: str) -> None:
    assert patient_identity(instance(PatientID=padded)) == patient_identity(instance(PatientID="MRN 1"))


def test_the_issuer_tells_equal_ids_apart() -> None:
    one = instance(PatientID="1", IssuerOfPatientID="A")
    assert patient_identity(one) != patient_identity(instance(PatientID="1", IssuerOfPatientID="B"))


@pytest.mark.parametrize("empty", ["", " ", "\0"])
def test_patients_without_an_id_are_never_joined(empty: str) -> None:
    one = patient_identity(instance(PatientID=empty, StudyInstanceUID="1.2"))
    assert one != patient_identity(instance(PatientID=empty, StudyInstanceUID="1.3"))
    assert one != patient_identity(instance(PatientID="1.2"))
    assert patient_identity(instance(SOPInstanceUID="1.2")) != patient_identity(instance(SOPInstanceUID="1.3"))


def test_projects_of_a_home_have_their_own_stable_keys(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    keys = {project_key(settings, name) for name in ("a", "b", "a")}
    assert len(keys) == 2 and ingest_key(settings) not in keys
    assert (settings.keys / "ingest.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "Trial", "a b", "../a", "a" * 65, "a\n"])
def test_a_bad_project_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name a project"):
        project_key(Settings(tmp_path), name)


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.keys.mkdir()
    (settings.keys / "ingest.key").write_text("short")
    with pytest.raises(InvalidInput, match=r"ingest\.key in the keys folder is damaged"):
        project_key(settings, "a")
