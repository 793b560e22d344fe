"""Errors of the standard's own rules, and writing in pixels, are found with the programs that know them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.ingest.verify.conftest import Cleaned
from workbench.ingest.verify import iod, pixels
from workbench.ingest.verify.dicom_bytes import parse
from workbench.ingest.verify.facts import Facts, facts_of
from workbench.ingest.verify.folder import inspect_folder

needs_dciodvfy = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


@needs_dciodvfy
def test_a_new_error_of_the_standard_is_found_once_per_series_or_in_every_file(cleaned: Cleaned) -> None:
    for number in range(4):
        cleaned.change(lambda one: setattr(one, "ImageType", ["ORIGINAL"]), number)
    assert [(one.element, one.rule) for one in cleaned.check()] == [("(0008,0008)", "iod-error")]
    assert len({one.file for one in cleaned.check(every_file=True)}) == 4


@needs_dciodvfy
def test_what_the_profile_takes_is_a_note_and_no_error(cleaned: Cleaned) -> None:
    def drop(one: Dataset) -> None:
        del one.AccessionNumber

    cleaned.change(drop)
    report = inspect_folder(cleaned.out, cleaned.source)
    assert report.findings == ()
    assert "(0008,0050)" in report.notes[0]


def test_without_the_programs_a_note_says_so(cleaned: Cleaned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    report = inspect_folder(cleaned.out, cleaned.source)
    assert report.findings == ()
    assert report.notes == (iod.MISSING,)


def write_picture(path: Path, text: str) -> Facts:
    page = Image.new("L", (400, 200), 20)
    ImageDraw.Draw(page).text((20, 60), text, fill=240, font=ImageFont.load_default(36))
    one = dcmread(path)
    one.ImageType, one.Rows, one.Columns = ["ORIGINAL", "PRIMARY", "LOCALIZER"], 200, 400
    one.PixelData = (np.asarray(page).astype("<u2") * 8).tobytes()
    one.save_as(path)
    return facts_of(path.name, parse(path.read_bytes()))


@needs_tesseract
def test_writing_in_pixels_that_nobody_cleared_is_found(cleaned: Cleaned) -> None:
    path = cleaned.files[0]
    written, notes = write_picture(path, "OKONKWO ADAEZE"), list[str]()
    assert [one.rule for one in pixels.check_text([(None, written)], path.parent, notes)] == ["text-in-pixels"]
    written.is_cleared = True
    assert list(pixels.check_text([(None, written)], path.parent, notes)) == []


@needs_tesseract
def test_pictures_without_writing_pass(cleaned: Cleaned) -> None:
    path = cleaned.files[0]
    assert list(pixels.check_text([(None, write_picture(path, ""))], path.parent, [])) == []
