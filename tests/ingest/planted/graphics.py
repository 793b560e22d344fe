"""Identifiers in repeating groups, icons, tables, profiles, padding and embedded documents: places that hold bytes."""

from __future__ import annotations

from planted.pieces import Ground


def plant_graphics(ground: Ground) -> None:
    """Plant in overlays, curves and binary elements."""
    for group in (0x6000, 0x601E):
        _plant_overlay(ground, group)
    for group in (0x5000, 0x5002):
        _plant_curve(ground, group)
    _bytes(ground, "ICCProfile", "OB", b"acsp", 128)
    _bytes(ground, "EncapsulatedDocument", "OB", b"%PDF-1.4 ", 64)
    _bytes(ground, "RedPaletteColorLookupTableData", "OW", b"", 32)
    _bytes(ground, "SelectorOBValue", "OB", b"", 32)
    _bytes(ground, 0xFFFCFFFC, "OB", b"\0\0", 64)
    icon = ground.item("IconImageSequence")
    name = icon.mint.name(icon.place("PixelData"))
    for keyword, value in (("Rows", b"\x04\0"), ("Columns", b"\x04\0"), ("BitsAllocated", b"\x08\0")):
        icon.put(keyword, "US", value)
    icon.put("PixelData", "OB", name.encode().ljust(16, b"\0"), name)


def _plant_overlay(ground: Ground, group: int) -> None:
    base, mint = group << 16, ground.mint
    for element, vr, value in (
        (0x0010, "US", b"\x10\0"), (0x0011, "US", b"\x10\0"), (0x0040, "CS", "G"), (0x0050, "SS", b"\1\0\1\0"),
        (0x0100, "US", b"\1\0"), (0x0102, "US", b"\0\0"),
    ):  # fmt: skip
        ground.put(base | element, vr, value)
    for element in (0x0022, 0x0045, 0x1500, 0x0800):
        name = mint.name(f"overlay {group:04X},{element:04X}")
        ground.put(base | element, "LO", name, name)
    name = mint.name(f"overlay {group:04X} data")
    ground.put(base | 0x3000, "OW", name.encode().ljust(32, b"\0"), name)
    comment = mint.name(f"overlay {group:04X} comment")
    ground.put(base | 0x4000, "LT", comment, comment)


def _plant_curve(ground: Ground, group: int) -> None:
    base, mint = group << 16, ground.mint
    ground.put(base | 0x0005, "US", b"\1\0")
    for element, vr in ((0x0022, "LO"), (0x2500, "LO"), (0x2600, "SH"), (0x0030, "SH")):
        name = mint.name(f"curve {group:04X},{element:04X}")
        ground.put(base | element, vr, name, name)
    for element, vr in ((0x3000, "OW"), (0x200C, "OB")):
        name = mint.name(f"curve {group:04X},{element:04X}")
        ground.put(base | element, vr, name.encode().ljust(32, b"\0"), name)


def _bytes(ground: Ground, tag: int | str, vr: str, before: bytes, size: int) -> None:
    name = ground.mint.name(ground.place(tag))
    ground.put(tag, vr, before + name.encode().ljust(size - len(before), b"\0"), name)
