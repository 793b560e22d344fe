"""`workbench infer` reads a scan, runs a model over it and says where and how large, in patient mm; or why not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.cli import main
from workbench.compute.fitting import initial_network
from workbench.compute.infer_report import COORDINATES, RESEARCH
from workbench.compute.model import Step, TrainedModel
from workbench.compute.model_file import with_facts
from workbench.compute.scan_files import read_scan
from workbench.compute.scan_input import make_scan
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection, operator_secret
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.nifti import read_nifti, write_nifti
from workbench.imaging.phantom import Phantom, make_phantom
from workbench.ingest.phantom_series import write_series
from workbench.settings import Settings

GRID = Geometry((56, 104, 104), (2.0, 2.2, 2.2), (-110.0, -120.5, -60.0))
BALLS = (((22, 52, 28), 14.0), ((34, 40, 76), 9.0))
Run = Callable[..., tuple[int, str, str]]


def save(form: str, path: Path) -> Path:
    """Write a model as an export does, of weights that nobody trained."""
    model = TrainedModel("a-task", initial_network(5, form).eval(), 5, (Step(1, 0.5),), 4, 2, form)
    facts = {"task": model.task, "data": "", "seed": "5", "fingerprint": model.fingerprint}
    path.write_bytes(with_facts(model.to_onnx(), form, facts))
    return path


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """Give two lungs with two balls in them, of an invented patient with an invented header."""
    hu = np.full(GRID.shape, -1000, dtype=np.int16)
    hu[:, 8:96, 8:96] = 40
    hu[4:52, 14:90, 14:46] = hu[4:52, 14:90, 58:90] = -860
    places = np.indices(GRID.shape).reshape(3, -1).T
    for centre, diameter_mm in BALLS:
        apart_mm = np.linalg.norm((places - centre) * GRID.spacing_mm, axis=1).reshape(GRID.shape)
        hu[apart_mm < diameter_mm / 2] = 30
    # Vessels, so that there is more to look at than the balls.
    for y, x in np.random.default_rng(4).integers(20, 84, (40, 2)):
        hu[8:48, y, x] = np.where(hu[8:48, y, x] < -500, -300, hu[8:48, y, x])
    return replace(make_phantom(3, size=96), hu=hu, geometry=GRID)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, phantom: Phantom) -> Path:
    """Give a folder with two models and one scan as DICOM and as NIfTI."""
    folder = tmp_path_factory.mktemp("infer")
    save("patches", folder / "nodules.onnx")
    save("sections", folder / "lungs.onnx")
    write_series(phantom, folder / "dicom").rename(folder / "series")
    (folder / "ct.nii.gz").write_bytes(write_nifti(phantom.hu, phantom.geometry))
    return folder


@pytest.fixture
def run(desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give what runs the verb in that folder: exit code, stdout, stderr."""
    monkeypatch.chdir(desk)
    for name in ("WORKBENCH_GATEWAY", "WORKBENCH_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(["infer", *words, "--threads", "1"])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture(scope="module")
def by_dicom(desk: Path) -> dict[str, Any]:
    """Give the answer about the DICOM series, asked once."""
    out = desk / "marks.json"
    words = [str(desk / "nodules.onnx"), str(desk / "series"), "--json", "--threads", "1", "--out", str(out)]
    assert main(["infer", *words, "--no-timing"]) == 0
    answer: dict[str, Any] = json.loads(out.read_text())
    return answer


def test_marks_lie_on_the_nodules_in_patient_mm_with_their_diameter(by_dicom: dict[str, Any], phantom: Phantom) -> None:
    marks = by_dicom["marks"]
    places = np.array([[mark["x_mm"], mark["y_mm"], mark["z_mm"]] for mark in marks])
    for centre, diameter_mm in BALLS:
        away_mm = np.linalg.norm(places - GRID.to_patient_mm(np.array(centre)), axis=1)
        assert away_mm.min() < 2.5
        assert abs(marks[int(away_mm.argmin())]["diameter_mm"] - diameter_mm) < 2.0


def test_a_box_lies_around_its_mark(by_dicom: dict[str, Any]) -> None:
    for mark in by_dicom["marks"]:
        middle = [(low + high) / 2 for low, high in zip(mark["box_low_mm"], mark["box_high_mm"], strict=True)]
        assert np.allclose(middle, [mark["x_mm"], mark["y_mm"], mark["z_mm"]], atol=0.011)
        assert np.isclose(mark["box_high_mm"][0] - mark["box_low_mm"][0], mark["diameter_mm"], atol=0.021)


def test_marks_come_surest_first_and_the_answer_says_what_it_is(by_dicom: dict[str, Any], phantom: Phantom) -> None:
    scores = [mark["score"] for mark in by_dicom["marks"]]
    assert scores == sorted(scores, reverse=True) and len(scores) > 10
    assert set(by_dicom) == {
        "form", "model", "engine", "device", "scan", "coordinates", "most_candidates", "min_score", "marks", "notes",
    }  # fmt: skip
    assert by_dicom["coordinates"] == COORDINATES and RESEARCH in by_dicom["notes"]
    assert by_dicom["scan"]["shape"] == list(phantom.hu.shape)


def test_nothing_of_the_header_is_in_the_answer(by_dicom: dict[str, Any], phantom: Phantom) -> None:
    text = json.dumps(by_dicom)
    for told in (phantom.identity.name, phantom.identity.patient_id):
        assert told not in text


def test_nifti_gives_the_marks_that_dicom_gives_and_equal_bytes_twice(run: Run, by_dicom: dict[str, Any]) -> None:
    first, second = (run("nodules.onnx", "ct.nii.gz", "--json", "--no-timing") for _ in range(2))
    assert first == second and first[0] == 0 and first[2] == ""
    marks = json.loads(first[1])["marks"]
    assert len(marks) == len(by_dicom["marks"])
    for mark, other in zip(marks, by_dicom["marks"], strict=True):
        assert np.allclose([mark["x_mm"], mark["z_mm"], mark["score"]], [other["x_mm"], other["z_mm"], other["score"]],
                           atol=0.011)  # fmt: skip


def test_a_scan_stored_along_other_axes_gives_the_same_places(
    run: Run, desk: Path, phantom: Phantom, by_dicom: dict[str, Any]
) -> None:
    # The same patient, stored as sagittal planes from right to left and from the head down.
    grid = phantom.geometry
    turned = np.ascontiguousarray(phantom.hu.transpose(2, 0, 1)[:, ::-1])
    sz, sy, sx = grid.spacing_mm
    top = grid.to_patient_mm(np.array([phantom.hu.shape[0] - 1, 0, 0]))
    other = Geometry(
        turned.shape, (sx, sz, sy), tuple(float(n) for n in top), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
    )  # type: ignore[arg-type]
    (desk / "turned.nii").write_bytes(write_nifti(turned, other, packed=False))
    code, out, _ = run("nodules.onnx", "turned.nii", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["scan"]["shape"] == list(turned.shape)
    assert [mark["score"] for mark in answer["marks"]] == pytest.approx(
        [mark["score"] for mark in by_dicom["marks"]], abs=1e-4
    )


def test_meta_image_is_read(run: Run, desk: Path, phantom: Phantom, by_dicom: dict[str, Any]) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed; `.[ingest]` brings it")
    image = sitk.GetImageFromArray(phantom.hu)
    image.SetSpacing(phantom.geometry.spacing_mm[::-1])
    image.SetOrigin(phantom.geometry.origin_mm)
    sitk.WriteImage(image, str(desk / "ct.mha"))
    code, out, _ = run("nodules.onnx", "ct.mha", "--json")
    assert code == 0 and len(json.loads(out)["marks"]) == len(by_dicom["marks"])


def test_places_of_ones_own_are_scored_and_low_scores_left_out(run: Run, desk: Path) -> None:
    rows = [",".join(map(str, GRID.to_patient_mm(np.array(centre)))) for centre, _ in BALLS]
    (desk / "own.csv").write_text("\n".join(["x_mm,y_mm,z_mm", *rows]) + "\n")
    everything = json.loads(run("nodules.onnx", "ct.nii.gz", "--json", "--candidates", "own.csv")[1])["marks"]
    assert len(everything) == len(rows)
    between = str(sum(mark["score"] for mark in everything) / 2)
    less = run("nodules.onnx", "ct.nii.gz", "--json", "--candidates", "own.csv", "--min-score", between)
    assert json.loads(less[1])["marks"] == everything[:1]


def test_the_answer_of_a_run_is_a_list_of_places_for_the_next(run: Run, by_dicom: dict[str, Any]) -> None:
    code, out, _ = run("nodules.onnx", "ct.nii.gz", "--json", "--candidates", "marks.json")
    assert code == 0 and len(json.loads(out)["marks"]) == len(by_dicom["marks"])


def test_both_engines_agree_about_the_surest(run: Run, by_dicom: dict[str, Any]) -> None:
    answer = json.loads(run("nodules.onnx", "ct.nii.gz", "--json", "--engine", "torch-bf16")[1])
    assert answer["engine"] == "torch-bf16"
    found = {(mark["x_mm"], mark["y_mm"], mark["z_mm"]): mark["score"] for mark in answer["marks"]}
    wanted = {(mark["x_mm"], mark["y_mm"], mark["z_mm"]): mark["score"] for mark in by_dicom["marks"]}
    shared = found.keys() & wanted.keys()
    assert len(shared) > len(wanted) / 2
    assert max(abs(found[place] - wanted[place]) for place in shared) < 0.03


@pytest.mark.parametrize("engine", ["onnxruntime", "torch-bf16"])
def test_a_mask_lies_on_the_grid_of_its_scan_and_its_volume_is_counted(
    run: Run, desk: Path, phantom: Phantom, engine: str
) -> None:
    code, out, _ = run("lungs.onnx", "ct.nii.gz", "--json", "--out", "mask.nii.gz", "--engine", engine)
    mask, grid = read_nifti((desk / "mask.nii.gz").read_bytes())
    told = json.loads(out)["mask"]
    assert code == 0 and mask.shape == phantom.hu.shape and set(np.unique(mask)) <= {0, 1}
    assert np.allclose(grid.to_patient_mm(np.array([5, 6, 7])), phantom.geometry.to_patient_mm(np.array([5, 6, 7])),
                       atol=1e-3)  # fmt: skip
    assert told["voxels"] == int(mask.sum())
    assert told["volume_ml"] == pytest.approx(int(mask.sum()) * np.prod(phantom.geometry.spacing_mm) / 1000, abs=1e-3)


def test_a_person_reads_lines_with_times(run: Run) -> None:
    code, out, err = run("nodules.onnx", "ct.nii.gz", "--min-score", "0.0")
    assert (code, err) == (0, "")
    for told in ("marks of score", "mm (LPS)", "and", "read scan"):
        assert told in out


def noise(desk: Path, name: str, values: np.ndarray[Any, Any], spacing: tuple[float, float, float]) -> None:
    """Write a NIfTI file of some values."""
    grid = Geometry(values.shape, spacing, (0.0, 0.0, 0.0))  # type: ignore[arg-type]
    (desk / name).write_bytes(write_nifti(values, grid, packed=False))


BODY = np.where(np.indices((12, 40, 40))[1] < 20, -1000, 40).astype(np.int16)


def damaged(desk: Path) -> None:
    shutil.copytree(desk / "series", desk / "damaged", dirs_exist_ok=True)
    file = sorted((desk / "damaged").iterdir())[4]
    file.write_bytes(file.read_bytes()[:900])


def gap(desk: Path) -> None:
    shutil.copytree(desk / "series", desk / "gap", dirs_exist_ok=True)
    from pydicom import dcmread

    heights = {float(dcmread(file, stop_before_pixels=True).ImagePositionPatient[2]): file
               for file in (desk / "gap").iterdir()}  # fmt: skip
    heights[sorted(heights)[10]].unlink()


def as_mr(desk: Path) -> None:
    from pydicom import dcmread
    from pydicom.uid import MRImageStorage

    (desk / "mr").mkdir(exist_ok=True)
    for file in sorted((desk / "series").iterdir())[:6]:
        one = dcmread(file)
        one.Modality, one.SOPClassUID = "MR", MRImageStorage
        one.file_meta.MediaStorageSOPClassUID = MRImageStorage
        one.save_as(desk / "mr" / file.name)


def two_series(desk: Path) -> None:
    from pydicom import dcmread

    shutil.copytree(desk / "series", desk / "two" / "a", dirs_exist_ok=True)
    (desk / "two" / "b").mkdir(exist_ok=True)
    for file in sorted((desk / "series").iterdir())[:4]:
        one = dcmread(file)
        one.SeriesInstanceUID, one.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.7", f"{one.SOPInstanceUID}.7"
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
        one.save_as(desk / "two" / "b" / file.name)


def tilted(desk: Path) -> None:
    c, s = float(np.cos(np.radians(20.0))), float(np.sin(np.radians(20.0)))
    grid = Geometry(BODY.shape, (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c))
    (desk / "tilted.nii").write_bytes(write_nifti(BODY, grid, packed=False))


REFUSED: dict[str, tuple[Any, tuple[str, ...], int, str, str]] = {
    "no model": (None, ("none.onnx", "ct.nii.gz"), 5, "not-found", "no model file"),
    "no ONNX": (lambda desk: (desk / "text.onnx").write_text("hello"), ("text.onnx", "ct.nii.gz"), 2, "model-refused",
                "not an ONNX file"),
    "no scan": (None, ("nodules.onnx", "Nowhere"), 5, "not-found", "no scan “Nowhere”"),
    "one slice": (lambda desk: (desk / "one.dcm").write_bytes(b"x"), ("nodules.onnx", "one.dcm"), 2, "not-a-scan",
                  "give the folder"),
    "empty folder": (lambda desk: (desk / "empty").mkdir(exist_ok=True), ("nodules.onnx", "empty"), 2, "empty-folder",
                     "folder is empty"),
    "damaged slice": (damaged, ("nodules.onnx", "damaged"), 2, "", "cannot be read"),
    "missing slice": (gap, ("nodules.onnx", "gap"), 2, "missing-slice", "cannot be read"),
    "MR": (as_mr, ("nodules.onnx", "mr"), 2, "not-ct", "is MR, and the model knows CT alone"),
    "two series": (two_series, ("nodules.onnx", "two"), 2, "several-series", "2 CT series"),
    "no air": (lambda desk: noise(desk, "mr.nii", BODY + 1000, (2, 2, 2)), ("nodules.onnx", "mr.nii"), 2, "not-ct",
               "no CT in HU"),
    "thick slices": (lambda desk: noise(desk, "thick.nii", BODY, (8, 2, 2)), ("nodules.onnx", "thick.nii"), 2,
                     "thick-slices", "8 mm apart"),
    "oblique": (tilted, ("lungs.onnx", "tilted.nii"), 2, "oblique", "turned by 20°"),
    "no lungs": (lambda desk: noise(desk, "none.nii", BODY, (2, 2, 2)), ("nodules.onnx", "none.nii"), 2, "no-lungs",
                 "No lungs"),
    "cut short": (lambda desk: (desk / "cut.nii").write_bytes(write_nifti(BODY, Geometry(BODY.shape, (2.0, 2.0, 2.0),
                  (0.0, 0.0, 0.0)), packed=False)[:-9]), ("nodules.onnx", "cut.nii"), 2, "undecodable", "cut short"),
    "mask as JSON": (None, ("lungs.onnx", "ct.nii.gz", "--out", "mask.json"), 2, "invalid-input", "ends in .nii"),
    "marks as NIfTI": (None, ("nodules.onnx", "ct.nii.gz", "--out", "m.nii"), 2, "invalid-input", "ends in .json"),
    "no folder for them": (None, ("nodules.onnx", "ct.nii.gz", "--out", "none/m.json", "--candidates", "middle.csv"), 2,
                           "invalid-input", "cannot be written"),
    "score": (None, ("nodules.onnx", "ct.nii.gz", "--min-score", "2"), 2, "invalid-input", "0 to 1"),
    "places outside": (lambda desk: (desk / "far.csv").write_text("x_mm,y_mm,z_mm\n0,0,9000\n"),
                       ("nodules.onnx", "ct.nii.gz", "--candidates", "far.csv"), 2, "outside", "1 of 1 candidates"),
    "places of no number": (lambda desk: (desk / "odd.csv").write_text("x_mm,y_mm,z_mm\n0,zero,0\n"),
                            ("nodules.onnx", "ct.nii.gz", "--candidates", "odd.csv"), 2, "invalid-input", "mend that"),
    "places without columns": (lambda desk: (desk / "ij.csv").write_text("i,j,k\n1,2,3\n"),
                               ("nodules.onnx", "ct.nii.gz", "--candidates", "ij.csv"), 2, "invalid-input", "columns"),
    "no places": (None, ("nodules.onnx", "ct.nii.gz", "--candidates", "none.csv"), 5, "not-found", "no file"),
    "places for a mask": (None,
                          ("lungs.onnx", "ct.nii.gz", "--candidates", "middle.csv"), 2, "invalid-input", "every voxel"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_answered_is_refused_in_one_sentence(run: Run, desk: Path, case: str) -> None:
    prepare, words, exit_code, code, said = REFUSED[case]
    if prepare is not None:
        prepare(desk)
    got, out, err = run(*words, "--json")
    told = json.loads(out)
    assert (got, err) == (exit_code, "")
    assert said in told["message"] and code in ("", told["code"])
    assert str(desk) not in told["message"] and "\n" not in told["message"]


def test_thick_slices_are_no_matter_for_a_mask(run: Run, desk: Path) -> None:
    noise(desk, "thick.nii", BODY, (8, 2, 2))
    assert run("lungs.onnx", "thick.nii", "--json")[0] == 0


def test_lungs_without_a_mark_are_an_answer(run: Run) -> None:
    code, out, _ = run("nodules.onnx", "ct.nii.gz", "--json", "--min-score", "1")
    answer = json.loads(out)
    assert (code, answer["marks"]) == (0, []) and any("no place in them" in note for note in answer["notes"])


def test_a_grid_turned_by_half_a_right_angle_has_no_upright_form() -> None:
    c = float(np.sqrt(0.5))
    grid = Geometry((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, c, -c, 0.0, c, c))
    with pytest.raises(InvalidInput, match="45°") as stop:
        make_scan(np.zeros((4, 4, 4), dtype=np.int16), grid)
    assert stop.value.code == "oblique"


def test_a_scan_of_the_home_needs_its_model_in_the_workspace(
    run: Run, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run("nodules.onnx", "chest-ct/S0021", "--json")
    assert code == 2 and json.loads(out)["code"] == "model-outside-the-workspace"


def test_a_scan_of_the_home_is_answered_about_in_a_job_under_the_persons_grant(
    bubblewrap: None, demo_home: Settings, desk: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(demo_home.home))
    workspace = demo_home.workspace("researcher")
    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    model = workspace / "infer-test.onnx"
    shutil.copy(desk / "nodules.onnx", model)
    code, out, _ = run(str(model), "chest-ct/S0004", "--json", "--no-timing")
    assert code == 0 and len(json.loads(out)["marks"]) > 10
    code, out, _ = run(str(model), "chest-ct-test/S0001", "--json")
    assert code == 4 and "chest-ct-test" in json.loads(out)["message"]


def test_in_a_governed_kernel_a_scan_is_read_there(
    demo_home: Settings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Connection(demo_home.socket, operator_secret(demo_home))) as operator:
        token = operator.post("/v1/kernels", {"person": "researcher", "isolation": "none"})["token"]
    monkeypatch.setenv(SOCKET_VARIABLE, str(demo_home.socket))
    monkeypatch.setenv(TOKEN_VARIABLE, token)
    code, out, _ = run("nodules.onnx", "chest-ct/S0004", "--json", "--candidates", "middle.csv")
    assert code == 0 and len(json.loads(out)["marks"]) == 1
    code, out, _ = run("nodules.onnx", "chest-ct/S9999", "--json")
    assert code == 5 and "no scan" in json.loads(out)["message"]


@pytest.mark.parametrize(
    ("name", "part", "code"),
    [("ct-lung1-003", "data", 0), ("ct-lungdx-a0002", "data", 2), ("petctmr-sts", "dicom/STS_002/MR_T1", 2),
     ("ct-totalseg", "example_mr_sm.nii.gz", 2)],
)  # fmt: skip
def test_real_scans_are_read_or_refused_by_name(
    shared_data: Callable[[str], Path], run: Run, name: str, part: str, code: int
) -> None:
    reasons = {"ct-lungdx-a0002": "thick-slices", "petctmr-sts": "not-ct", "ct-totalseg": "not-ct"}
    got, out, _ = run("nodules.onnx", str(shared_data(name) / part), "--json", "--candidates", "real.csv")
    answer = json.loads(out)
    assert got == code
    if code:
        assert answer["code"] == reasons[name]
    else:
        assert answer["scan"]["spacing_mm"][0] == 3.0 and any("3 mm apart" in note for note in answer["notes"])


@pytest.fixture(autouse=True, scope="module")
def real_places(desk: Path) -> None:
    """Give places, so that no candidates need to be looked for."""
    (desk / "middle.csv").write_text("x_mm,y_mm,z_mm\n0,0,0\n")
    (desk / "real.csv").write_text("x_mm,y_mm,z_mm\n-60,-40,-150\n")


def test_a_real_meta_image_is_read_as_it_lies(shared_data: Callable[[str], Path]) -> None:
    scan = read_scan(shared_data("ct-elastix-lung") / "Data" / "3DCT_lung_baseline_small.mha")
    assert scan.hu.shape == scan.upright.geometry.shape and int(scan.hu.min()) < -500
