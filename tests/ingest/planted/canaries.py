"""A canary in every text and UID element of the dictionary, at two depths: what a list of what to remove forgets."""

from __future__ import annotations

from pathlib import Path

from pydicom._dicom_dict import DicomDictionary

from planted.file_bytes import encode, plant_wrapping
from planted.mint import Mint, Needle
from planted.objects import draw
from planted.pieces import Ground
from planted.series import make_person

TEXT_VRS = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UR", "UT"))
# These decide how the rest is read.
STRUCTURE = frozenset((
    0x00080005, 0x00080008, 0x00080016, 0x00080060, 0x00080201, 0x00120062, 0x00280004, 0x00280301,
))  # fmt: skip
# A sequence that every profile keeps.
KEPT = "SourceImageSequence"


def write_canaries(folder: Path, *, syntax: str = "explicit", size: int = 16) -> tuple[Needle, ...]:
    """Write one CT instance with 3252 canaries and give them."""
    mint = Mint(3252)
    ground = Ground(draw("ct", 1, make_person(mint).uids("ct"), size), mint)
    wrapping = plant_wrapping(mint)
    needles: list[Needle] = []
    for here in (ground, ground.item(KEPT)):
        for tag, (vr, *_) in sorted(DicomDictionary.items()):
            if vr in TEXT_VRS and tag >= 0x00080000 and tag not in STRUCTURE:
                count = len(needles)
                text = f"1.2.999.777.1{count:05d}3" if vr == "UI" else f"ZQ{count:05d}XV"
                here.put(tag, vr, text + ("\0" if vr == "UI" and len(text) % 2 else ""))
                needles.append(Needle(here.place(tag), "canary", text))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "canaries.dcm").write_bytes(encode(ground.dataset, syntax, wrapping))
    return tuple(needles)
