"""Folders of planted instances, with the key to mark the outputs by and the identifiers to search them for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from planted.answers import Answer, key_of
from planted.burned import burn
from planted.file_bytes import Wrapping, encode, plant_wrapping
from planted.graphics import plant_graphics
from planted.headers import plant_header, plant_misfits, plant_patient
from planted.mint import Mint, Needle
from planted.nested import plant_nested
from planted.objects import CLASSES, STUDY_DAY, Uids, draw
from planted.pieces import Ground, Planting
from planted.private import plant_private
from planted.structures import plant_labels

BURNED = ("us", "sc")
ALL_KINDS = tuple(CLASSES)


@dataclass(frozen=True)
class Planted:
    """What was written.

    Parameters
    ----------
    folder : Path
        Where; its name and those of the files hold identifiers too.
    files : tuple of Path
        The instances.
    needles : tuple of Needle
        What no output may hold.
    answers : tuple of Answer
        What every output must be.
    """

    folder: Path
    files: tuple[Path, ...]
    needles: tuple[Needle, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Person:
    """One planted patient: identifiers and UIDs."""

    names: dict[str, str]
    study: str
    frame: str

    def uids(self, kind: str) -> Uids:
        """Give the UIDs of this patient's series of a kind."""
        series = f"{self.study}.{10 + list(CLASSES).index(kind)}"
        return Uids(self.study, series, self.frame, f"{self.study}.{10 + list(CLASSES).index('ct')}")


def make_person(mint: Mint) -> Person:
    """Make a patient up."""
    names = {part: mint.name(f"PatientName {part}") for part in ("family", "given", "middle")}
    names["issuer"] = mint.name("IssuerOfPatientID")
    names["record"] = mint.number("PatientID")
    study = mint.uid("StudyInstanceUID", names["record"])
    return Person(names, study, mint.uid("FrameOfReferenceUID", names["record"]))


def write_planted(
    folder: Path, *, seed: int = 7, kinds: Sequence[str] = ("ct",), slices: int = 4, size: int = 16,
    syntax: str = "explicit", has_misfits: bool = False,
) -> Planted:  # fmt: skip
    """Write one patient's series of some kinds, each a subfolder.

    Parameters
    ----------
    folder : Path
        Where to write; made when missing.
    seed : int
        The same seed writes the same bytes.
    kinds : sequence of str
        Names in `objects.CLASSES`.
    slices : int
        Instances of each kind of single frames; multi-frame kinds and RTSTRUCT have one.
    size : int
        Rows and columns.
    syntax : str
        A name in `file_bytes.SYNTAXES`.
    has_misfits : bool
        Whether to plant values of odd length and such that are none of their element, which may stop a reader.
    """
    mint = Mint(seed)
    person = make_person(mint)
    mint.know("StudyDate", "date", STUDY_DAY)
    files: list[Path] = []
    answers: list[Answer] = []
    for kind in kinds:
        record, label = person.names["record"], mint.name("folder name")
        below = folder / f"{person.names['family']} {label} {record}" / kind.upper()
        below.mkdir(parents=True, exist_ok=True)
        template = _plant_series(kind, person, mint, size, has_misfits)
        for number in range(1, (1 if kind in ("seg", "ect", "rtstruct") else slices) + 1):
            one, answer = template.instance(number)
            path = below / f"IM{number:04d}_{label}"
            path.write_bytes(
                encode(one, "explicit" if kind == "rtstruct" and syntax == "rle" else syntax, template.wrapping)
            )
            files.append(path)
            answers.append(Answer(path, *answer))
    return Planted(folder, tuple(files), tuple(mint.needles), tuple(answers))


@dataclass(frozen=True)
class _Series:
    """A spoiled instance, from which the others of its series differ only by number, place and pixels."""

    kind: str
    uids: Uids
    size: int
    spoiled: Dataset
    plantings: tuple[Planting, ...]
    wrapping: Wrapping
    record: str
    burned_text: str

    def instance(self, number: int) -> tuple[Dataset, tuple[str, int, str, tuple, bytes, tuple]]:
        clean = draw(self.kind, number, self.uids, self.size)
        one = Dataset()
        one.update(dict(self.spoiled.items()))
        spoiled = {planting.path for planting in self.plantings}
        for tag in ("SOPInstanceUID", "InstanceNumber", "ImagePositionPatient", "PixelData"):
            if tag in clean:
                one[tag] = clean[tag]
        boxes = burn(one, self.burned_text) if self.kind in BURNED else ()
        assert not {(int(clean.data_element(tag).tag),) for tag in ("SOPInstanceUID", "InstanceNumber")} & spoiled
        actions = key_of(clean, list(self.plantings), self.record, is_burned=bool(boxes))
        found = str(clean.SOPClassUID), number
        return one, (*found, self.record, actions, one.get("PixelData", b""), boxes)


def _plant_series(kind: str, person: Person, mint: Mint, size: int, has_misfits: bool) -> _Series:
    uids = person.uids(kind)
    ground = Ground(draw(kind, 1, uids, size), mint, is_odd=has_misfits)
    plant_header(ground)
    plant_patient(ground, person.names)
    if has_misfits:
        plant_misfits(ground)
    plant_nested(ground)
    plant_private(ground)
    plant_graphics(ground)
    plant_labels(ground, kind)
    return _Series(
        kind, uids, size, ground.dataset, tuple(ground.plantings), plant_wrapping(mint), person.names["record"],
        f"{person.names['family']} {person.names['record']}",
    )  # fmt: skip
