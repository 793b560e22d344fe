"""Hounsfield units are those of the file: nothing is rounded, clipped or swapped on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, RLELossless

from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.gathering import read_series
from workbench.ingest.progress import quiet
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.pixels import read_voxels


def voxels(drawn: Any) -> NDArray[np.int16]:
    result = outcome(drawn)
    assert not isinstance(result, Refusal), result
    return result


def outcome(drawn: Any) -> NDArray[np.int16] | Refusal:
    _, checked = read_series(drawn.folder, b"k" * 32, load_profile(), quiet)
    voxels = read_voxels(checked[0].slices, checked[0].grid)
    return voxels if isinstance(voxels, Refusal) else voxels.values


@pytest.mark.parametrize("implicit", [False, True])
def test_voxels_are_identical(draw_series: Any, implicit: bool) -> None:
    drawn = draw_series(implicit=implicit)
    assert voxels(drawn).dtype == np.int16
    np.testing.assert_array_equal(voxels(drawn), drawn.hu)


def test_slope_and_intercept_are_those_of_each_slice(draw_series: Any) -> None:
    def change(one: FileDataset, at: int) -> None:
        one.RescaleSlope, one.RescaleIntercept = ("1", "2", "0.5")[at % 3], ("-1024", "-1000", "-10.25")[at % 3]

    drawn = draw_series(change=change)
    stored = drawn.hu.astype(np.int64) + 1024
    read = voxels(drawn)
    np.testing.assert_array_equal(read[1], stored[1] * 2 - 1000)
    np.testing.assert_array_equal(read[2], np.rint(stored[2] * 0.5 - 10.25))


def test_bits_above_the_stored_ones_are_not_voxels(draw_series: Any) -> None:
    def overlay(one: FileDataset, at: int) -> None:
        one.PixelData = (np.frombuffer(one.PixelData, "<u2") | 0xA000).tobytes()

    drawn = draw_series(change=overlay)
    np.testing.assert_array_equal(voxels(drawn), drawn.hu)


def test_signed_values_keep_their_sign(draw_series: Any) -> None:
    def signed(one: FileDataset, at: int) -> None:
        one.PixelRepresentation, one.RescaleIntercept = 1, 0
        values = np.frombuffer(one.PixelData, "<u2").astype(np.int32) - 2048
        one.PixelData = (values & 0x0FFF).astype("<u2").tobytes()

    drawn = draw_series(change=signed)
    np.testing.assert_array_equal(voxels(drawn), drawn.hu - 1024)


def test_run_length_encoded_slices_are_read(draw_series: Any) -> None:
    drawn = draw_series()
    for file in drawn.files:
        one = dcmread(file)
        one.compress(RLELossless, generate_instance_uid=False)
        one.save_as(file, enforce_file_format=True)
    np.testing.assert_array_equal(voxels(drawn), drawn.hu)


def test_big_endian_slices_are_read(draw_series: Any) -> None:
    def swapped(one: FileDataset, at: int) -> None:
        one.PixelData = np.frombuffer(one.PixelData, "<u2").astype(">u2").tobytes()
        one["PixelData"].VR = "OW"
        one.file_meta.TransferSyntaxUID = ExplicitVRBigEndian

    drawn = draw_series(change=swapped)
    np.testing.assert_array_equal(voxels(drawn), drawn.hu)


def refused(drawn: Any) -> Refusal:
    result = outcome(drawn)
    assert isinstance(result, Refusal)
    return result


def test_values_that_do_not_fit_are_refused(draw_series: Any) -> None:
    def far(one: FileDataset, at: int) -> None:
        one.BitsStored, one.HighBit = 16, 15
        one.PixelData = np.full(one.Rows * one.Columns, 65535, "<u2").tobytes()

    refusal = refused(draw_series(change=far))
    assert refusal.code == "hu-range" and "64511 HU" in refusal.reason


def test_pixels_cut_short_are_refused(draw_series: Any) -> None:
    drawn = draw_series()
    drawn.files[4].write_bytes(drawn.files[4].read_bytes()[:-100])
    refusal = refused(drawn)
    assert refusal.code == "undecodable" and refusal.files == (drawn.files[4].name,)


def test_a_broken_compressed_slice_names_its_syntax(draw_series: Any) -> None:
    drawn = draw_series()
    for file in drawn.files:
        one = dcmread(file)
        one.compress(RLELossless, generate_instance_uid=False)
        one.file_meta.TransferSyntaxUID = JPEG2000Lossless
        one.save_as(file, enforce_file_format=True)
    refusal = refused(drawn)
    assert refusal.code == "undecodable" and "JPEG 2000" in refusal.reason
