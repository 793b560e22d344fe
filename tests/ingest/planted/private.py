"""Identifiers in private elements: known and unknown creators, no creator at all, a vendor's blob, a whole sequence."""

from __future__ import annotations

import struct

from planted.pieces import Ground

# A creator that vendors write, one private element of theirs, and the VR it has in their tables.
CREATORS = (
    (0x0009, "GEMS_IDEN_01", 0x02, "SH"), (0x0009, "GEMS_IDEN_01", 0x27, "LO"),
    (0x0019, "SIEMENS CT VA0  COAD", 0x90, "LO"), (0x0021, "SIEMENS MED", 0x10, "ST"),
    (0x0043, "GEMS_PARM_01", 0x28, "OB"), (0x01E1, "ELSCINT1", 0x18, "LO"),
    (0x2001, "Philips Imaging DD 001", 0x0C, "UN"), (0x7005, "TOSHIBA_MEC_CT3", 0x0B, "LT"),
)  # fmt: skip


def plant_private(ground: Ground) -> None:
    """Plant in private elements of the dataset."""
    mint = ground.mint
    for group, creator, element, vr in CREATORS:
        tag = (group << 16) | 0x1000 | element
        name = mint.name(ground.place(tag))
        ground.put((group << 16) | 0x0010, "LO", creator)
        ground.put(tag, vr, name.encode("utf-16-le") if vr == "UN" else name, name)
    owner = mint.name("private creator")
    ground.put(0x00110010, "LO", f"ACME {owner}", owner)
    orphan = mint.name("private element without a creator")
    ground.put(0x00130001, "LO", orphan, orphan)
    ground.put(0x00151101, "PN", mint.name("private element of no block"))
    _plant_csa(ground)
    _plant_sequence(ground)


def _plant_csa(ground: Ground) -> None:
    ground.put(0x00290010, "LO", "SIEMENS CSA HEADER")
    name, record, day = (make("CSA header") for make in (ground.mint.name, ground.mint.number, ground.mint.day))
    entries = {"PatientName": name, "PatientID": record, "tReferenceImage0": f"1.3.12.2.{record}", "Date": day}
    ground.put(0x00291008, "CS", "IMAGE NUM 4")
    ground.put(0x00291010, "OB", csa_header(entries), name, record, day)
    protocol = ground.mint.name("CSA protocol")
    ascii_part = f'### ASCCONV BEGIN ###\ntPatientName = "{protocol}"\n### ASCCONV END ###\n'
    ground.put(0x00291020, "OB", csa_header({"MrPhoenixProtocol": ascii_part}), protocol)


def _plant_sequence(ground: Ground) -> None:
    ground.put(0x00410010, "LO", "INTEGRIS 1.0")
    inner = ground.item(0x00411001)
    for _ in range(3):
        name = inner.mint.name(inner.place("PatientName"))
        inner.put("PatientName", "PN", name, name)
        number = inner.mint.number(inner.place(0x00411002))
        inner.put(0x00410010, "LO", "INTEGRIS 1.0")
        inner.put(0x00411002, "UN", number, number)
        inner = inner.item(0x00411001)
    inner.put("Modality", "CS", "OT")


def csa_header(entries: dict[str, str]) -> bytes:
    """Give a Siemens CSA2 header: tags of 64-byte names, each with padded items.

    Source: nibabel's description of the CSA format (nipy.org/nibabel/dicom/siemens_csa.html).
    """
    parts = [b"SV10\4\3\2\1", struct.pack("<II", len(entries), 77)]
    for name, text in entries.items():
        value = text.encode() + b"\0"
        parts.append(struct.pack("<64si4siii", name.encode(), 1, b"LO\0\0", 19, 1, 77))
        parts.append(struct.pack("<iiii", len(value), len(value), 77, len(value)))
        parts.append(value + b"\0" * (-len(value) % 4))
    return b"".join(parts)
