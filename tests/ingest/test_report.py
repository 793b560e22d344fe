"""The ingest report: whole in one page, in plain words, without a value or file name of the source."""

from __future__ import annotations

import base64
import dataclasses
import io
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.geometry import Geometry
from workbench.ingest.deidentify.actions import ACTIONS
from workbench.ingest.deidentify.profile import load_profile, profile_names
from workbench.ingest.report import LabelFacts, ReportFacts, SeriesFacts, TableFacts, make_report
from workbench.ingest.report_pictures import EDGE_PIXELS, contact_sheet, upright
from workbench.ingest.report_words import OPTIONS, RULES, rule_words
from workbench.vault.names import VERSION_MARK

SCAN = {
    "scan": "S0001", "subject": "P0001", "split": "train", "modality": "CT", "shape": [8, 40, 40],
    "spacing_mm": [2.5, 0.7, 0.7], "hu": {"min": -1000, "max": 900, "mean": 0.0}, "warnings": ["no air in the scan"],
}  # fmt: skip
SHEET = contact_sheet(np.zeros((8, 40, 40), np.int16), (2.5, 0.7, 0.7))
FACTS = ReportFacts(
    "clinic-ct", "Chest <CT>", "controlled", "custodian", "2026-05-03", "standard", "ab" * 32, ("modified-dates",),
    {"remove": 7, "remove private": 5, "uid": 4, "date": 3, "number": 2},
    (SeriesFacts(SCAN, 8, SHEET, (LabelFacts("GTV", "SEG", 3.5),)),),
    (TableFacts("clinical", "Clinical data", 12, 9, [{"name": "age", "type": "int64"}], removed=2, k=6, l=2),),
    ("a NIfTI file carries no identity to check",), {"gantry-tilt": 3}, {"not a DICOM file": 2}, (),
)  # fmt: skip


class Reader(HTMLParser):
    """Keeps text and every address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.addresses, self.tags = "", [], []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_fetches_and_runs_nothing() -> None:
    page = Reader(make_report(FACTS))
    assert not {"script", "link", "iframe", "form", "object"} & set(page.tags)
    assert page.addresses and all(address.startswith("data:image/png;base64,") for address in page.addresses)


@pytest.mark.parametrize("words", [
    "custodian on 2026-05-03", "ab" * 32, "dates moved by one number of days per patient", VERSION_MARK,
    "8 × 40 × 40 voxels (z, y, x) of 2.5 × 0.7 × 0.7 mm", "-1000 to 900 HU", "3.50 ml", "no air in the scan",
    "carries no identity", "k = 6", "2 columns of the source left out", "21 elements", "gantry-tilt",
    "not a DICOM file", "workbench sign-off clinic-ct", "Versions waiting", "but not custodian, who brought it in",
])  # fmt: skip
def test_the_page_tells(words: str) -> None:
    assert words in Reader(make_report(FACTS)).text


def test_text_is_never_taken_for_html() -> None:
    assert "Chest <CT>" in Reader(make_report(FACTS)).text


def test_findings_are_listed_and_a_missing_verifier_is_said() -> None:
    found = [{"file": "scans/S0001/scan.json", "element": "(0010,0010)", "rule": "source-value"}]
    page = make_report(dataclasses.replace(FACTS, findings=found))
    assert "(0010,0010)" in page and "Each finding stops the sign-off" in page
    assert "did not run" in make_report(dataclasses.replace(FACTS, findings=None))


def test_an_empty_ingest_still_makes_a_page() -> None:
    page = make_report(ReportFacts("a", "A", "controlled", "c", "2026-05-03", "p", "0" * 64, findings=()))
    assert "Nothing new" in page


def test_every_action_and_option_of_the_shipped_profiles_has_words() -> None:
    assert set(ACTIONS) <= set(RULES)
    assert {switch for name in profile_names() for switch in load_profile(name).switches} <= set(OPTIONS)


@pytest.mark.parametrize(("rule", "kind"), [("remove overlay", "removed"), ("empty name", "emptied"), ("x-y", "kept")])
def test_a_rule_without_words_is_told_by_its_name(rule: str, kind: str) -> None:
    assert rule_words(rule).kind == kind


def picture(uri: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L"))


def test_a_sheet_shows_slices_in_true_proportions_head_up() -> None:
    volume = np.full((10, 40, 20), -1000, np.int16)
    volume[8:] = 900
    sheet = contact_sheet(volume, (4.0, 1.0, 1.0), axial=3)
    assert [p.caption for p in sheet][:3] == [f"axial {n} of 10, lung window" for n in (3, 5, 8)]
    coronal = picture(next(p.uri for p in sheet if p.caption.startswith("coronal")))
    assert coronal.shape == (EDGE_PIXELS, EDGE_PIXELS // 2)
    # 900 HU is above the window, and -1000 HU is 350 of its 1500 HU above the lower end: 11 of 47 greys.
    assert (coronal[:30].mean(), coronal[60:].mean()) == (235, 55)


def test_the_surface_shows_what_stands_out_in_front() -> None:
    volume = np.full((20, 20, 20), -1000, np.int16)
    volume[:, 10:, :] = 50
    volume[8:12, 4:, 8:12] = 50
    face = picture(contact_sheet(volume, (1.0, 1.0, 1.0))[-1].uri)
    assert face[100, 100] > face[30, 30] + 20


def test_one_slice_and_other_modalities_have_a_sheet_too() -> None:
    assert len(contact_sheet(np.zeros((1, 8, 8), np.int16), (1.0, 1.0, 1.0))) == 4
    assert len(contact_sheet(np.zeros((9, 8, 8), np.int16), (1.0, 1.0, 1.0), modality="MR", window=(5, 9))) == 7


def test_pictures_stand_upright_however_the_voxels_lie() -> None:
    volume = np.zeros((4, 5, 6), np.int16)
    volume[3, 0, 1] = 7
    # Index x runs to the right of the patient, y to the front, z to the feet; then axes in another order.
    turned = Geometry((4, 5, 6), (3.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, -1.0))
    shown, spacing = upright(volume, turned)
    assert (shown[0, 4, 4], spacing) == (7, (3.0, 2.0, 1.0))
    sagittal = Geometry((4, 5, 6), (3.0, 2.0, 1.0), (0.0, 0.0, 0.0), (0, 0, 1.0, 1.0, 0, 0, 0, -1.0, 0))
    shown, spacing = upright(volume, sagittal)
    assert (shown.shape, spacing, shown[4, 1, 3]) == ((5, 6, 4), (2.0, 1.0, 3.0), 7)
