"""What scanners send is kept byte for byte, from several at once, and from those alone who may call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pynetdicom import AE

from workbench.errors import InvalidInput
from workbench.ingest.pacs.receive import receiving

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


def _call(port: int, *, calling: str = "CT1", called: str = "WORKBENCH") -> Any:
    entity = AE(calling)
    entity.add_requested_context(CT, EXPLICIT)
    entity.add_requested_context("1.2.840.10008.1.1")
    return entity.associate("127.0.0.1", port, ae_title=called)


def _send(port: int, files: list[Path]) -> None:
    line = _call(port)
    for path in files:
        line.send_c_store(path)
    line.release()


def test_four_scanners_send_at_once(tmp_path: Path, draw_series: Callable[..., Any]) -> None:
    drawn = [draw_series(f"s{n}", count=5, change=lambda one, i, n=n: _renumber(one, n, i)) for n in range(4)]
    with receiving(tmp_path / "arrivals", own_aet="WORKBENCH", host="127.0.0.1", port=0) as (arrivals, port):
        lines = [threading.Thread(target=_send, args=(port, one.files)) for one in drawn]
        for line in lines:
            line.start()
        for line in lines:
            line.join()
    kept = {dcmread(path).PixelData for path in (tmp_path / "arrivals").iterdir()}
    assert arrivals.received == 20
    assert kept == {dcmread(path).PixelData for one in drawn for path in one.files}


def _renumber(one: Any, series: int, index: int) -> None:
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{series + 1}.{index + 1}"


def test_an_instance_that_comes_twice_is_kept_once(tmp_path: Path, draw_series: Callable[..., Any]) -> None:
    drawn = draw_series(count=2)
    with receiving(tmp_path / "arrivals", own_aet="WORKBENCH", host="127.0.0.1", port=0) as (arrivals, port):
        _send(port, drawn.files)
        _send(port, drawn.files)
    assert (arrivals.received, arrivals.again, len(list((tmp_path / "arrivals").iterdir()))) == (2, 2, 2)


def test_strangers_and_wrong_titles_are_not_answered(tmp_path: Path) -> None:
    with receiving(tmp_path, own_aet="WORKBENCH", host="127.0.0.1", port=0, callers=["CT1"]) as (_, port):
        assert _call(port, calling="STRANGER").is_rejected
        assert _call(port, called="OTHER").is_rejected
        line = _call(port)
        assert line.send_c_echo().Status == 0
        line.release()


def test_a_full_disk_is_told_to_the_sender(tmp_path: Path, draw_series: Callable[..., Any]) -> None:
    drawn = draw_series(count=1)
    with receiving(tmp_path / "arrivals", own_aet="WORKBENCH", host="127.0.0.1", port=0) as (arrivals, port):
        (tmp_path / "arrivals").rename(tmp_path / "gone")
        line = _call(port)
        assert line.send_c_store(drawn.files[0]).Status == 0xA700
        line.release()
    assert arrivals.received == 0


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with receiving(tmp_path, own_aet="A", host="127.0.0.1", port=0) as (_, port):
        with pytest.raises(InvalidInput, match=str(port)):
            with receiving(tmp_path, own_aet="A", host="127.0.0.1", port=port):
                pass
