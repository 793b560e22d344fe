"""The form in which a picture leaves: its pixels and nothing else.

Runs in: anywhere
Source: as `scanners/image.py`.
"""

from __future__ import annotations

import io
import re
import struct
from typing import Any

import numpy as np
from PIL import Image

from workbench.airlock.scanners.image import hits_in_container, scan_end
from workbench.airlock.scanners.pdf import clean_pdf
from workbench.airlock.scanners.pixels import hides_under_alpha

MANY_ASIDES = 100
_SVG_ASIDES = re.compile(r"<metadata\b.*?</metadata\s*>|<!--.*?-->|<desc\b.*?</desc\s*>|<!DOCTYPE[^>\[]*>", re.S | re.I)


def clean_image(content: bytes) -> bytes:
    """Give the same picture without metadata; a file that hides more than metadata comes back unchanged, to be refused.

    PNG, WebP and TIFF are written again from their pixels, transparency laid on white; of a JPEG the segments with
    metadata are cut out and the picture stays bit for bit; of SVG and PDF what says who and when is taken out.

    Examples
    --------
    >>> from PIL.PngImagePlugin import PngInfo
    >>> said, file = PngInfo(), io.BytesIO()
    >>> said.add_text("Comment", "Doe^Jane")
    >>> Image.new("L", (4, 4)).save(file, "png", pnginfo=said)
    >>> b"Doe" in clean_image(file.getvalue())
    False
    """
    if content.startswith(b"%PDF-"):
        return clean_pdf(content)
    if b"<svg" in content[:4000]:
        if content.lower().count(b"<metadata") + content.count(b"<!--") + content.lower().count(b"<desc") > MANY_ASIDES:
            return content
        return _SVG_ASIDES.sub("", content.decode("utf-8")).encode()
    if any(hit.severity == "stop" for hit in hits_in_container(content)):
        return content
    return _cut(content) if content.startswith(b"\xff\xd8") else _written_again(content)


def _written_again(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        if picture.mode not in ("L", "1", "P", "RGB", "RGBA", "LA", "PA"):
            return content
        kind = str(picture.format)
        shown = picture.convert("RGBA")
    if hides_under_alpha(np.asarray(shown)):
        return content
    ground = Image.new("RGBA", shown.size, "white")
    ground.alpha_composite(shown)
    file = io.BytesIO()
    options: dict[str, dict[str, Any]] = {
        "PNG": {"optimize": True},
        "WEBP": {"lossless": True},
        "TIFF": {"compression": "tiff_lzw"},
    }
    ground.convert("RGB").save(file, kind, **options[kind])
    return file.getvalue()


def _cut(content: bytes) -> bytes:
    """Keep of a JPEG what decodes it: JFIF's and Adobe's marks without thumbnails, tables, frame and scans."""
    kept, at = bytearray(content[:2]), 2
    while True:
        marker, size = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        end = at + 2 + size
        if marker == 0xE0:
            kept += b"\xff\xe0\x00\x10" + content[at + 4 : at + 16] + b"\x00\x00"
        elif marker == 0xEE or not (0xE1 <= marker <= 0xEF or marker == 0xFE):
            kept += content[at:end]
        at = end
        if marker == 0xDA:
            at = scan_end(content, end)
            kept += content[end:at]
            if content[at + 1] == 0xD9:
                return bytes(kept + b"\xff\xd9")
