"""Only what was de-identified goes to an archive, and the archive's answer is told file by file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import OWN, Orthanc  # type: ignore[import-not-found]
from pydicom import dcmread

from workbench.errors import IngestRefused, InvalidInput
from workbench.ingest.pacs.address import parse_address
from workbench.ingest.pacs.archive import Archive, pull
from workbench.ingest.pacs.node import NodeArchive
from workbench.ingest.pacs.push import push_folder
from workbench.ingest.pacs.web import WebArchive


def _marked(one: Any, index: int, study: str) -> None:
    one.PatientIdentityRemoved = "YES"
    one.StudyInstanceUID, one.SeriesInstanceUID = study, f"{study}.1"
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{study}.1.{index + 1}"


def _archives(orthanc: Orthanc) -> dict[str, Archive]:
    node: Any = parse_address(orthanc.node)
    web: Any = parse_address(orthanc.web)
    return {"node": NodeArchive(node, own_aet=OWN), "web": WebArchive(web)}


@pytest.mark.parametrize("way", ["node", "web"])
def test_what_was_pushed_can_be_pulled(
    orthanc: Orthanc, draw_series: Callable[..., Any], tmp_path: Path, way: str
) -> None:
    study = f"1.2.826.0.1.3680043.8.498.9.{1 if way == 'web' else 2}"
    drawn = draw_series("out", count=3, change=lambda one, index: _marked(one, index, study))
    with orthanc.network():
        archive = _archives(orthanc)[way]
        sent = push_folder(drawn.folder, archive)
        assert push_folder(drawn.folder, archive) == sent  # sent again, taken again, there once
        pull(archive, [study], tmp_path / "back")
    assert sent.as_dict() == {"files": 3, "sent": 3, "failed": []}
    assert sorted(dcmread(p).PixelData for p in drawn.files) == sorted(
        dcmread(p).PixelData for p in (tmp_path / "back").iterdir()
    )


def test_a_file_without_the_mark_stops_everything(draw_series: Callable[..., Any]) -> None:
    drawn = draw_series(count=2)
    with pytest.raises(IngestRefused, match="does not say") as refused:
        push_folder(drawn.folder, None)  # type: ignore[arg-type]
    assert refused.value.code == "not-deidentified"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing to send"):
        push_folder(tmp_path, None)  # type: ignore[arg-type]


def test_what_the_verifier_finds_is_not_sent(draw_series: Callable[..., Any]) -> None:
    drawn = draw_series(count=2, change=lambda one, index: _marked(one, index, "1.2.3"))
    with pytest.raises(IngestRefused) as refused:
        push_folder(drawn.folder, None, against=drawn.folder)  # type: ignore[arg-type]
    assert refused.value.code == "identifiers-left"
