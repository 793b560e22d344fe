"""A multi-frame file gives the very volume of the slices it was made of, or a refusal by the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import encode, put_frame
from enhanced import item, join
from pydicom import dcmread, uid
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.progress import quiet
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import read_folder
from workbench.ingest.series.volumes import CheckedSeries, pass_gate
from workbench.ingest.silence import silent_pydicom


def gate(folder: Path) -> list[CheckedSeries | Refusal]:
    found = read_folder(folder, b"k" * 32, load_profile(), quiet)
    assert not found.refusals, found.refusals
    return [pass_gate(series) for series in found.series.values()]


def one_volume(folder: Path) -> CheckedSeries:
    (series,) = gate(folder)
    assert isinstance(series, CheckedSeries), series
    return series


def code(folder: Path) -> str:
    (refusal,) = gate(folder)
    assert isinstance(refusal, Refusal) and refusal.files == ("whole.dcm",)
    return refusal.code


@pytest.mark.parametrize("syntax", [None, uid.RLELossless, uid.JPEGLSLossless, uid.ExplicitVRBigEndian])
def test_frames_in_any_order_give_the_volume_of_their_slices(draw_series: Any, syntax: str | None) -> None:
    drawn = draw_series(change=lambda one, at: setattr(one, "RescaleSlope", 1 + at % 2))
    classic = one_volume(drawn.folder)
    expected = classic.read().values
    whole = join(drawn.files, drawn.folder / "whole.dcm")
    if syntax == uid.ExplicitVRBigEndian:
        as_big_endian(whole)
    elif syntax:
        encode(whole, syntax)
    series = one_volume(drawn.folder)
    np.testing.assert_array_equal(series.read().values, expected)
    assert series.grid == classic.grid and series.files == ("whole.dcm",) and len(series.instances) == 1


def as_big_endian(path: Path) -> None:
    one = dcmread(path)
    one.PixelData = np.frombuffer(one.PixelData, "<u2").astype(">u2").tobytes()
    one["PixelData"].VR = "OW"
    one.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    one.set_original_encoding(None, None)
    one.save_as(path, enforce_file_format=True)


def test_stacks_are_volumes_of_their_own(draw_series: Any) -> None:
    def in_two(groups: Dataset, number: int) -> None:
        groups.FrameContentSequence[0].StackID = "front" if number < 4 else "back"

    drawn = draw_series(count=8)
    join(drawn.files, drawn.folder / "whole.dcm", change=in_two)
    front, back = sorted(gate(drawn.folder), key=lambda series: series.grid.origin_mm[2])
    np.testing.assert_array_equal(front.read().values, drawn.hu[:4])
    np.testing.assert_array_equal(back.read().values, drawn.hu[4:])
    assert front.uid != back.uid and front.subject_pseudonym == back.subject_pseudonym


@pytest.mark.parametrize("apart", ["TemporalPositionIndex", "FrameAcquisitionNumber", "EffectiveEchoTime"])
def test_time_points_and_echoes_are_several_volumes(draw_series: Any, apart: str) -> None:
    def twice(one: FileDataset, at: int) -> None:
        one.ImagePositionPatient = [0, 0, 2.5 * (at // 2)]

    def told(groups: Dataset, number: int) -> None:
        if apart == "EffectiveEchoTime":
            groups.MREchoSequence = item(EffectiveEchoTime=10.0 + number % 2)
        else:
            setattr(groups.FrameContentSequence[0], apart, 1 + number % 2)

    drawn = draw_series(change=twice)
    join(drawn.files, drawn.folder / "whole.dcm", change=told)
    (refusal,) = gate(drawn.folder)
    assert isinstance(refusal, Refusal) and refusal.code == "several-volumes"
    assert f"2 volumes that differ in {apart}" in refusal.reason and refusal.files == ("whole.dcm",)


def test_frames_go_through_the_same_gate(draw_series: Any) -> None:
    def moved(groups: Dataset, number: int) -> None:
        if number == 3:
            groups.PlanePositionSequence[0].ImagePositionPatient = [-160.5, -171.25, -302.15]

    drawn = draw_series()
    join(drawn.files, drawn.folder / "whole.dcm", change=moved)
    assert code(drawn.folder) == "uneven-spacing"


def test_frames_without_a_description_are_refused(draw_series: Any) -> None:
    drawn = draw_series()
    whole = join(drawn.files, drawn.folder / "whole.dcm")
    for keep in (5, 0):
        one = dcmread(whole)
        one.PerFrameFunctionalGroupsSequence = Sequence(one.PerFrameFunctionalGroupsSequence[:keep])
        one.save_as(whole)
        assert code(drawn.folder) == "missing-attribute"


def test_a_frame_missing_from_the_pixels_is_refused(draw_series: Any) -> None:
    drawn = draw_series()
    whole = join(drawn.files, drawn.folder / "whole.dcm")
    content = whole.read_bytes()
    whole.write_bytes(content[:-100])
    refusal = one_volume(drawn.folder).read()
    assert isinstance(refusal, Refusal) and refusal.code == "undecodable"


def test_a_converted_file_equals_the_slices_it_was_made_of(shared_data: Any) -> None:
    root = shared_data("dicom-seg-multiframe") / "segmentations" / "23x38x3"
    classic, converted = one_volume(root / "image"), one_volume(root / "multiframe")
    assert converted.grid == classic.grid
    np.testing.assert_array_equal(converted.read().values, classic.read().values)
    assert converted.read().unit == "unspecified" and "unspecified" in converted.warnings[0]


def with_places(path: Path, target: Path) -> Path:
    """Give the frames of a real file places; somebody's anonymiser took them away."""
    with silent_pydicom():
        one = dcmread(path, stop_before_pixels="too_short" in path.name)
    shared, frames = Dataset(), []
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.PixelMeasuresSequence = item(PixelSpacing=[1, 1])
    for number in range(one.NumberOfFrames):
        groups = Dataset()
        groups.PlanePositionSequence = item(ImagePositionPatient=[0, 0, 1.2 * number])
        frames.append(groups)
    one.SharedFunctionalGroupsSequence, one.PerFrameFunctionalGroupsSequence = Sequence([shared]), Sequence(frames)
    one.save_as(target)
    return target


def test_a_real_multi_frame_mr_is_the_same_in_every_syntax(shared_data: Any, tmp_path: Path) -> None:
    volumes = []
    for name in ("emri_small.dcm", "emri_small_RLE.dcm", "emri_small_big_endian.dcm"):
        (tmp_path / name).mkdir()
        with_places(shared_data("dicom-odd") / name, tmp_path / name / "whole.dcm")
        series = one_volume(tmp_path / name)
        assert (series.modality, series.grid.shape) == ("MR", (10, 64, 64))
        volumes.append(series.read().values)
    np.testing.assert_array_equal(volumes[0], dcmread(shared_data("dicom-odd") / "emri_small.dcm").pixel_array)
    np.testing.assert_array_equal(volumes[1], volumes[0])
    np.testing.assert_array_equal(volumes[2], volumes[0])


def test_a_truncated_jpeg_2000_names_file_and_syntax(shared_data: Any, tmp_path: Path) -> None:
    source = shared_data("dicom-odd") / "emri_small_jpeg_2k_lossless_too_short.dcm"
    whole = with_places(source, tmp_path / "whole.dcm")
    # pydicom gives no pixels of such a file, so what is left of them is put behind the header as it was.
    content = source.read_bytes()
    whole.write_bytes(whole.read_bytes() + content[content.index(b"\xe0\x7f\x10\x00O") :])
    refusal = one_volume(tmp_path).read()
    assert isinstance(refusal, Refusal) and refusal.code == "undecodable"
    assert refusal.files == ("whole.dcm",) and "JPEG 2000" in refusal.reason


def test_a_perfusion_map_is_not_taken_for_hounsfield_units(shared_data: Any, tmp_path: Path) -> None:
    (tmp_path / "whole.dcm").write_bytes((shared_data("dicom-odd") / "eCT_Supplemental.dcm").read_bytes())
    assert code(tmp_path) == "unsupported-pixels"


def test_one_frame_too_few_in_a_compressed_file_is_refused(draw_series: Any) -> None:
    drawn = draw_series()
    whole = join(drawn.files, drawn.folder / "whole.dcm")
    put_frame(whole, b"\0" * 100, uid.RLELossless)
    assert isinstance(one_volume(drawn.folder).read(), Refusal)
