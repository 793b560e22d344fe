"""Pixels against the source's, and writing in pixels that nobody cleared.

Runs in: ingest host
Source: DICOM PS3.15 2026c E.3.1 (Clean Pixel Data Option); PS3.3 2026c C.7.6.1.1.2 (Image Type).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.ingest.verify.facts import Facts
from workbench.ingest.verify.findings import Finding

IMAGE_TYPE, BURNED_IN, CONVERSION, PHOTOMETRIC = 0x00080008, 0x00280301, 0x00080064, 0x00280004
# Cross-sections come from the scanner as numbers; labels and doses hold no picture; everything else may be a picture.
CROSS_SECTIONS = frozenset(("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "128", "128.1", "130"))
NO_PICTURES = frozenset(("66.4", "66.5", "66.7", "481.2", "481.3", "481.5", "4.2"))
STORAGE = "1.2.840.10008.5.1.4.1.1."
WRITTEN_ON = ("LOCALIZER", "SCOUT", "SCREEN", "CAPTURE", "REPORT", "DOSE", "PROTOCOL")
# Writing stands on every frame, on the first, or on the last; each frame costs a second.
MOST_FRAMES = 3
MISSING_OCR = "Writing in pixels was not looked for: tesseract is not installed."


def check_pixels(found: Sequence[tuple[Facts, Facts]], out: Path, against: Path) -> Iterator[Finding]:
    """Find outputs whose pixels are not the source's, though no mask is recorded."""
    for source, output in found:
        if output.extra:
            yield Finding(output.name, "pixels", output.extra)
        if source.digest == output.digest and source.has_pixels == output.has_pixels:
            continue
        if output.is_cleared and source.has_pixels and source.shape == output.shape:
            continue
        is_recoded = source.syntax != output.syntax and source.has_pixels and output.has_pixels
        if not (is_recoded and _is_equal_decoded(against / source.name, out / output.name)):
            yield Finding(output.name, "pixels" if output.has_pixels else "(7FE0,0010)", "pixels-changed")


def may_carry_text(facts: Facts) -> bool:
    """Whether the pixels are of a kind that writing is burned into."""
    kind = facts.sop_class.removeprefix(STORAGE)
    if not facts.has_pixels or kind in NO_PICTURES:
        return False
    image_type = facts.texts.get(IMAGE_TYPE, "").upper()
    return (
        kind not in CROSS_SECTIONS
        or facts.texts.get(BURNED_IN) == "YES"
        or bool(facts.texts.get(CONVERSION))
        or not facts.texts.get(PHOTOMETRIC, "").startswith("MONO")
        or any(word in image_type for word in WRITTEN_ON)
    )


def check_text(
    found: Sequence[tuple[Facts | None, Facts]], out: Path, notes: list[str]
) -> Iterator[Finding]:  # fmt: skip
    """Find writing in pixels that can carry it and are not marked as cleared.

    The source's header is asked too, because de-identification may have taken the word that tells.
    """
    wanted = [
        output for source, output in found
        if not output.is_cleared and (may_carry_text(output) or (source is not None and may_carry_text(source)))
    ]  # fmt: skip
    if wanted and shutil.which("tesseract") is None:
        notes.append(MISSING_OCR)
        return
    for one in wanted:
        frames = _frames(out / one.name)
        if frames is None:
            notes.append("The pixels of a file could not be decoded, so writing in them was not looked for.")
        elif any(_has_text(frame) for frame in frames):
            yield Finding(one.name, "pixels", "text-in-pixels")


def _has_text(frame: Any) -> bool:
    from workbench.ingest.burned_in.finder import find_text  # noqa: PLC0415 - heavy, loaded on first use

    return bool(find_text(frame))


def _frames(path: Path) -> list[Any] | None:
    """Give up to three decoded frames."""
    from pydicom import dcmread  # noqa: PLC0415 - a decoder, not this room's reader; loaded on first use
    from pydicom.pixels.utils import iter_pixels  # noqa: PLC0415 - as above

    from workbench.ingest.silence import silent_pydicom  # noqa: PLC0415 - imports pydicom

    with silent_pydicom():
        try:
            count = int(dcmread(path, stop_before_pixels=True).get("NumberOfFrames") or 1)
            wanted = sorted({0, count // 2, count - 1})[:MOST_FRAMES]
            return list(iter_pixels(path, indices=wanted))
        except (ValueError, TypeError, AttributeError, RuntimeError, NotImplementedError, KeyError, OSError):
            return None


def _is_equal_decoded(source: Path, output: Path) -> bool:
    from pydicom import dcmread  # noqa: PLC0415 - as above

    from workbench.ingest.silence import silent_pydicom  # noqa: PLC0415 - imports pydicom

    with silent_pydicom():
        try:
            return bool((dcmread(source).pixel_array == dcmread(output).pixel_array).all())
        except (ValueError, TypeError, AttributeError, RuntimeError, NotImplementedError, KeyError, OSError):
            return False
