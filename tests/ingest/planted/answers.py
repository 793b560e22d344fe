"""The answer key of a planted instance: what must be gone, what must stay, in the ten action types of MIDI-B.

Source: Medical Image De-Identification Benchmark (MIDI-B), MICCAI 2024.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from planted.pieces import Path, Planting

KINDS = (
    "tag_retained", "text_notnull", "text_retained", "text_removed", "date_shifted", "uid_changed", "uid_consistent",
    "patid_consistent", "pixels_hidden", "pixels_retained",
)  # fmt: skip
NOT_NULL = (0x00080018, 0x00080060, 0x00100010, 0x00100020, 0x0020000D, 0x0020000E)
PIXEL_DATA, PATIENT_ID = 0x7FE00010, 0x00100020
# How a file is written may change: its character set, and times of day go with the dates' option.
FREE = frozenset((0x00080005, 0x00080030, 0x00280301))
STANDARD_UIDS = frozenset((0x00080016, 0x00081150))


@dataclass(frozen=True)
class Action:
    """One thing that must hold of an output.

    Parameters
    ----------
    kind : str
        One of the ten types.
    path : tuple
        The element.
    value : str
        The source's value that must be gone, stay or be replaced.
    """

    kind: str
    path: Path
    value: str = ""


@dataclass(frozen=True)
class Answer:
    """The key of one instance.

    Parameters
    ----------
    file : Path
        The source file.
    sop_class, number : str, int
        By these the output is found whatever it is called.
    patient : str
        Whose instance it is.
    actions : tuple of Action
        What must hold.
    pixels : bytes
        The source's pixel data.
    boxes : tuple
        (top, left, bottom, right) of text burned into the pixels.
    """

    file: FilePath
    sop_class: str
    number: int
    patient: str
    actions: tuple[Action, ...]
    pixels: bytes = field(repr=False, default=b"")
    boxes: tuple[tuple[int, int, int, int], ...] = ()


def key_of(clean: Dataset, plantings: list[Planting], record: str, *, is_burned: bool = False) -> tuple[Action, ...]:
    """Give the actions of an instance from what it held before identifiers were planted, and from where those lie."""
    spoiled = {planting.path for planting in plantings}
    wanted = [action for action in _kept(clean, ()) if action.path not in spoiled]
    wanted += [Action("text_removed", planting.path, planting.text) for planting in plantings]
    wanted += [Action("text_notnull", (tag,)) for tag in NOT_NULL]
    wanted.append(Action("patid_consistent", (PATIENT_ID,), record))
    if PIXEL_DATA in clean:
        wanted.append(Action("pixels_hidden" if is_burned else "pixels_retained", (PIXEL_DATA,)))
    return tuple(wanted)


def _kept(dataset: Dataset, where: Path) -> Iterator[Action]:
    for element in dataset:
        path = (*where, int(element.tag))
        if element.tag in FREE or element.tag == PIXEL_DATA:
            continue
        if element.VR == "SQ":
            yield Action("tag_retained", path)
            for number, item in enumerate(element.value):
                yield from _kept(item, (*where, (int(element.tag), number)))
        else:
            yield from _of_value(element, path)


def _of_value(element: DataElement, path: Path) -> Iterator[Action]:
    text = str(element.value)
    if element.VR == "UI" and element.tag not in STANDARD_UIDS:
        yield Action("uid_changed", path, text)
        yield Action("uid_consistent", path, text)
    elif element.VR in ("DA", "DT"):
        yield Action("date_shifted", path, text)
    else:
        yield Action("tag_retained", path)
        yield Action("text_retained", path, text)
