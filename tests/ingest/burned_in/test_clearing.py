"""Text is covered in every kind of pixels, and nothing outside the boxes changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from workbench.errors import IngestRefused, MissingDependency
from workbench.ingest.burned_in import Cleared, clear_text


def check(cleared: Cleared, source: Any, box: Any) -> None:
    """Demand that the name lies under the boxes and that every other pixel is what it was."""
    before, after = source.pixel_array, cleared.dataset.pixel_array
    axes = -3 if source.SamplesPerPixel == 3 else -2
    outside = np.ones(before.shape[axes:][:2], bool)
    for one in cleared.boxes:
        outside[one.row0 : one.row1, one.col0 : one.col1] = False
    assert not outside[box.row0 + 1 : box.row1 - 1, box.col0 + 1 : box.col1 - 1].any()
    assert outside.mean() > 0.6
    assert len(np.unique(after[..., 24:30, 40:100, :] if axes == -3 else after[..., 24:30, 40:100])) == 1
    places = (..., outside, slice(None)) if source.SamplesPerPixel == 3 else (..., outside)
    np.testing.assert_array_equal(after[places], before[places])


@pytest.mark.parametrize("kind", ["u1", "<u2", "<i2"])
def test_grey_pixels_keep_every_bit_outside_the_box(capture: Any, cleaner: Any, named: Any, kind: str) -> None:
    picture, box = named
    scale = 1 if kind == "u1" else 100
    source = capture((picture.astype("i4") * scale - (0 if kind[-2] == "u" else 9000)).astype(kind))
    cleared = clear_text(source, cleaner)
    check(cleared, source, box)
    assert cleared.dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_interleaved_or_planar(capture: Any, cleaner: Any, named: Any, planar: int) -> None:
    colours = named[0][..., None].repeat(3, axis=2)
    content = colours.transpose(2, 0, 1).tobytes() if planar else colours.tobytes()
    source = capture(colours, PlanarConfiguration=planar, PixelData=content)
    cleared = clear_text(source, cleaner)
    check(cleared, source, named[1])
    assert cleared.boxes and cleared.dataset.PhotometricInterpretation == "RGB"


def test_luminance_and_chrominance_are_covered_in_black(capture: Any, cleaner: Any, named: Any) -> None:
    colours = convert_color_space(named[0][..., None].repeat(3, axis=2), "RGB", "YBR_FULL")
    source = capture(colours, PhotometricInterpretation="YBR_FULL")
    cleared = clear_text(source, cleaner)
    check(cleared, source, named[1])
    assert cleared.dataset.pixel_array[25, 60].tolist() == [0, 0, 0]


def test_a_palette_is_covered_in_its_darkest_colour(capture: Any, cleaner: Any, named: Any) -> None:
    picture, box = named
    table = {}
    for colour in ("Red", "Green", "Blue"):
        table[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        table[f"{colour}PaletteColorLookupTableData"] = (np.arange(255, -1, -1, dtype="<u2") * 257).tobytes()
    source = capture(255 - picture, PhotometricInterpretation="PALETTE COLOR", **table)
    cleared = clear_text(source, cleaner)
    check(cleared, source, box)
    assert int(cleared.dataset.pixel_array[25, 60]) == int(source.pixel_array.max())


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_pixels_are_written_decoded(capture: Any, cleaner: Any, named: Any, syntax: str) -> None:
    pytest.importorskip("jpeg_ls")
    source = capture(named[0])
    source.compress(syntax, generate_instance_uid=False)
    cleared = clear_text(source, cleaner)
    assert cleared.dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    check(cleared, source, named[1])


def test_inverted_grey_is_covered_in_black(capture: Any, cleaner: Any, named: Any) -> None:
    source = capture(255 - named[0], PhotometricInterpretation="MONOCHROME1")
    cleared = clear_text(source, cleaner)
    check(cleared, source, named[1])
    assert int(cleared.dataset.pixel_array[25, 60]) == int(source.pixel_array.max())


def test_text_of_one_frame_is_covered_in_all(capture: Any, cleaner: Any, named: Any, tissue: Any) -> None:
    clip = np.stack([tissue(seed) for seed in range(10)])
    clip[2] = named[0]  # not one of the eight frames that are read
    source = capture(clip, SOPClassUID="1.2.840.10008.5.1.4.1.1.7.2")
    cleared = clear_text(source, cleaner)
    assert cleared.frames == 10
    check(cleared, source, named[1])


def test_pixels_without_text_are_marked_as_checked_and_not_touched(capture: Any, cleaner: Any, tissue: Any) -> None:
    source = capture(tissue())
    source.compress(RLELossless, generate_instance_uid=False)
    cleared = clear_text(source, cleaner)
    assert cleared.boxes == ()
    assert cleared.dataset.PixelData == source.PixelData
    assert cleared.dataset.file_meta.TransferSyntaxUID == RLELossless
    assert cleared.dataset.BurnedInAnnotation == "NO"


def test_the_check_is_recorded_and_the_header_cleaned(capture: Any, cleaner: Any, named: Any) -> None:
    cleared = clear_text(capture(named[0], BurnedInAnnotation="YES"), cleaner)
    assert cleared.dataset.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in cleared.dataset.DeidentificationMethodCodeSequence]
    assert cleared.dataset.PatientName != "Kaufman^Scott"


def test_instances_do_not_share_what_covering_changes(capture: Any, cleaner: Any, named: Any, tissue: Any) -> None:
    first = capture(named[0])
    first.compress(RLELossless, generate_instance_uid=False)
    clear_text(first, cleaner)
    plain: NDArray[Any] = tissue()
    second = clear_text(capture(plain), cleaner)
    np.testing.assert_array_equal(second.dataset.pixel_array, plain)
    assert "113101" not in [item.CodeValue for item in cleaner.marks[2].value]


def test_pixels_that_cannot_be_decoded_are_refused(capture: Any, cleaner: Any, named: Any) -> None:
    source = capture(named[0], PixelData=b"\0" * 100)
    with pytest.raises(IngestRefused) as refused:
        clear_text(source, cleaner)
    assert refused.value.code == "undecodable"


def test_without_tesseract_nothing_is_cleared(monkeypatch: Any, capture: Any, cleaner: Any, tissue: Any) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependency):
        clear_text(capture(tissue()), cleaner)
