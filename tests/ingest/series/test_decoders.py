"""Every transfer syntax gives the very values that were encoded, or a refusal that names file and syntax."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
import pytest
from encoders import HTJ2K, decoded_by_dcmtk, encode, htj2k_values, put_frame
from pydicom import dcmread, uid
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames

from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.gathering import read_series
from workbench.ingest.progress import quiet
from workbench.ingest.refusals import Refusal
from workbench.ingest.series import decoders
from workbench.ingest.series.decoders import unpack_bits

LOSSLESS = (
    uid.RLELossless, uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEG2000Lossless,
)  # fmt: skip
COMPRESSED = (*LOSSLESS, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000)


def read(drawn: Any) -> Any:
    _, checked = read_series(drawn.folder, b"k" * 32, load_profile(), quiet)
    voxels = checked[0].read()
    return voxels if isinstance(voxels, Refusal) else voxels.values


def signed(one: FileDataset, at: int) -> None:
    one.PixelRepresentation, one.RescaleIntercept, one.BitsStored, one.HighBit = 1, 0, 16, 15
    values = np.frombuffer(one.PixelData, "<u2").astype(np.int32) - 2048
    one.PixelData = values.astype("<i2").tobytes()


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("is_signed", [False, True])
def test_a_lossless_syntax_gives_every_voxel_back(draw_series: Any, syntax: str, is_signed: bool) -> None:
    drawn = draw_series(count=3, change=signed if is_signed else None)
    for file in drawn.files:
        encode(file, syntax)
    assert dcmread(drawn.files[0]).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read(drawn), drawn.hu - 1024 if is_signed else drawn.hu)


def smooth(one: FileDataset, at: int) -> None:
    y, x = np.mgrid[0 : one.Rows, 0 : one.Columns]
    one.PixelData = (1500 + 900 * np.sin(y / 9 + at) * np.cos(x / 7)).astype("<u2").tobytes()


def test_twelve_bit_jpeg_is_decoded_as_dcmtk_does(draw_series: Any) -> None:
    drawn = draw_series(count=2, change=smooth)
    for file in drawn.files:
        encode(file, uid.JPEGExtended12Bit)
    # The encoder shifts the values into twelve bits and says so in the intercept.
    shift = int(dcmread(drawn.files[0]).RescaleIntercept)
    expected = np.stack([decoded_by_dcmtk(file) for file in drawn.files]).astype(np.int32) + shift
    # Two implementations of the same inverse transform may round to neighbouring values.
    assert np.abs(read(drawn) - expected).max() <= 1


@pytest.mark.parametrize(("syntax", "most"), [(uid.JPEGLSNearLossless, 2), (uid.JPEG2000, 12)])
def test_a_lossy_syntax_stays_near_and_is_told(draw_series: Any, syntax: str, most: int) -> None:
    drawn, original = draw_series(count=2, change=smooth), []
    for file in drawn.files:
        original.append(dcmread(file).pixel_array.astype(np.int32) - 1024)
        encode(file, syntax)
        one = dcmread(file)
        one.LossyImageCompression = "01"
        one.save_as(file)
    assert 0 < np.abs(read(drawn) - np.stack(original)).max() <= most
    _, checked = read_series(drawn.folder, b"k" * 32, load_profile(), quiet)
    assert checked[0].facts["lossy"] and "compressed with loss" in checked[0].warnings[0]


def test_eight_bit_jpeg_is_read(draw_series: Any) -> None:
    def narrow(one: FileDataset, at: int) -> None:
        smooth(one, at)
        one.PixelData = (np.frombuffer(one.PixelData, "<u2") // 16).astype("u1").tobytes()
        one.BitsAllocated, one.BitsStored, one.HighBit = 8, 8, 7

    drawn = draw_series(count=2, change=narrow)
    plain = read(drawn)
    for file in drawn.files:
        encode(file, uid.JPEGBaseline8Bit)
    np.testing.assert_allclose(read(drawn), plain, atol=6)


@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
def test_high_throughput_jpeg_2000_gives_every_voxel_back(draw_series: Any, syntax: str) -> None:
    drawn = draw_series(count=2, rows=12, columns=16)
    for file in drawn.files:
        put_frame(file, HTJ2K, syntax)
    np.testing.assert_array_equal(read(drawn), [htj2k_values().astype(np.int32) - 1024] * 2)


def test_deflated_slices_are_read(draw_series: Any) -> None:
    drawn = draw_series(count=2)
    for file in drawn.files:
        one = dcmread(file)
        one.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
        one.save_as(file, enforce_file_format=True)
    np.testing.assert_array_equal(read(drawn), drawn.hu)


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_a_frame_cut_short_is_refused_with_file_and_syntax(draw_series: Any, syntax: str) -> None:
    drawn = draw_series(count=2, change=smooth)
    for file in drawn.files:
        encode(file, syntax)
    spoiled = drawn.files[1]
    frame = next(generate_frames(dcmread(spoiled).PixelData, number_of_frames=1))
    for part in (frame[: len(frame) // 2], frame[:20], b"\0" * 400):
        put_frame(spoiled, part, syntax)
        refusal = read(drawn)
        assert isinstance(refusal, Refusal) and refusal.code == "undecodable"
        assert refusal.files == (spoiled.name,) and uid.UID(syntax).name in refusal.reason


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_a_frame_of_another_size_is_refused(draw_series: Any, syntax: str) -> None:
    drawn, other = draw_series(count=2, change=smooth), draw_series("other", count=1, change=smooth, columns=35)
    encode(other.files[0], syntax)
    frame = next(generate_frames(dcmread(other.files[0]).PixelData, number_of_frames=1))
    for file in drawn.files:
        put_frame(file, frame, syntax)
    assert isinstance(read(drawn), Refusal)


def test_two_frames_where_one_belongs_are_refused(draw_series: Any) -> None:
    drawn = draw_series(count=2)
    for file in drawn.files:
        encode(file, uid.JPEGLSLossless)
        one = dcmread(file)
        frame = next(generate_frames(one.PixelData, number_of_frames=1))
        one.PixelData = encapsulate([frame, frame])
        one.save_as(file)
    assert isinstance(read(drawn), Refusal)


def test_a_decoder_that_dies_costs_one_frame(draw_series: Any) -> None:
    drawn = draw_series(count=2)
    for file in drawn.files:
        encode(file, uid.JPEGLSLossless)
    np.testing.assert_array_equal(read(drawn), drawn.hu)
    os.kill(decoders._process()._process.pid, signal.SIGKILL)
    time.sleep(0.1)
    np.testing.assert_array_equal(read(drawn), drawn.hu)


def test_a_decoder_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch, draw_series: Any) -> None:
    drawn = draw_series(count=2)
    for file in drawn.files:
        encode(file, uid.JPEGLSLossless)
    process = decoders._process()
    os.kill(process._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(decoders, "LONGEST_S", 0.2)
    assert isinstance(read(drawn), Refusal)
    assert not process.is_alive


def test_a_run_too_long_is_no_frame() -> None:
    with pytest.raises(ValueError, match="too short or too long"):
        unpack_bits(bytes([254, 5]), 2)
