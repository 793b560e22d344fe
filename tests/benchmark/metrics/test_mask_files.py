"""Masks from NIfTI files and folders: pairs, labels, grids."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from workbench.benchmark.metrics.score_files import Files, evaluate_files
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.nifti import write_nifti

GRID = Geometry((1, 1, 8), (2.5, 0.7, 0.7), (0.0, 0.0, 0.0))


def write(path: Path, *labels: int, grid: Geometry = GRID, dtype: type = np.uint8) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(write_nifti(np.array(labels, dtype=dtype).reshape(1, 1, 8), grid, packed=path.suffix == ".gz"))
    return path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    write(tmp_path / "truth" / "A.nii.gz", 1, 1, 0, 0, 2, 2, 0, 0)
    write(tmp_path / "truth" / "B.nii.gz", 0, 1, 1, 1, 0, 0, 0, 0)
    write(tmp_path / "said" / "A.nii.gz", 1, 1, 0, 0, 0, 2, 0, 0)
    write(tmp_path / "said" / "B.nii", 0, 0, 1, 1, 0, 0, 0, 0)
    return Files(tmp_path / "said", tmp_path / "truth")


def refusal(predictions: Path, truth: Path, label: str | None = None, metric: str = "dice:v1") -> str:
    with pytest.raises(InvalidInput) as stop:
        evaluate_files(metric, Files(predictions, truth, label=label), bootstrap=10)
    return stop.value.message


def test_folders_are_paired_by_name_and_averaged(files: Files) -> None:
    # A: 2 × 3 / (4 + 3); B: 2 × 2 / (3 + 2).
    found = evaluate_files("dice:v1", files, bootstrap=50).measured
    assert found.details["values"] == {"A": 6 / 7, "B": 0.8}
    assert found.value == pytest.approx((6 / 7 + 0.8) / 2, abs=1e-15)
    assert found.interval == pytest.approx((0.8, 6 / 7), abs=1e-12)


def test_a_label_picks_one_structure(files: Files) -> None:
    found = evaluate_files("dice:v1", Files(files.predictions, files.truth, label="2"), bootstrap=0).measured
    assert found.details["values"] == {"A": 2 / 3, "B": 1.0}
    assert (found.details["empty_truth"], found.details["empty_prediction"]) == (1, 1)


def test_distances_are_in_the_scans_millimetres(files: Files) -> None:
    # A: the voxel 4 of the truth is 1 voxel from 5; the 95th percentile of (0, 0, 0.7, 0) lies 0.85 of the way.
    found = evaluate_files("hd95:v1", files, bootstrap=0).measured
    assert found.details["values"]["A"] == pytest.approx(0.85 * 0.7, abs=1e-12)


def test_one_pair_of_files_may_have_other_names(files: Files) -> None:
    assert files.truth is not None
    found = evaluate_files(
        "dice:v1", Files(files.predictions / "B.nii", files.truth / "B.nii.gz"), bootstrap=50
    ).measured
    assert (found.value, found.interval) == (0.8, None)


def test_whole_numbers_in_floating_point_are_labels(files: Files, tmp_path: Path) -> None:
    said = write(tmp_path / "said.nii.gz", 0, 0, 1, 1, 0, 0, 0, 0, dtype=np.float32)
    assert files.truth is not None
    assert evaluate_files("dice:v1", Files(said, files.truth / "B.nii.gz"), bootstrap=0).measured.value == 0.8


def test_a_missing_and_an_unknown_mask_are_refused(files: Files) -> None:
    assert files.truth is not None
    (files.predictions / "B.nii").rename(files.predictions / "C.nii")
    assert refusal(files.predictions, files.truth) == "said lacks 1 of 2 masks, the first is B."
    write(files.predictions / "B.nii", 0, 0, 0, 0, 0, 0, 0, 0)
    assert "said holds 1 masks that truth does not know, the first is C" in refusal(files.predictions, files.truth)


def test_a_mask_twice_is_refused(files: Files) -> None:
    assert files.truth is not None
    write(files.predictions / "A.nii", 0, 0, 0, 0, 0, 0, 0, 0)
    assert "holds A as .nii and as .nii.gz" in refusal(files.predictions, files.truth)


@pytest.mark.parametrize(
    "grid",
    [
        Geometry((1, 1, 8), (2.5, 0.7, 0.8), (0.0, 0.0, 0.0)),
        Geometry((1, 1, 8), (2.5, 0.7, 0.7), (0.0, 0.0, 1.0)),
        Geometry((1, 1, 8), (2.5, 0.7, 0.7), (0.0, 0.0, 0.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0)),
    ],
)
def test_another_grid_is_refused(files: Files, tmp_path: Path, grid: Geometry) -> None:
    assert files.truth is not None
    said = write(tmp_path / "said.nii.gz", 0, 0, 1, 1, 0, 0, 0, 0, grid=grid)
    assert "said.nii.gz does not lie on the grid of the truth B.nii.gz" in refusal(said, files.truth / "B.nii.gz")


def test_what_is_no_mask_is_refused(files: Files, tmp_path: Path) -> None:
    assert files.truth is not None
    truth = files.truth / "B.nii.gz"
    said = tmp_path / "said.nii.gz"
    said.write_bytes(write_nifti(np.full((1, 1, 8), 0.4, dtype=np.float32), GRID))
    assert "said.nii.gz: the voxels are not labels" in refusal(said, truth)
    said.write_text("id,probability\n")
    assert refusal(said, truth) == "said.nii.gz is not a NIfTI file; give .nii or .nii.gz."
    assert "does not exist" in refusal(tmp_path / "none.nii", truth)
    assert "must both be files, or both be folders" in refusal(files.predictions, truth)
    (tmp_path / "empty").mkdir()
    assert "empty holds no .nii or .nii.gz file" in refusal(tmp_path / "empty", files.truth)


@pytest.mark.parametrize(
    ("label", "said"), [("7", "labels there are 1, 2"), ("lung", "whole number from 1"), ("0", "from 1")]
)
def test_a_label_that_no_truth_has_is_refused(files: Files, label: str, said: str) -> None:
    assert files.truth is not None
    assert said in refusal(files.predictions, files.truth, label)


def test_hidden_files_of_a_system_are_no_masks(files: Files) -> None:
    (files.predictions / "._A.nii.gz").write_bytes(b"\0\5\x16\7")
    assert evaluate_files("dice:v1", files, bootstrap=0).measured.details["items"] == 2


def test_labels_by_the_scale_of_a_header_are_labels(files: Files, tmp_path: Path) -> None:
    # What common writers make of a mask in floating point: 0 … 255 with a scale of 1/255 in single precision.
    assert files.truth is not None
    said = write(tmp_path / "said.nii", 0, 0, 255, 255, 0, 0, 0, 0)
    content = bytearray(said.read_bytes())
    content[112:116] = np.float32(1 / 255).tobytes()
    said.write_bytes(content)
    for label in (None, "1"):
        scored = evaluate_files("dice:v1", Files(said, files.truth / "B.nii.gz", label=label), bootstrap=0)
        assert scored.measured.value == 0.8


@pytest.mark.skipif(os.geteuid() == 0, reason="no permission of a folder stops root")
def test_a_folder_that_may_not_be_read_is_one_sentence(files: Files) -> None:
    assert files.truth is not None
    files.truth.chmod(0)
    assert refusal(files.predictions, files.truth).startswith("truth cannot be read (permission denied)")
    assert refusal(files.predictions, files.truth / "A.nii.gz").startswith("A.nii.gz cannot be read (permission")
    files.truth.chmod(0o700)


def test_links_that_lead_in_a_circle_are_one_sentence(files: Files) -> None:
    (files.predictions / "loop.nii").symlink_to("loop.nii")
    assert files.truth is not None
    assert refusal(files.predictions, files.truth).startswith("loop.nii cannot be read (too many levels of symbolic")
