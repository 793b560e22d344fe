"""Two pictures of the same thing compared: each drawn anew, and a third that shows where they differ.

Runs in: Jupyter server
"""

from __future__ import annotations

import base64
import io
from typing import Any

MOST_PIXELS = 40_000_000
# What is the same stays as a pale ground, so that a difference can be found in the picture.
PALENESS = 0.75
RED = (200, 0, 60)
# The smallest difference that there is must be seen too.
FAINTEST = 0.45


def redrawn(content: bytes) -> str | None:
    """Give a picture as PNG in base64, decoded and drawn again; None when it is none."""
    picture = _opened(content)
    return None if picture is None else _png(picture)


def compare_pictures(first: bytes, second: bytes) -> dict[str, Any]:
    """Compare two pictures pixel by pixel.

    Returns
    -------
    dict
        `first`, `second` and `difference` as PNG in base64 (None where there is none), `changed` (share of the pixels
        that differ, 0 to 1), `largest` (largest difference of a colour, 0 to 1) and `is_same`; sizes that differ
        leave `difference`, `changed` and `largest` None.
    """
    import numpy as np  # noqa: PLC0415 - heavy, loaded on first use
    from PIL import Image  # noqa: PLC0415 - the same

    one, other = _opened(first), _opened(second)
    shown = {"first": one and _png(one), "second": other and _png(other)}
    if one is None or other is None or one.size != other.size:
        return {**shown, "difference": None, "changed": None, "largest": None, "is_same": first == second}
    before, after = (np.asarray(picture, dtype=np.int16) for picture in (one, other))
    apart = np.abs(before - after).max(axis=2)
    strength = np.where(apart > 0, np.maximum(apart / 255, FAINTEST), 0.0)[..., None]
    ground = 255 - (255 - before.mean(axis=2, keepdims=True)) * (1 - PALENESS)
    drawn = ground * (1 - strength) + np.array(RED) * strength
    return {
        **shown,
        "difference": _png(Image.fromarray(drawn.round().astype(np.uint8))),
        "changed": float((apart > 0).mean()),
        "largest": float(apart.max() / 255),
        "is_same": not apart.any(),
    }


def _opened(content: bytes) -> Any:
    """Give a picture in three colours on white, or None when it cannot be read or is far too large."""
    from PIL import Image  # noqa: PLC0415 - heavy, loaded on first use

    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            whole = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    ground = Image.new("RGBA", whole.size, "white")
    ground.alpha_composite(whole)
    return ground.convert("RGB")


def _png(picture: Any) -> str:
    drawn = io.BytesIO()
    picture.save(drawn, "PNG")
    return base64.b64encode(drawn.getvalue()).decode()
