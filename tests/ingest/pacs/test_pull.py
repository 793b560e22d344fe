"""Images come from a real Orthanc: by DICOMweb, C-GET and C-MOVE, whole or not at all, and nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archives import MOVE_PORT, OWN, Given, Orthanc  # type: ignore[import-not-found]
from pydicom import dcmread

from workbench.errors import GatewayUnavailable, IngestRefused, NotFound
from workbench.ingest.pacs.address import NodeAddress, parse_address
from workbench.ingest.pacs.archive import Archive, pull
from workbench.ingest.pacs.node import NodeArchive
from workbench.ingest.pacs.web import WebArchive

WAYS = ("web", "get", "move")


def _archive(orthanc: Orthanc, way: str) -> Archive:
    address = parse_address(orthanc.web if way == "web" else orthanc.node)
    if isinstance(address, NodeAddress):
        return NodeArchive(address, own_aet=OWN, move_port=MOVE_PORT if way == "move" else None)
    return WebArchive(address)


def _pixels(files: list[Path]) -> set[bytes]:
    return {dcmread(path).PixelData for path in files}


@pytest.mark.parametrize("way", WAYS)
def test_a_study_comes_whole(orthanc: Orthanc, given_study: Given, tmp_path: Path, way: str) -> None:
    study, files = given_study(f"a{way}")
    with orthanc.network():
        pulled = pull(_archive(orthanc, way), [study], tmp_path / "q")
    came = list((tmp_path / "q").iterdir())
    assert (pulled.series, pulled.instances, pulled.fetched) == (1, len(files), len(files))
    assert _pixels(came) == _pixels(files)
    assert (tmp_path / "q").stat().st_mode & 0o777 == 0o700 and came[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("way", WAYS)
def test_a_pull_that_was_cut_short_fetches_only_the_rest(
    orthanc: Orthanc, given_study: Given, tmp_path: Path, way: str
) -> None:
    study, files = given_study(f"b{way}")
    with orthanc.network():
        archive = _archive(orthanc, way)
        pull(archive, [study], tmp_path / "q")
        next((tmp_path / "q").iterdir()).unlink()
        assert pull(archive, [study], tmp_path / "q").fetched == 1
        assert pull(archive, [study], tmp_path / "q").fetched == 0
    assert len(list((tmp_path / "q").iterdir())) == len(files)


@pytest.mark.parametrize("way", WAYS)
def test_a_study_nobody_knows_is_refused_without_its_uid(orthanc: Orthanc, tmp_path: Path, way: str) -> None:
    with orthanc.network(), pytest.raises(NotFound, match="--study") as refused:
        pull(_archive(orthanc, way), ["1.2.3.4.5.6"], tmp_path)
    assert "1.2.3.4.5.6" not in refused.value.message


def test_a_series_that_is_not_in_the_study_is_refused(orthanc: Orthanc, given_study: Given, tmp_path: Path) -> None:
    study, _ = given_study("series")
    with orthanc.network(), pytest.raises(NotFound, match="--series"):
        pull(_archive(orthanc, "get"), [study], tmp_path, series=["1.2.3.4"])


def test_images_that_were_announced_and_do_not_come_are_noticed(tmp_path: Path) -> None:
    class Forgetful:
        def series(self, study: str) -> list[str]:
            return ["1.2.3"]

        def instances(self, study: str, series: str) -> dict[str, str]:
            return {"1.2.3.1": "", "1.2.3.2": ""}

        def fetch(self, study: str, series: str, wanted: object, keep: object) -> None:
            keep("1.2.3.1", b"x")  # type: ignore[operator]

    with pytest.raises(IngestRefused, match="1 of 2 instances") as refused:
        pull(Forgetful(), ["1.2"], tmp_path)  # type: ignore[arg-type]
    assert refused.value.code == "pull-incomplete"


# pynetdicom forgets the socket of a call that nobody took.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_there_is_said(orthanc: Orthanc, tmp_path: Path) -> None:
    with orthanc.network():
        for address in ("dicom:X@127.0.0.1:9", "dicomweb:http://127.0.0.1:9/x"):
            where = parse_address(address)
            archive: Archive = (
                NodeArchive(where, own_aet=OWN) if isinstance(where, NodeAddress) else WebArchive(where)
            )  # fmt: skip
            with pytest.raises(GatewayUnavailable):
                pull(archive, ["1.2.3"], tmp_path)


def test_an_archive_that_does_not_speak_dicomweb_is_named(orthanc: Orthanc, tmp_path: Path) -> None:
    where = parse_address("dicomweb:http://127.0.0.1:8042/nowhere")
    with orthanc.network(), pytest.raises(NotFound, match="path"):
        pull(WebArchive(where), ["1.2.3"], tmp_path)  # type: ignore[arg-type]


def test_credentials_are_read_from_a_file_alone(tmp_path: Path) -> None:
    from workbench.ingest.pacs.web import _authorization

    (tmp_path / "c").write_text("me:hunter2\n")
    assert _authorization(tmp_path / "c") == {"Authorization": "Basic bWU6aHVudGVyMg=="}
    (tmp_path / "t").write_text("Bearer abc")
    assert json.dumps(_authorization(tmp_path / "t")) == '{"Authorization": "Bearer abc"}'
