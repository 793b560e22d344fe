"""Damaged files end in a refusal with a sentence: never a crash, never a volume with a hole, never a patient's word."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from encoders import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid

from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.progress import quiet
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import read_folder
from workbench.ingest.series.volumes import pass_gate

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def outcome(folder: Path) -> Any:
    """Give the volumes of a folder, or the refusals; anything else that is raised fails the test."""
    found = read_folder(folder, b"k" * 32, load_profile(), quiet)
    verdicts = [pass_gate(series) for series in found.series.values()]
    refusals = [*found.refusals, *(one for one in verdicts if isinstance(one, Refusal))]
    volumes = [] if refusals else [one.read() for one in verdicts if not isinstance(one, Refusal)]
    refusals += [one for one in volumes if isinstance(one, Refusal)]
    for one in refusals:
        assert one.code and one.files and one.reason.endswith((".", ")")) or one.reason, one
        assert "Okonkwo" not in str(one) and "5550199" not in str(one)
    return refusals or volumes


@pytest.fixture(params=[None, uid.RLELossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless])
def contents(request: pytest.FixtureRequest, draw_series: Any) -> list[bytes]:
    """Give the files of a small good series in one transfer syntax."""
    files = draw_series(count=3, rows=12, columns=10).files
    for file in files:
        if request.param:
            encode(file, request.param)
    return [file.read_bytes() for file in files]


def written(contents: list[bytes], scratch: str) -> Path:
    for number, content in enumerate(contents):
        (Path(scratch) / f"{number}.dcm").write_bytes(content)
    return Path(scratch)


@QUICK
@given(data=st.data())
def test_a_file_cut_short_anywhere_gives_no_volume(contents: list[bytes], data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(contents[1]) - 1))
    with tempfile.TemporaryDirectory() as scratch:
        result = outcome(written([contents[0], contents[1][:length], contents[2]], scratch))
    # With its middle slice cut away a series has a hole, or two slices; neither may be silent.
    assert result and all(isinstance(one, Refusal) or one.values.shape[0] == 3 for one in result)


@QUICK
@given(data=st.data())
def test_changed_bytes_never_crash(contents: list[bytes], data: st.DataObject) -> None:
    changed = bytearray(contents[1])
    for _ in range(data.draw(st.integers(1, 12))):
        changed[data.draw(st.integers(132, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as scratch:
        outcome(written([contents[0], bytes(changed), contents[2]], scratch))


@QUICK
@given(noise=st.binary(max_size=3000), is_dicom=st.booleans())
def test_noise_is_never_a_volume(noise: bytes, is_dicom: bool) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        found = read_folder(written([bytes(128) + b"DICM" * is_dicom + noise], scratch), b"k", load_profile(), quiet)
    assert not found.series and len(found.refusals) + len(found.ignored) == 1
