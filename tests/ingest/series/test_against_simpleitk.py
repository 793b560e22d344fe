"""Where SimpleITK builds a wrong volume without a word, this gate refuses; where a series is good, both agree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.progress import quiet
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import read_folder
from workbench.ingest.series.volumes import pass_gate

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed; `.[ingest]` brings it")

Change = Callable[[FileDataset, int], None]


def by_simpleitk(folder: Any) -> Any:
    """Read a folder as SimpleITK's own examples do."""
    reader = sitk.ImageSeriesReader()
    (series,) = reader.GetGDCMSeriesIDs(str(folder))
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), series))
    with contextlib.suppress(RuntimeError):
        return reader.Execute()
    return None


def ours(folder: Any) -> Any:
    (series,) = read_folder(folder, b"k" * 32, load_profile(), quiet).series.values()
    return pass_gate(series)


def missing(one: FileDataset, at: int) -> None:
    one.ImagePositionPatient = [-160.5, -171.25, -310.25 + 2.5 * (at if at < 3 else at + 1)]


def twice(one: FileDataset, at: int) -> None:
    one.ImagePositionPatient = [-160.5, -171.25, -310.25 + 2.5 * (at - (at == 3))]


def tilted(one: FileDataset, at: int) -> None:
    cosine, sine = np.cos(np.radians(15)), np.sin(np.radians(15))
    one.ImageOrientationPatient = [1, 0, 0, 0, round(float(cosine), 6), round(float(sine), 6)]


def with_localizer(one: FileDataset, at: int) -> None:
    if at == 0:
        one.ImageType, one.ImageOrientationPatient = ["ORIGINAL", "PRIMARY", "LOCALIZER"], [0, 1, 0, 0, 0, -1]


def uneven(one: FileDataset, at: int) -> None:
    one.ImagePositionPatient = [-160.5, -171.25, -310.25 + 2.5 * at + 0.6 * (at == 2)]


SILENT = {
    "missing-slice": missing, "duplicate-slice": twice, "gantry-tilt": tilted, "localizer": with_localizer,
    "uneven-spacing": uneven,
}  # fmt: skip


@pytest.mark.parametrize("code", SILENT)
def test_what_simpleitk_reads_wrongly_is_refused_by_name(draw_series: Any, code: str) -> None:
    drawn = draw_series(change=SILENT[code])
    wrong = by_simpleitk(drawn.folder)
    assert wrong is not None and wrong.GetSize() == (36, 40, 6)  # a volume, as if nothing were wrong
    refusal = ours(drawn.folder)
    assert isinstance(refusal, Refusal) and refusal.code == code and refusal.files


@pytest.mark.parametrize(
    "name", ["ct-lung1-003/data/dcms", "ct-lungdx-a0002/data", "petctmr-sts/dicom/STS_002/CT/image"]
)
def test_real_series_are_what_simpleitk_reads(shared_data: Any, name: str) -> None:
    folder, _, rest = name.partition("/")
    root = shared_data(folder) / rest
    checked = ours(root)
    files = [str(one.path) for one in checked.slices]
    oracle = sitk.ReadImage(files)
    np.testing.assert_array_equal(checked.read().values, sitk.GetArrayFromImage(oracle))
    np.testing.assert_allclose(checked.grid.spacing_mm, oracle.GetSpacing()[::-1], atol=1e-6)
    np.testing.assert_allclose(checked.grid.origin_mm, oracle.GetOrigin(), atol=1e-9)
    np.testing.assert_allclose(checked.grid.direction, oracle.GetDirection(), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "shape", "spacing", "origin", "low", "high", "mean"),
    [
        ("ct-lung1-003", (107, 512, 512), (3, 0.977, 0.977), (-250.112, -250.112, -305.9), -1024, 3071, -676.265),
        ("ct-lungdx-a0002", (30, 512, 512), (8, 0.646484, 0.646484), (-173.177, -294.177, 80.0), -1024, 1548, -535.668),
    ],
)
def test_published_facts_of_real_scans(
    shared_data: Any, name: str, shape: Any, spacing: Any, origin: Any, low: int, high: int, mean: float
) -> None:
    checked = ours(shared_data(name))
    hu = checked.read().values
    assert checked.grid.shape == shape and (int(hu.min()), int(hu.max())) == (low, high)
    assert round(float(hu.mean()), 3) == mean and hu.dtype == np.int16
    np.testing.assert_allclose(checked.grid.spacing_mm, spacing, atol=1e-6)
    np.testing.assert_allclose(checked.grid.origin_mm, origin, atol=5e-4)
