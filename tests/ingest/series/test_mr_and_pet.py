"""MR and PET come in as int16 and one factor; what rounding moved is told, and never more than half the factor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import MRImageStorage, PositronEmissionTomographyImageStorage

from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.progress import quiet
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import read_folder
from workbench.ingest.series.volumes import CheckedSeries, Place, make_scan, pass_gate


def only(folder: Any) -> Any:
    found = read_folder(folder, b"k" * 32, load_profile(), quiet)
    assert not found.refusals, found.refusals
    (series,) = found.series.values()
    return pass_gate(series)


def as_mr(one: FileDataset, at: int) -> None:
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = MRImageStorage
    one.Modality = "MR"
    del one.RescaleSlope, one.RescaleIntercept


def as_pet(one: FileDataset, at: int) -> None:
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = PositronEmissionTomographyImageStorage
    one.Modality, one.Units = "PT", "BQML"
    one.RescaleSlope, one.RescaleIntercept = 0.25 * (1 + at), 0


def test_mr_values_are_kept_as_stored(draw_series: Any) -> None:
    drawn = draw_series(change=as_mr)
    voxels = only(drawn.folder).read()
    np.testing.assert_array_equal(voxels.values, drawn.hu + 1024)
    assert (voxels.unit, voxels.scale, voxels.scale_error) == ("arbitrary", 1.0, 0.0)


def test_a_slope_that_all_slices_share_rounds_nothing(draw_series: Any) -> None:
    def change(one: FileDataset, at: int) -> None:
        as_mr(one, at)
        one.RescaleSlope, one.RescaleIntercept = "2.5", "-5"

    drawn = draw_series(change=change)
    voxels = only(drawn.folder).read()
    # (stored · 2.5 − 5) / 2.5 = stored − 2.
    np.testing.assert_array_equal(voxels.values, drawn.hu + 1024 - 2)
    assert (voxels.scale, voxels.scale_error) == (2.5, 0.0)


def test_slopes_that_differ_round_by_at_most_half_the_factor(draw_series: Any) -> None:
    drawn = draw_series(change=as_pet)
    voxels = only(drawn.folder).read()
    slopes = 0.25 * (1 + np.arange(6))[:, None, None]
    off = np.abs(voxels.values * voxels.scale - (drawn.hu + 1024) * slopes)
    assert voxels.unit == "Bq/ml" and voxels.scale == 1.5 and voxels.scale_error == 0.75
    assert 0 < off.max() <= voxels.scale_error
    np.testing.assert_array_equal(voxels.values[5], drawn.hu[5] + 1024)  # the slice of the largest slope is exact


def test_unsigned_values_beyond_int16_get_a_larger_factor(draw_series: Any) -> None:
    def change(one: FileDataset, at: int) -> None:
        as_mr(one, at)
        one.BitsStored, one.HighBit = 16, 15
        one.PixelData = (np.frombuffer(one.PixelData, "<u2").astype(np.int64) * 16).astype("<u2").tobytes()

    drawn = draw_series(change=change)
    voxels = only(drawn.folder).read()
    stored = (drawn.hu.astype(np.int64) + 1024) * 16
    assert voxels.scale == stored.max() / 32767
    assert np.abs(voxels.values * voxels.scale - stored).max() <= voxels.scale_error * (1 + 1e-9)


def test_eight_bit_mr_is_read(draw_series: Any) -> None:
    def change(one: FileDataset, at: int) -> None:
        as_mr(one, at)
        one.BitsAllocated, one.BitsStored, one.HighBit = 8, 8, 7
        one.PixelData = (np.frombuffer(one.PixelData, "<u2") // 16).astype("u1").tobytes()

    drawn = draw_series(change=change)
    np.testing.assert_array_equal(only(drawn.folder).read().values, (drawn.hu.astype(np.int32) + 1024) // 16)


@pytest.mark.parametrize("lost", ["RescaleSlope", "RescaleIntercept"])
def test_pet_without_its_rescale_is_refused(draw_series: Any, lost: str) -> None:
    def change(one: FileDataset, at: int) -> None:
        as_pet(one, at)
        if at == 2:
            delattr(one, lost)

    refusal = only(draw_series(change=change).folder)
    assert isinstance(refusal, Refusal) and (refusal.code, len(refusal.files)) == ("missing-attribute", 1)
    assert lost in refusal.reason


@pytest.mark.parametrize(
    ("keyword", "values"),
    [("EchoTime", ("10", "80")), ("TemporalPositionIdentifier", (1, 2)), ("AcquisitionNumber", (3, 4))],
)
def test_echoes_and_time_points_of_one_series_are_several_volumes(draw_series: Any, keyword: str, values: Any) -> None:
    def change(one: FileDataset, at: int) -> None:
        as_mr(one, at)
        one.ImagePositionPatient = [0, 0, 2.5 * (at // 2)]
        setattr(one, keyword, values[at % 2])

    refusal = only(draw_series(change=change).folder)
    assert isinstance(refusal, Refusal) and refusal.code == "several-volumes" and len(refusal.files) == 6
    assert f"2 volumes that differ in {keyword}" in refusal.reason and "series of its own" in refusal.reason


def test_the_facts_say_how_to_read_the_numbers(draw_series: Any) -> None:
    series = only(draw_series(change=as_pet).folder)
    objects, facts = make_scan(series, Place("S0001", "P0001", None), load_profile())
    assert (facts["modality"], facts["unit"], facts["scale"]) == ("PT", "Bq/ml", 1.5)
    level, width = facts["window"]
    assert level - width / 2 == pytest.approx(0, abs=1) and 0 < width <= 4096
    assert "off by at most 0.75 Bq/ml" in facts["warnings"][0]
    assert b'"fill_value":0' in objects["0/zarr.json"]


def test_an_unknown_unit_is_not_repeated(draw_series: Any) -> None:
    def change(one: FileDataset, at: int) -> None:
        as_pet(one, at)
        one.Units = "OKONKWO"

    assert only(draw_series(change=change).folder).read().unit == "arbitrary"


def test_a_real_pet_is_within_its_bound_of_every_slice(shared_data: Any) -> None:
    folder = shared_data("petctmr-sts") / "dicom" / "STS_002" / "PET" / "image"
    series = only(folder)
    assert isinstance(series, CheckedSeries)
    voxels = series.read()
    assert (voxels.unit, series.grid.shape) == ("g/ml", (48, 27, 30))
    for z, one in enumerate(series.slices):
        source = dcmread(one.path)
        exact = source.pixel_array * float(source.RescaleSlope)
        assert np.abs(voxels.values[z] * voxels.scale - exact).max() <= voxels.scale_error
