"""A folder is packed to the same bytes every time, and nothing but plain files goes with it."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from workbench.benchmark.submissions.sending import pack, read_submission
from workbench.errors import InvalidInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "entry"
    (made / "weights").mkdir(parents=True)
    (made / "predict.py").write_text("print(1)\n")
    (made / "weights" / "a.bin").write_bytes(b"\0\1")
    return made


def test_the_same_folder_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = pack(folder)
    os.utime(folder / "predict.py", (1, 1))
    (folder / "predict.py").chmod(0o700)
    assert pack(folder) == first
    assert zipfile.ZipFile(io.BytesIO(first)).namelist() == ["predict.py", "weights/a.bin"]


def test_what_editors_leave_behind_stays_behind(folder: Path) -> None:
    before = pack(folder)
    for name in ("__pycache__", ".git", ".ipynb_checkpoints"):
        (folder / name).mkdir()
        (folder / name / "x").write_text("x")
    assert pack(folder) == before


def test_a_folder_without_the_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds no predict\.py"):
        pack(tmp_path)


@pytest.mark.parametrize("target", ["/etc/passwd", "weights", "."])
def test_a_link_is_refused_and_never_followed(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    with pytest.raises(InvalidInput, match="link is a link"):
        pack(folder)


def test_a_name_that_no_zip_can_hold_is_refused(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.txt")).touch()
    with pytest.raises(InvalidInput, match=r"udcff\.txt has a name that others cannot read"):
        pack(folder)


def test_a_device_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match="zero has more than 268435456 bytes"):
        read_submission(Path("/dev/zero"))


def test_a_pipe_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidInput, match="no plain file"):
        pack(folder)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("p.csv", b"id,prediction\n", "predictions"), ("p.json", b"[]", "predictions"), ("m.onnx", b"\x08\x08", "onnx"),
     ("p.txt", b"id,prediction\n", "predictions"), ("m.bin", b"\x08\x08\x12", "onnx")],
)  # fmt: skip
def test_the_kind_follows_from_the_name_or_else_the_content(
    tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert read_submission(tmp_path / name) == (kind, content)


def test_a_zip_with_the_program_is_a_folder_and_one_of_masks_is_predictions(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "entry.zip").write_bytes(pack(folder))
    with zipfile.ZipFile(tmp_path / "masks.zip", "w") as archive:
        archive.writestr("S0001.nii.gz", b"x")
    assert read_submission(tmp_path / "entry.zip")[0] == "folder"
    assert read_submission(tmp_path / "masks.zip")[0] == "predictions"


def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"^none\.onnx cannot be read"):
        read_submission(tmp_path / "none.onnx")
