"""What the verifier remembers of one file after its bytes are gone.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.2 (Image Plane), C.7.6.3 (Image Pixel); PS3.5 2026c 8 (pixel data).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from workbench.ingest.verify.conformity import texts_of
from workbench.ingest.verify.dicom_bytes import PIXELS, Element, Parsed, walk
from workbench.ingest.verify.dictionary import STANDARD_UIDS
from workbench.ingest.verify.identity import CLASS_UIDS
from workbench.ingest.verify.marks import is_cleared

CONTOUR_DATA = 0x30060050
INDEX = re.compile(r"\[\d+\]")
# Numbers that tell instances of a series apart and that de-identification keeps: instance, acquisition, position,
# slice location, temporal position, trigger and echo time, and times of day where these stay.
PLACE = (0x00200013, 0x00200012, 0x00200032, 0x00201041, 0x00200100, 0x00181060, 0x00180081)
MOMENTS = (0x00080032, 0x00080033)
SHAPE = (0x00280010, 0x00280011, 0x00280008, 0x00280002, 0x00280100)
STUDY, SERIES, INSTANCE, FRAME = 0x0020000D, 0x0020000E, 0x00080018, 0x00200052


@dataclass
class Facts:
    """One file of the source or of the output.

    Parameters
    ----------
    name : str
        Path relative to the folder.
    texts : dict of int to str
        Short top-level text elements by tag.
    uids, dates : list of tuple
        (path, value) of every UID that the standard does not define and of every date, at every depth.
    shape, place : tuple of str
        Technical numbers of the pixels, and of the instance within its series.
    digest : str
        Of the pixels, or of the contours where there are none.
    extra : str
        `padding` or `overlay` for what stands behind or above the pixels.
    """

    name: str
    syntax: str = ""
    texts: dict[int, str] = field(default_factory=dict)
    uids: list[tuple[str, str]] = field(default_factory=list)
    dates: list[tuple[str, str]] = field(default_factory=list)
    shape: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    digest: str = ""
    has_pixels: bool = False
    is_cleared: bool = False
    extra: str = ""

    @property
    def sop_class(self) -> str:
        """SOP Class UID."""
        return self.texts.get(0x00080016, "")

    @property
    def patient(self) -> tuple[str, ...]:
        """What tells the patient from others: ID and issuer, or the study where there is no ID."""
        patient = " ".join(self.texts.get(0x00100020, "").replace("\0", " ").split())
        if patient:
            return ("id", patient, " ".join(self.texts.get(0x00100021, "").split()))
        named = [(str(tag), self.texts[tag]) for tag in (STUDY, SERIES, INSTANCE) if self.texts.get(tag)]
        return named[0] if named else ("nobody",)


def facts_of(name: str, parsed: Parsed) -> Facts:
    """Take what later comparisons need; the bytes can then be dropped."""
    facts = Facts(name, parsed.syntax, is_cleared=is_cleared(parsed))
    contours = hashlib.blake2b(digest_size=16)
    pixels = None
    for path, element in walk(parsed.elements):
        if element.items is not None:
            continue
        if element.tag in PIXELS:
            pixels = pixels or (element if "." not in path else None)
        elif element.vr == "UI" and element.tag not in CLASS_UIDS:
            facts.uids += [(path, uid) for uid in texts_of(element) if uid and uid not in STANDARD_UIDS]
        elif element.vr in ("DA", "DT"):
            facts.dates += [(path, value) for value in texts_of(element) if value]
        elif element.tag == CONTOUR_DATA:
            contours.update(element.value)
        if "." not in path and element.stop - element.start <= 256:
            facts.texts[element.tag] = _plain(element)
    facts.shape = tuple(facts.texts.get(tag, "") for tag in SHAPE)
    facts.place = tuple(_number(facts.texts.get(tag, "")) for tag in PLACE)
    facts.moments = tuple(facts.texts.get(tag, "") for tag in MOMENTS)
    if pixels is not None:
        facts.has_pixels, facts.digest = True, _digest(pixels, facts)
        facts.extra = _extra(pixels, facts)
    else:
        facts.digest = contours.hexdigest()
    return facts


def without_indexes(path: str) -> str:
    """Give a path without the numbers of items.

    >>> without_indexes("(0008,1140)[2].(0008,1155)")
    '(0008,1140).(0008,1155)'
    """
    return INDEX.sub("", path)


def _plain(element: Element) -> str:
    if element.vr in ("US", "SS", "UL", "SL") and element.stop - element.start in (2, 4):
        is_signed = element.vr.startswith("S")
        return str(int.from_bytes(element.value, "little" if element.is_little else "big", signed=is_signed))
    return "\\".join(texts_of(element))


def _number(text: str) -> str:
    """Spell equal numbers alike: `3`, `3.0` and ` 3` are one."""
    try:
        return "\\".join(f"{float(part):.6g}" for part in text.split("\\")) if text else ""
    except ValueError:
        return text


def _digest(pixels: Element, facts: Facts) -> str:
    if pixels.fragments is not None:
        # The basic offset table (first fragment) may be rewritten; the frames may not.
        value = b"".join(pixels.content[start:stop] for start, stop in pixels.fragments[1:])
    else:
        value = _native(pixels)
        value = value[: _length(facts) or len(value)]
    return hashlib.blake2b(value, digest_size=16).hexdigest()


def _native(pixels: Element) -> bytes:
    """Give native pixels as little endian writes them (PS3.5 8.2: words are swapped, whatever they hold)."""
    value = pixels.value
    if pixels.is_little or pixels.vr != "OW" or len(value) % 2:
        return value
    swapped = bytearray(value)
    swapped[::2], swapped[1::2] = value[1::2], value[::2]
    return bytes(swapped)


def _length(facts: Facts) -> int:
    """Give how many bytes the pixels should have; 0 when the header does not say."""
    rows, columns, frames, samples, bits = ((*facts.shape,) + ("",) * 5)[:5]
    try:
        count = int(rows) * int(columns) * int(frames or 1) * int(samples or 1)
        length = (count * int(bits) + 7) // 8
    except ValueError:
        return 0
    if facts.texts.get(0x00280004, "") == "YBR_FULL_422":
        length = length * 2 // 3
    return length


def _extra(pixels: Element, facts: Facts) -> str:
    """Say whether bytes hide behind the pixels."""
    if pixels.fragments is not None or not _length(facts):
        return ""
    rest = _native(pixels)[_length(facts) :]
    return "padding" if rest.strip(b"\0") else ""
