"""Every way in which a series is no regular volume is refused by its name; a good one keeps its geometry exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from workbench.errors import IngestRefused
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.gathering import read_series
from workbench.ingest.progress import quiet

KEY = b"k" * 32
STEP = 2.5


def read(drawn: Any) -> Any:
    _, checked = read_series(drawn.folder, KEY, load_profile(), quiet)
    return checked


def moved(number: int, x: float, y: float, z: float) -> Callable[[FileDataset, int], None]:
    def change(one: FileDataset, at: int) -> None:
        if at == number:
            old = [float(value) for value in one.ImagePositionPatient]
            one.ImagePositionPatient = [old[0] + x, old[1] + y, old[2] + z]

    return change


def setting(number: int, **elements: Any) -> Callable[[FileDataset, int], None]:
    def change(one: FileDataset, at: int) -> None:
        if at == number or number < 0:
            for keyword, value in elements.items():
                setattr(one, keyword, value)

    return change


def tilted(one: FileDataset, at: int) -> None:
    cosine, sine = np.cos(np.radians(15)), np.sin(np.radians(15))
    one.ImageOrientationPatient = [1, 0, 0, 0, round(float(cosine), 6), round(float(sine), 6)]


def sheared(one: FileDataset, at: int) -> None:
    one.ImagePositionPatient = [-160.5, round(-171.25 + at * STEP * 0.2679, 4), -310.25 + at * STEP]


def stretched(one: FileDataset, at: int) -> None:
    one.ImagePositionPatient = [-160.5, -171.25, -310.25 + STEP * at + 0.4 * (at % 2)]


def half_and_half(one: FileDataset, at: int) -> None:
    if at > 2:
        one.ImagePositionPatient = [-160.5, -171.25, -310.25 + 2 * STEP + (at - 2) * 4.0]


def without(keyword: str) -> Callable[[FileDataset, int], None]:
    def change(one: FileDataset, at: int) -> None:
        if at == 1:
            delattr(one, keyword)

    return change


BAD = {
    "missing-slice": moved(5, 0, 0, STEP),
    "duplicate-slice": moved(2, 0, 0, STEP),
    "uneven-spacing": moved(2, 0, 0, 0.6),
    "uneven-spacing/alternating": stretched,
    "uneven-spacing/two halves": half_and_half,
    "gantry-tilt": tilted,
    "gantry-tilt/sheared": sheared,
    "gantry-tilt/header alone": setting(-1, GantryDetectorTilt="15"),
    "shifted-slice": moved(3, 2.0, 0, 0),
    "localizer": setting(0, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    "mixed-orientation": setting(2, ImageOrientationPatient=[0, 1, 0, 0, 0, -1]),
    "bad-orientation": setting(-1, ImageOrientationPatient=[1, 0, 0, 0.5, 1, 0]),
    "mixed-size": setting(4, PixelSpacing=[0.75, 0.75]),
    "mixed-series": setting(1, PatientID="MRN-9999999"),
    "mixed-series/study": setting(1, StudyInstanceUID="1.2.3.4.5"),
    "mixed-series/frame": setting(1, FrameOfReferenceUID="1.2.3.4.5"),
    "mixed-series/kernel": setting(1, ConvolutionKernel="B70f"),
    "missing-attribute": without("ImagePositionPatient"),
    "missing-attribute/rescale": without("RescaleSlope"),
    "missing-attribute/not a number": setting(1, PixelSpacing="0.75"),
    "unsupported-pixels": setting(-1, PhotometricInterpretation="MONOCHROME1"),
    "unsupported-pixels/units": setting(-1, RescaleType="Z_EFF"),
    "unsupported-pixels/derived map": setting(-1, RescaleType="US", ImageType=["DERIVED", "PRIMARY", "PERFUSION"]),
    "unsupported-pixels/bits": setting(-1, BitsAllocated=32),
    "unsupported-pixels/colour": setting(-1, SamplesPerPixel=3),
    "impossible-value": setting(-1, PixelSpacing=[0, 0.7]),
    "impossible-value/negative": setting(-1, PixelSpacing=[0.7, -0.7]),
    "impossible-value/infinite": setting(2, PixelSpacing=["1e400", "0.7"]),
    "impossible-value/no number": setting(2, ImagePositionPatient=["nan", "0", "0"]),
    "impossible-value/far": setting(2, ImagePositionPatient=["0", "0", "1e9"]),
    "impossible-value/rows": setting(-1, Rows=65535),
    "impossible-value/no columns": setting(-1, Columns=0),
    "impossible-value/direction": setting(1, ImageOrientationPatient=["1", "0", "0", "0", "nan", "0"]),
    "bad-rescale": setting(1, RescaleSlope="0"),
    "bad-rescale/negative": setting(1, RescaleSlope="-1"),
    "bad-rescale/no number": setting(1, RescaleIntercept="nan"),
    "mixed-series/units": setting(1, Units="BQML"),
    "gantry-tilt/no number": setting(-1, GantryDetectorTilt="nan"),
    "burned-in-annotation": setting(3, BurnedInAnnotation="YES"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_series_is_refused_by_name(draw_series: Any, case: str) -> None:
    drawn = draw_series(change=BAD[case])
    with pytest.raises(IngestRefused) as refusal:
        read(drawn)
    assert refusal.value.code == case.split("/")[0]
    assert refusal.value.refusals[0]["files"]
    assert "/" not in "".join(refusal.value.refusals[0]["files"])


def test_a_lost_file_is_named_by_its_neighbours(draw_series: Any) -> None:
    drawn = draw_series()
    drawn.files[3].unlink()
    with pytest.raises(IngestRefused, match=r"1 slice is missing.*5\.000 mm") as refusal:
        read(drawn)
    assert refusal.value.refusals[0]["files"] == [drawn.files[2].name, drawn.files[4].name]


def test_the_same_file_twice_is_a_duplicate(draw_series: Any) -> None:
    drawn = draw_series()
    (drawn.folder / "copy").write_bytes(drawn.files[1].read_bytes())
    with pytest.raises(IngestRefused, match="duplicate-slice"):
        read(drawn)


def test_one_slice_is_no_volume(draw_series: Any) -> None:
    with pytest.raises(IngestRefused, match="single-slice"):
        read(draw_series(count=1))


def test_every_reason_is_told_at_once(draw_series: Any) -> None:
    drawn = draw_series()
    (drawn.folder / "broken").write_bytes(drawn.files[0].read_bytes()[:400])
    drawn.files[2].unlink()
    with pytest.raises(IngestRefused) as refusal:
        read(drawn)
    assert {reason["code"] for reason in refusal.value.refusals} == {"missing-attribute", "missing-slice"}


def test_geometry_is_kept_exactly(draw_series: Any) -> None:
    grid = read(draw_series())[0].grid
    assert grid.shape == (6, 40, 36)
    assert grid.spacing_mm == (2.5, 0.75, 0.625)
    assert grid.origin_mm == (-160.5, -171.25, -310.25)
    assert grid.direction == (1, 0, 0, 0, 1, 0, 0, 0, 1)


def test_spacing_comes_from_positions_not_from_thickness(draw_series: Any) -> None:
    drawn = draw_series(change=setting(-1, SliceThickness="5", SpacingBetweenSlices="7"))
    assert read(drawn)[0].grid.spacing_mm[0] == STEP


def test_a_sagittal_series_is_ordered_along_its_own_normal(draw_series: Any) -> None:
    def turn(one: FileDataset, at: int) -> None:
        one.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        one.ImagePositionPatient = [50 - 2.0 * at, -100, 90]

    series = read(draw_series(change=turn))[0]
    # The normal is row × column = (0, 1, 0) × (0, 0, −1) = (−1, 0, 0): the first slice has the largest x.
    assert series.grid.origin_mm == (50, -100, 90)
    assert series.grid.direction == (0, 0, -1, 1, 0, 0, 0, -1, 0)


def test_positions_written_with_two_decimals_are_even_enough(draw_series: Any) -> None:
    def rounded(one: FileDataset, at: int) -> None:
        one.ImagePositionPatient = [-160.5, -171.25, round(-310.25 + at * 0.625, 2)]

    assert read(draw_series(change=rounded))[0].grid.spacing_mm[0] == pytest.approx(0.625, abs=0.003)


def test_a_whole_localizer_series_is_left_out_by_name(draw_series: Any) -> None:
    scout = setting(-1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesInstanceUID="1.2.3")
    draw_series("in")
    other = draw_series("other", count=2, change=scout)
    for file in other.files:
        file.rename(other.folder.parent / "in" / f"scout-{file.name}")
    found, checked = read_series(other.folder.parent / "in", KEY, load_profile(), quiet)
    assert len(checked) == 1 and len(found.ignored) == 2
    assert found.ignored[0]["reason"] == "a localizer (scout) series"
