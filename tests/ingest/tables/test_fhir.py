"""FHIR resources become tables by an allowlist: codes, numbers and shifted dates, and nobody's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import IngestRefused, InvalidInput
from workbench.ingest.tables.fhir import FhirTables, read_fhir

MRN_TYPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}


def patient(number: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": f"pat-{number}", "gender": "female", "birthDate": "1961-04-12",
        "identifier": [{"value": f"SSN-{number}"}, {"type": MRN_TYPE, "value": f"MRN-{number:05d}"}],
        "name": [{"family": "Okonkwo", "given": ["Adaeze"]}], "telecom": [{"value": "555-0199"}],
        "address": [{"city": "Lagos"}], "text": {"div": "<div>Adaeze Okonkwo</div>"}, **more,
    }  # fmt: skip


def observation(number: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"obs-{number}", "status": "final",
        "subject": {"reference": f"https://h.example/fhir/Patient/pat-{number}", "display": "Adaeze Okonkwo"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Weight of Adaeze"}]},
        "effectiveDateTime": "2019-05-23T10:11:12+02:00", "note": [{"text": "Adaeze was tired"}],
        "valueQuantity": {"value": 72.5, "unit": "kilos", "system": "http://unitsofmeasure.org", "code": "kg"}, **more,
    }  # fmt: skip


@pytest.fixture
def read(tmp_path: Path, pseudonyms: Any) -> Callable[..., FhirTables]:
    """Give a function that writes resources as a bundle and reads it."""

    def make(resources: list[Any], name: str = "b.json", **options: Any) -> FhirTables:
        bundle = {
            "resourceType": "Bundle",
            "entry": [{"fullUrl": one.pop("url", ""), "resource": one} for one in resources],
        }
        (tmp_path / name).write_text(json.dumps(bundle))
        return read_fhir(tmp_path / name, pseudonyms, **options)

    return make


@pytest.fixture
def resources() -> list[dict[str, Any]]:
    """Give six patients with one observation each."""
    return [patient(n) for n in range(6)] + [observation(n) for n in range(6)]


def code_of(read: Any, resources: list[Any]) -> tuple[str, str]:
    with pytest.raises(IngestRefused) as refused:
        read(resources)
    return refused.value.code, refused.value.message


def test_codes_numbers_units_and_shifted_dates_are_taken(read: Any, resources: Any, pseudonyms: Any) -> None:
    patients, observations = read(resources).tables
    one = pseudonyms("MRN-00002")
    row = observations.frame.iloc[2]
    assert (row["subject"], row["code"], row["code_system"]) == (one.patient_id, "29463-7", "LOINC")
    assert (row["value"], row["unit"], row["status"]) == (72.5, "kg", "final")
    assert row["effective"].date() == one.day(date(2019, 5, 23))
    assert patients.frame["gender"].tolist() == ["female"] * 6


def test_nothing_that_identifies_is_left(read: Any, resources: Any) -> None:
    for table in read(resources).tables:
        content = b"".join(table.by_subject().values()) + json.dumps([table.schema, table.report]).encode()
        for secret in (b"Okonkwo", b"Adaeze", b"MRN", b"SSN", b"pat-", b"obs-", b"555", b"Lagos", b"1961", b"2019-05"):
            assert secret not in content


def test_components_are_rows_of_their_observation(read: Any, resources: Any) -> None:
    part = {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueInteger": 120}
    resources[6] = observation(0, component=[part], valueQuantity=None)
    frame = read(resources).tables[1].frame
    assert frame["code"].tolist()[:2] == ["29463-7", "8480-6"]
    assert frame["value"].tolist()[1] == 120 and frame["observation"][0] == frame["observation"][1]


def test_a_meaning_is_written_only_where_it_is_known_here(read: Any, resources: Any) -> None:
    lung = {"system": "http://snomed.info/sct", "code": "39607008", "display": "Adaeze's lung"}
    condition = {"resourceType": "Condition", "code": {"coding": [lung]}}
    resources += [{**condition, "id": f"c{n}", "subject": {"reference": f"Patient/pat-{n}"}} for n in range(6)]
    frame = read(resources).tables[2].frame
    assert (frame["code"][0], frame["code_display"][0]) == ("39607008", "Lung")


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("http://snomed.info/sct", "39607009"),
        ("http://loinc.org", "Okonkwo"),
        ("https://hospital.example/codes", "29463-7"),
        ("http://hl7.org/fhir/sid/icd-10", "MRN-00001"),
    ],
)
def test_what_is_no_code_of_its_system_is_left_behind(read: Any, resources: Any, system: str, code: str) -> None:
    for one in resources[6:]:
        one["code"] = {"coding": [{"system": system, "code": code}]}
    assert read(resources).tables[1].frame["code"].isna().all()


def test_a_record_number_in_the_form_of_a_code_is_left_behind(read: Any, resources: Any) -> None:
    resources[0]["identifier"][1]["value"] = "29463-7"
    assert read(resources).tables[1].frame["code"].isna().all()


def test_half_a_date_is_missing(read: Any, resources: Any) -> None:
    resources[6]["effectiveDateTime"] = "2019-05"
    assert read(resources).tables[1].frame["effective"].isna().tolist() == [True] + [False] * 5


def test_references_by_urn_and_the_only_identifier_are_followed(read: Any, resources: Any, pseudonyms: Any) -> None:
    resources[0] |= {"url": "urn:uuid:1", "identifier": [{"value": "X-1"}]}
    resources[6]["subject"] = {"reference": "urn:uuid:1"}
    assert read(resources).tables[1].frame["subject"][0] == pseudonyms("X-1").patient_id


def test_lines_and_folders_of_lines_are_read(tmp_path: Path, resources: Any, pseudonyms: Any) -> None:
    for name, part in (("Patient", resources[:6]), ("Observation", resources[6:])):
        (tmp_path / f"{name}.ndjson").write_text("\n".join(map(json.dumps, part)) + "\n")
    assert [table.name for table in read_fhir(tmp_path, pseudonyms).tables] == ["fhir_patient", "fhir_observation"]


def test_other_resources_are_left_behind_and_counted(read: Any, resources: Any) -> None:
    assert read([*resources, {"resourceType": "Practitioner"}]).ignored == {"Practitioner": 1}


@pytest.mark.parametrize("kind", ["Spaceship", "Okonkwo^Adaeze"])
def test_an_unknown_resource_is_refused_by_name(read: Any, resources: Any, kind: str) -> None:
    code, message = code_of(read, [*resources, {"resourceType": kind}])
    assert code == "unknown-resource" and "Okonkwo" not in message


def test_a_resource_of_a_patient_who_is_not_there_is_refused(read: Any, resources: Any) -> None:
    code, message = code_of(read, [*resources[1:]])
    assert code == "unresolved-subject" and "1 resources of type Observation" in message and "pat-" not in message


def test_too_few_patients_are_refused(read: Any, resources: Any) -> None:
    assert code_of(read, [*resources[:3], *resources[6:9]])[0] == "small-cells"
    resources[5]["gender"] = "male"
    assert code_of(read, resources)[0] == "small-cells"


def test_a_status_outside_the_standard_is_refused_without_its_value(read: Any, resources: Any) -> None:
    resources[6]["status"] = "Okonkwo"
    code, message = code_of(read, resources)
    assert code == "unknown-code" and "“status”" in message and "Okonkwo" not in message


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", '{"a": 1}', "[" * 100_000, '{"resourceType": "Bundle"}', "\xff"]
)
def test_what_is_no_fhir_is_refused(tmp_path: Path, pseudonyms: Any, content: str) -> None:
    (tmp_path / "b.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(IngestRefused) as refused:
        read_fhir(tmp_path / "b.json", pseudonyms)
    assert refused.value.code == "not-fhir"


def test_an_empty_folder_is_no_source(tmp_path: Path, pseudonyms: Any) -> None:
    with pytest.raises(InvalidInput, match="no FHIR"):
        read_fhir(tmp_path, pseudonyms)
