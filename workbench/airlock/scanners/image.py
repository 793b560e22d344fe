"""The check of an offered picture: what its file holds beside what is seen, and whether a scan is seen.

Runs in: anywhere
Source: PNG 3rd edition, chapter 5 (chunks); ITU-T T.81 annex B (JPEG markers); RFC 9649 (WebP); TIFF 6.0.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from workbench.airlock.findings import Finding, Hit
from workbench.airlock.scanners.markup import hits_in_markup
from workbench.airlock.scanners.pdf import hits_in_pdf
from workbench.airlock.scanners.pixels import hits_in_picture
from workbench.airlock.scanners.prose import hits_in_text

FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
PNG_SEEN = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"pHYs", b"cHRM", b"bKGD", b"sBIT"}
PNG_FRAMES = {b"acTL", b"fcTL", b"fdAT"}
WEBP_SEEN = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
# TIFF tags that say how the pixels are laid out; every other is a text, a thumbnail or a private block.
TIFF_SEEN = {*range(254, 260), 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296, 317, 320, 338, 339}
TIFF_SLACK = 4096
PLAIN_SOFTWARE = "Matplotlib version"


def scan_image(name: str, content: bytes) -> list[Finding]:
    """Check one picture.

    Raises
    ------
    ValueError
        When it is not what its name says.
    """
    suffix = "." + name.rsplit(".", 1)[-1].lower()
    if suffix == ".svg":
        return [hit.at(name, "drawing") for hit in hits_in_svg(content)]
    if suffix == ".pdf":
        return [hit.at(name, "document") for hit in hits_in_pdf(content)]
    with Image.open(io.BytesIO(content)) as picture:
        if picture.format != FORMATS[suffix]:
            raise ValueError("another format than its name says")
    return [hit.at(name, "picture") for hit in hits_in_raster(content)]


def hits_in_svg(content: bytes) -> list[Hit]:
    """Find what an SVG file carries; it must be plain text without a document type."""
    text = content.decode("utf-8")
    if "<svg" not in text[:4000]:
        raise ValueError("no drawing")
    if "<!ENTITY" in text or "<!ATTLIST" in text:
        return [Hit("active-content", "A document type of its own, which can hide content; save the drawing again.")]
    return hits_in_markup(text)


def hits_in_raster(content: bytes) -> list[Hit]:
    """Find what the file of a picture of pixels carries; several of one rule are told once."""
    hits = [*hits_in_container(content), *hits_in_picture(content)]
    return list({(hit.rule, hit.place): hit for hit in hits}.values())


def hits_in_container(content: bytes) -> list[Hit]:
    """Find what stands in a picture's file beside its one picture."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        walk = _png(content)
    elif content.startswith(b"\xff\xd8"):
        walk = _jpeg(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        walk = _webp(content)
    elif content[:4] in (b"II*\x00", b"MM\x00*"):
        walk = _tiff(content)
    else:
        return [Hit("unknown-format", "A picture of a kind that nobody checks; save it as PNG.")]
    try:
        return list(walk)
    except (struct.error, IndexError, zlib.error, UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return [Hit("unreadable", "A picture whose file is damaged, so nobody can judge it; save it again.")]


def _png(content: bytes) -> Iterator[Hit]:
    at, packed = 8, bytearray()
    kind = b""
    while kind != b"IEND":
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + size]
        if kind == b"IDAT":
            packed += body
        elif kind in PNG_FRAMES:
            yield Hit("extra-frames", "More than one frame; save the one that is meant.")
        elif kind == b"tEXt" and body.startswith(b"Software\0" + PLAIN_SOFTWARE.encode()) and len(body) < 100:
            pass
        elif kind not in PNG_SEEN:
            yield _metadata(_label(kind, body), body)
        at += 12 + size
    if len(content) > at:
        yield _trailing(len(content) - at)
    inflate = zlib.decompressobj()
    inflate.decompress(bytes(packed))
    if inflate.unused_data:
        yield _trailing(len(inflate.unused_data))


def _label(kind: bytes, body: bytes) -> str:
    word = body.split(b"\0", 1)[0] if kind in (b"tEXt", b"zTXt", b"iTXt") else kind
    text = word.decode("latin-1")
    return text if text.isalnum() and len(text) <= 30 else kind.decode("latin-1")


def _jpeg(content: bytes) -> Iterator[Hit]:
    at = 2
    while True:
        marker, size = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if content[at] != 0xFF:
            raise ValueError("no marker")
        body = content[at + 4 : at + 2 + size]
        if marker == 0xFE or (0xE1 <= marker <= 0xEF and marker != 0xEE):
            yield _metadata("comment" if marker == 0xFE else f"APP{marker - 0xE0}", body)
        if marker == 0xE0 and len(body) > 14:
            yield _metadata("thumbnail", body)
        at += 2 + size
        if marker == 0xDA:
            at = scan_end(content, at)
            if content[at + 1] == 0xD9:
                break
    if len(content) > at + 2:
        yield _trailing(len(content) - at - 2)


def scan_end(content: bytes, at: int) -> int:
    """Give where the next marker stands behind the entropy-coded data of a JPEG that begin at `at`."""
    while True:
        at = content.index(b"\xff", at)
        if content[at + 1] != 0 and not 0xD0 <= content[at + 1] <= 0xD7:
            return at
        at += 2


def _webp(content: bytes) -> Iterator[Hit]:
    end = 8 + struct.unpack("<I", content[4:8])[0]
    at = 12
    while at + 8 <= min(end, len(content)):
        kind, size = struct.unpack("<4sI", content[at : at + 8])
        if kind in (b"ANIM", b"ANMF"):
            yield Hit("extra-frames", "More than one frame; save the one that is meant.")
        elif kind not in WEBP_SEEN:
            yield _metadata(kind.decode("latin-1").strip(), content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    if len(content) > end + end % 2:
        yield _trailing(len(content) - end)


def _tiff(content: bytes) -> Iterator[Hit]:
    with Image.open(io.BytesIO(content)) as picture:
        frames = getattr(picture, "n_frames", 1)
        tags = dict(getattr(picture, "tag_v2", {}))
    if frames > 1 or 330 in tags:
        yield Hit("extra-frames", f"{frames} pictures in one file; save the one that is meant.")
    for tag in sorted(set(tags) - TIFF_SEEN):
        yield _metadata(f"tag {tag}", str(tags[tag]).encode()[:10_000])
    sizes = tags.get(279, ())
    used = sum(sizes if isinstance(sizes, tuple) else (sizes,))
    if len(content) - used > TIFF_SLACK + 16 * len(tags.get(273, ())):
        yield _trailing(len(content) - used)


def _metadata(label: str, body: bytes) -> Hit:
    text = body.decode("latin-1")
    worse = any(hit.rule in ("identifier", "row-level-table") for hit in hits_in_text(text[:100_000]))
    more = " that names a person" if worse else ""
    return Hit(
        "metadata",
        f"Metadata{more}, not seen in the picture; it is taken out when the file is offered.",
        "look",
        f"metadata “{label}”",
    )


def _trailing(count: int) -> Hit:
    return Hit("trailing-bytes", f"{count:,} bytes behind the picture, which nobody sees; save the picture again.")
