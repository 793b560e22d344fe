"""`workbench ingest` from an archive, `workbench receive` and `workbench push`, as people type them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import HTTP, MOVE_PORT, Given, Orthanc  # type: ignore[import-not-found]
from desks import Answer, Desk
from pynetdicom import AE

from workbench.errors import GatewayUnavailable
from workbench.ingest.pacs.web import WebArchive

WAYS = ("web", "get", "move")
CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


def words_of(orthanc: Orthanc, way: str) -> list[object]:
    move = ["--move-port", MOVE_PORT] if way == "move" else []
    return [orthanc.web if way == "web" else orthanc.node, *move]


def quarantined(desk: Desk) -> list[Path]:
    folder = desk.settings.home / "quarantine"
    return sorted(folder.rglob("*.dcm")) if folder.exists() else []


@pytest.mark.parametrize("way", WAYS)
def test_a_study_of_an_archive_becomes_a_dataset(desk: Desk, orthanc: Orthanc, given_study: Given, way: str) -> None:
    study, files = given_study(f"i{way}")
    with orthanc.network():
        source, *more = words_of(orthanc, way)
        made = desk.ingest(source, f"from-{way}", "--study", study, *more)
    assert [(one["files"], one["shape"]) for one in made["series"]] == [(len(files), [4, 40, 36])]
    assert quarantined(desk) == []
    desk.publish(f"from-{way}")
    with orthanc.network():
        code, said = desk.refused(source, f"from-{way}", "--study", study, *more)
    assert code == 6 and "nothing new" in said["message"] and quarantined(desk) == []


def test_a_broken_line_keeps_what_came(
    desk: Desk, orthanc: Orthanc, given_study: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, files = given_study("broken")
    fetch = WebArchive.fetch

    def breaking(self: Any, study: str, series: str, wanted: Any, keep: Callable[[str, bytes], None]) -> None:
        came: list[str] = []

        def once(uid: str, content: bytes) -> None:
            if len(came) == 2:
                raise GatewayUnavailable("The archive did not answer.")
            came.append(uid)
            keep(uid, content)

        fetch(self, study, series, wanted, once)

    with orthanc.network():
        monkeypatch.setattr(WebArchive, "fetch", breaking)
        assert desk.refused(orthanc.web, "broken", "--study", study)[0] == 10
        assert len(quarantined(desk)) == 2
        monkeypatch.undo()
        made = desk.ingest(orthanc.web, "broken", "--study", study)
    assert made["series"][0]["files"] == len(files) and quarantined(desk) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pynetdicom, of a call nobody took
def test_wrong_words_are_one_sentence(desk: Desk, orthanc: Orthanc, given_study: Given) -> None:
    study, _ = given_study("words")
    cases: list[tuple[list[object], int, str]] = [
        ([orthanc.web], 2, "--study"), ([orthanc.web, "--study", "x"], 2, "UID"),
        ([orthanc.web, "--study", "1.2.3.4"], 5, "no study"), ([orthanc.node, "--study", "1.2.3.4"], 5, "no study"),
        ([orthanc.web, "--study", study, "--series", "1.2.3"], 5, "--series"),
        ([f"dicomweb:http://127.0.0.1:{HTTP}/no", "--study", study], 5, "path"),
        (["dicomweb:http://127.0.0.1:9/x", "--study", study], 10, "did not answer"),
        (["dicomweb:http://archive.example/x", "--study", study], 2, "unencrypted"),
        (["dicom:ORTHANC@127.0.0.1:9", "--study", study], 10, "port"),
        (["dicom:ORTHANC", "--study", study], 2, "dicom:AET@HOST:PORT"),
        ([orthanc.node, "--study", study, "--aet", "A" * 17], 2, "AE title"),
        ([orthanc.node, "--study", study, "--aet", "STRANGER", "--move-port", MOVE_PORT], 7, "AE title"),
        ([orthanc.node, "--study", study, "--credentials", "x"], 2, "--credentials"),
    ]  # fmt: skip
    with orthanc.network():
        for words, code, says in cases:
            answer = desk.run("ingest", *words, "--dataset", "wrong")
            assert (answer.code, answer.out) == (code, "") and says in answer.err and answer.err.endswith(".\n"), answer
            assert "Traceback" not in answer.err and study not in answer.err
    assert quarantined(desk) == []


def send(port: int, files: list[Path]) -> None:
    entity = AE("SCANNER")
    entity.add_requested_context(CT, EXPLICIT)
    deadline = time.monotonic() + 120
    while not (line := entity.associate("127.0.0.1", port, ae_title="WORKBENCH")).is_established:
        assert time.monotonic() < deadline, "nobody listens"
        time.sleep(0.05)
    assert [line.send_c_store(path).Status for path in files] == [0] * len(files)
    line.release()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pynetdicom, before anybody listens
def test_what_a_scanner_sends_is_ingested_when_it_is_quiet(desk: Desk, draw_series: Any, tmp_path: Path) -> None:
    drawn, port = draw_series(count=4), 11_214
    sender = threading.Thread(target=send, args=(port, drawn.files))
    sender.start()
    words = ("receive", tmp_path / "arrived", "--idle", 2, "--port", port, "--dataset", "received", "--json")
    answer: Answer = desk.run(*words)
    sender.join()
    assert answer.code == 0 and answer.body["received"] == 4
    assert [one["shape"] for one in answer.body["ingest"]["series"]] == [[4, 40, 36]]
    assert desk.run("receive", tmp_path / "x", "--dataset", "received").code == 2


def test_a_deidentified_folder_is_checked_and_pushed(
    desk: Desk, orthanc: Orthanc, draw_series: Any, tmp_path: Path
) -> None:
    drawn, out = draw_series(count=3), tmp_path / "out"
    assert desk.run("deidentify", drawn.folder, out, "--workers", 1).code == 0
    with orthanc.network():
        for archive in (orthanc.web, orthanc.node):
            answer = desk.run("push", out, archive, "--against", drawn.folder, "--json")
            assert (answer.code, answer.body) == (0, {"files": 3, "sent": 3, "failed": []}), answer
        answer = desk.run("push", drawn.folder, orthanc.node)
        assert answer.code == 7 and "does not say that it was de-identified" in answer.err
        assert desk.run("push", out, "somewhere").code == 2
        assert desk.run("push", tmp_path / "none", orthanc.node).code == 2
