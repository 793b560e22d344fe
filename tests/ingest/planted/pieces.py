"""Small tools for building spoiled datasets: raw values in any VR, items, and where each identifier was put."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from planted.mint import Mint

BINARY_VRS = ("UI", "OB", "OW", "UN")
# A step into an item: sequence tag and item number; the last step is an element.
Path = tuple[int | tuple[int, int], ...]


@dataclass(frozen=True)
class Planting:
    """An identifier that a known element holds and must lose."""

    path: Path
    text: str


@dataclass
class Ground:
    """A dataset that identifiers are planted in, and the notes of what lies where.

    Parameters
    ----------
    dataset : Dataset
        What is planted in.
    mint : Mint
        Where identifiers come from.
    codec : str
        How text is encoded.
    path : tuple
        Where this dataset lies in the instance.
    is_odd : bool
        Whether values may be of odd length, which the standard forbids.
    """

    dataset: Dataset
    mint: Mint
    codec: str = "utf-8"
    path: Path = ()
    is_odd: bool = False
    plantings: list[Planting] = field(default_factory=list)

    def put(self, tag: int | str, vr: str, text: str | bytes, *planted: str) -> None:
        """Write a value as it stands, whatever its VR allows, and note the identifiers in it."""
        number = tag_of(tag)
        value = text if isinstance(text, bytes) else text.encode(self.codec)
        if not self.is_odd:
            value += (b"\0" if vr in BINARY_VRS else b" ") * (len(value) % 2)
        self.dataset[number] = RawDataElement(Tag(number), vr, len(value), value, 0, False, True)
        self.plantings += [Planting((*self.path, number), each) for each in planted]

    def item(self, tag: int | str) -> Ground:
        """Give the ground of a new item of a sequence."""
        inner = Dataset()
        where = tag_of(tag)
        if where not in self.dataset:
            self.dataset.add_new(where, "SQ", Sequence())
        self.dataset[where].value.append(inner)
        index = len(self.dataset[where].value) - 1
        return Ground(inner, self.mint, self.codec, (*self.path, (where, index)), self.is_odd, self.plantings)

    def place(self, tag: int | str) -> str:
        """Give the name of an element of this ground."""
        return name_of((*self.path, tag_of(tag)))


def tag_of(tag: int | str) -> int:
    """Give the number of an element named by keyword or number."""
    number = tag_for_keyword(tag) if isinstance(tag, str) else tag
    if number is None:
        raise KeyError(tag)
    return int(number)


def name_of(path: Iterable[int | tuple[int, int]]) -> str:
    """Give a path in words.

    >>> name_of(((0x00081140, 0), 0x00100010))
    'ReferencedImageSequence/PatientName'
    """
    tags = (step[0] if isinstance(step, tuple) else step for step in path)
    return "/".join(keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in tags)
