"""A picture leaves with its pixels alone, and what hides in its file or shows a scan is found."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.airlock.scanners.leaks import CSV, body, figure
from workbench.airlock.findings import Finding
from workbench.airlock.scan import scan_file
from workbench.airlock.scanners.cleaning import clean_image
from workbench.errors import InvalidInput

HIDDEN = "Doe^Jane"


def plot(kind: str = "png", **options: Any) -> bytes:
    return figure(lambda axes: axes.plot(np.linspace(0, 1, 40) ** 0.3), kind, **options)


def picture(kind: str, size: int = 64, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), "white").save(file, kind, **options)
    return file.getvalue()


def commented() -> bytes:
    info = PngInfo()
    info.add_text("Comment", HIDDEN, zip=False)
    info.add_itxt("XML:com.adobe.xmp", HIDDEN)
    return picture("png", pnginfo=info)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def transparent(hidden: np.ndarray[Any, Any]) -> bytes:
    planes = np.zeros((*hidden.shape, 4), np.uint8)
    planes[..., :3] = hidden[..., None]
    file = io.BytesIO()
    Image.fromarray(planes).save(file, "png")
    return file.getvalue()


def exif() -> bytes:
    facts = Image.Exif()
    facts[0x010E] = HIDDEN
    return facts.tobytes()


FRAMES = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
PNG, JPEG, WEBP, TIFF = picture("png"), picture("jpeg"), picture("webp"), picture("tiff")
WITH_METADATA = {
    "a.png": commented(),
    "a.jpg": picture("jpeg", exif=exif(), comment=HIDDEN.encode()),
    "a.webp": picture("webp", exif=exif()),
    "a.tif": picture("tiff", description=HIDDEN),
    "a.pdf": plot("pdf", metadata={"Author": HIDDEN, "Title": HIDDEN}),
    "a.svg": plot("svg", metadata={"Creator": HIDDEN}),
}
HIDING = {
    "tail of a PNG": ("a.png", PNG + CSV.encode(), "trailing-bytes"),
    "tail of a JPEG": ("a.jpg", JPEG + CSV.encode(), "trailing-bytes"),
    "tail of a WebP": ("a.webp", WEBP + CSV.encode(), "trailing-bytes"),
    "tail of a TIFF": ("a.tif", TIFF + CSV.encode() * 20, "trailing-bytes"),
    "tail of a PDF": ("a.pdf", plot("pdf") + CSV.encode(), "trailing-bytes"),
    "tail of the pixels": ("a.png", PNG[:-12] + chunk(b"IDAT", CSV.encode()) + PNG[-12:], "trailing-bytes"),
    "frames of a PNG": ("a.png", picture("png", save_all=True, append_images=FRAMES), "extra-frames"),
    "frames of a WebP": ("a.webp", picture("webp", save_all=True, append_images=FRAMES), "extra-frames"),
    "frames of a TIFF": ("a.tif", picture("tiff", save_all=True, append_images=FRAMES), "extra-frames"),
    "under transparency": ("a.png", transparent(body()), "hidden-alpha"),
    "16 bits": ("a.png", b"", "deep-pixels"),
    "script in an SVG": ("a.svg", b"<svg><script>1</script></svg>", "active-content"),
    "entity in an SVG": ("a.svg", b'<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>', "active-content"),
    "script in a PDF": ("a.pdf", plot("pdf").replace(b"/Catalog", b"/Catalog /OpenAction 1 0 R"), "active-content"),
    "revision of a PDF": ("a.pdf", plot("pdf") * 2, "revisions"),
    "points of a PDF": ("a.pdf", figure(lambda axes: axes.plot(range(60), "o"), "pdf"), "plot-data"),
    "scan in a PDF": ("a.pdf", figure(lambda axes: axes.imshow(body(), cmap="gray"), "pdf"), "subject-pixels"),
}  # fmt: skip


def stops(name: str, content: bytes) -> list[Finding]:
    return [finding for finding in scan_file(name, content) if finding.is_stop]


@pytest.mark.parametrize("name", WITH_METADATA)
def test_metadata_are_told_and_do_not_leave(name: str) -> None:
    content = WITH_METADATA[name]
    cleaned = clean_image(content)
    assert HIDDEN.encode() in content or name == "a.pdf"
    assert HIDDEN.encode() not in cleaned
    assert stops(name, cleaned) == []
    assert not any(finding.rule == "metadata" for finding in scan_file(name, cleaned))


@pytest.mark.parametrize("case", HIDING)
def test_what_a_picture_hides_is_found_and_not_cleaned_away_in_silence(case: str) -> None:
    name, content, rule = HIDING[case]
    if case == "16 bits":
        file = io.BytesIO()
        Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)).save(file, "png")
        content = file.getvalue()
    assert rule in {finding.rule for finding in stops(name, clean_image(content))}


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "svg", "pdf"])
def test_a_curve_passes_in_every_format(kind: str) -> None:
    assert stops(f"a.{kind}", clean_image(plot(kind))) == []


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif"])
def test_cleaning_keeps_every_pixel(kind: str) -> None:
    content = plot(kind)
    before, after = (
        np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in (content, clean_image(content))
    )
    assert np.array_equal(before, after)


def test_cleaning_twice_changes_nothing() -> None:
    once = clean_image(commented())
    assert clean_image(once) == once


@pytest.mark.parametrize(
    ("name", "content"), [("a.jpg", PNG), ("a.png", b"not"), ("a.png", PNG[:60]), ("a.svg", b"<p>")]
)
def test_what_is_no_such_picture_is_refused(name: str, content: bytes) -> None:
    try:
        assert stops(name, content)
    except InvalidInput as refused:
        assert "not a readable image" in refused.message
