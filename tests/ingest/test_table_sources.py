"""Tables of all kinds from the command line to a notebook, joined with the images of the same patients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from desks import Desk

LUNG1: dict[str, Any] = {
    "table": "clinical", "title": "Clinical data", "missing": ["NA"], "suppress": True,
    "columns": {
        "PatientID": {"type": "subject"},
        "age": {"type": "age", "role": "quasi", "bins": [0, 60, 75, 91]},
        "clinical.T.Stage": {"type": "integer"}, "Clinical.N.Stage": {"type": "integer"},
        "Clinical.M.Stage": {"type": "integer"},
        "Overall.Stage": {"type": "code", "values": ["I", "II", "IIIa", "IIIb"]},
        "Histology": {"type": "text"},
        "gender": {"type": "code", "role": "quasi", "values": ["male", "female"]},
        "Survival.time": {"type": "integer", "unit": "d"},
        "deadstatus.event": {"type": "code", "role": "sensitive", "values": {"0": "alive", "1": "dead"}},
    },
}  # fmt: skip
MRN = "MRN-5550199"


def write(path: Path, body: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(body, sort_keys=False))
    return path


@pytest.fixture
def lung1(shared_data: Any) -> Path:
    (file,) = shared_data("tab-lung1-clinical").glob("*.csv")
    return Path(file)


def clinic(folder: Path, rows: int, **table: Any) -> Path:
    """Write a table of patients, one of whom is the drawn series', and its declaration."""
    folder.mkdir(exist_ok=True)
    lines = [f"{MRN if n == 1 else f'MRN-{n:07d}'},{'mf'[n % 2]},{n % 7}" for n in range(rows)]
    (folder / "visits.csv").write_text("\n".join(["mrn,sex,visits", *lines]))
    columns = {
        "mrn": {"type": "subject"}, "sex": {"type": "code", "role": "quasi", "values": ["m", "f"]},
        "visits": {"type": "integer", "role": "sensitive"},
    }  # fmt: skip
    write(folder / "visits.columns.yaml", {"table": "visits", "columns": columns, **table})
    return folder


def bundle(folder: Path, patients: int) -> None:
    """Write FHIR resources of patients, one of whom is the drawn series'."""
    folder.mkdir(exist_ok=True)
    entry: list[dict[str, Any]] = []
    for n in range(patients):
        number = MRN if n == 1 else f"MRN-{n:07d}"
        person = {"resourceType": "Patient", "id": f"p{n}", "gender": "female", "identifier": [{"value": number}]}
        weight = {
            "resourceType": "Observation", "id": f"o{n}", "status": "final", "subject": {"reference": f"Patient/p{n}"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "valueQuantity": {"value": 70.5, "system": "http://unitsofmeasure.org", "code": "kg"},
        }  # fmt: skip
        entry += [{"resource": person}, {"resource": weight}]
    (folder / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry}))


def test_a_real_table_reaches_a_notebook(desk: Desk, lung1: Path, tmp_path: Path) -> None:
    made = desk.ingest(lung1, "lung1", "--columns", write(tmp_path / "c.yaml", LUNG1))
    (one,) = made["tables"]
    assert (one["rows_read"], one["name"], made["series"]) == (422, "clinical", []) and one["k"] >= 5 <= one["rows"]
    assert desk.run("sign-off", "lung1", "--report", tmp_path / "r.html").code == 0
    assert "replaced by a pseudonym" in (tmp_path / "r.html").read_text()
    assert "LUNG1-001" not in (tmp_path / "r.html").read_text()
    desk.publish("lung1")
    with desk.granted("lung1") as data:
        frame = data.table("clinical")
    assert len(frame) == one["rows"] and frame["subject"].str.fullmatch(r"P\d{4}").all()
    assert set(frame["deadstatus.event"]) == {"alive", "dead"} and "Histology" not in frame
    assert frame["Survival.time"].max() > 1000


def test_small_groups_stop_a_table(desk: Desk, lung1: Path, tmp_path: Path) -> None:
    columns = {**LUNG1["columns"], "Overall.Stage": {**LUNG1["columns"]["Overall.Stage"], "role": "quasi"}}
    body = {**LUNG1, "columns": columns, "suppress": False}
    code, said = desk.refused(lung1, "small", "--columns", write(tmp_path / "k.yaml", body))
    assert (code, said["code"]) == (7, "small-cells") and "LUNG1-" not in said["message"]
    alike = clinic(tmp_path / "alike", 12)
    text = (alike / "visits.csv").read_text().splitlines()
    (alike / "visits.csv").write_text("\n".join([text[0], *(f"{line[:-1]}3" for line in text[1:])]))
    code, said = desk.refused(alike, "small")
    assert (code, said["code"]) == (7, "small-cells")


def test_a_table_says_how_to_declare_it(desk: Desk, lung1: Path, tmp_path: Path) -> None:
    code, said = desk.refused(lung1, "undeclared")
    assert (code, said["code"]) == (7, "undeclared-table") and "--suggest-columns" in said["message"]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").write_bytes(lung1.read_bytes())
    code, said = desk.refused(tmp_path / "in", "undeclared")
    assert (code, said["code"]) == (7, "undeclared-table") and "--suggest-columns" in said["message"]


def test_a_suggestion_is_a_declaration(desk: Desk, lung1: Path, tmp_path: Path) -> None:
    answer = desk.run("ingest", lung1, "--suggest-columns")
    body = yaml.safe_load(answer.out)
    assert answer.code == 0 and "LUNG1-0" not in answer.out
    assert body["columns"]["PatientID"] == {"type": "subject"} and body["columns"]["age"]["role"] == "quasi"
    assert "role" not in body["columns"]["Overall.Stage"]  # a stage is no age
    made = desk.ingest(lung1, "suggested", "--columns", write(tmp_path / "c.yaml", {**body, "suppress": True}))
    assert made["tables"][0]["subjects"] > 100


def test_a_table_and_images_of_one_patient_share_a_number(desk: Desk, draw_series: Any, tmp_path: Path) -> None:
    folder = clinic(draw_series(count=3).folder, 14)
    made = desk.ingest(folder, "joined")
    (one,) = made["series"]
    assert made["tables"][0]["subjects"] == 14 and made["ignored"] == []
    desk.publish("joined")
    with desk.granted("joined") as data:
        frame = data.table("visits").set_index("subject")
        scans = data.scans()
    assert len(frame) == 14 and one["subject"] in frame.index
    assert frame.loc[one["subject"], "visits"] == 1 and list(scans["subject"]) == [one["subject"]]


def test_images_that_come_after_their_table_join_it(desk: Desk, draw_series: Any, tmp_path: Path) -> None:
    desk.ingest(clinic(tmp_path / "table", 14), "later")
    desk.publish("later")
    made = desk.ingest(draw_series(count=3).folder, "later")
    desk.publish("later")
    with desk.granted("later") as data:
        frame = data.table("visits").set_index("subject")
    assert frame.loc[made["series"][0]["subject"], "visits"] == 1


def test_fhir_and_images_of_one_patient_share_a_number(desk: Desk, draw_series: Any) -> None:
    folder = draw_series(count=3).folder
    bundle(folder, 7)
    made = desk.ingest(folder, "fhir")
    assert {one["name"] for one in made["tables"]} == {"fhir_patient", "fhir_observation"}
    desk.publish("fhir")
    with desk.granted("fhir") as data:
        weights = data.table("fhir_observation")
    assert made["series"][0]["subject"] in set(weights["subject"]) and len(weights) == 7
    assert set(weights["value"]) == {70.5}


def test_a_bad_cell_is_told_by_row_and_column_alone(desk: Desk, tmp_path: Path) -> None:
    folder = clinic(tmp_path / "in", 14)
    with (folder / "visits.csv").open("a") as stream:
        stream.write("\nMRN-SECRET1,m,often")
    code, said = desk.refused(folder, "bad-cell")
    assert (code, said["code"]) == (7, "wrong-type") and "row 16" in said["message"]
    assert "SECRET" not in said["message"] and "often" not in said["message"]
