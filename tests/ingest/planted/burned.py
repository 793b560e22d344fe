"""Text burned into pixels, as ultrasound machines and secondary captures do."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

Box = tuple[int, int, int, int]
INK = 255
MARGIN = 6


def burn(dataset: Dataset, text: str) -> tuple[Box, ...]:
    """Write a text into the pixels of an 8-bit image and give its box (top, left, bottom, right)."""
    shape = int(dataset.Rows), int(dataset.Columns)
    image = Image.fromarray(np.frombuffer(dataset.PixelData, np.uint8).reshape(shape).copy())
    letters = max(10, min(22, shape[1] // max(len(text), 1) * 3 // 2))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=letters)
    left, top, right, bottom = (int(edge) for edge in pen.textbbox((MARGIN, MARGIN), text, font=font))
    pen.text((MARGIN, MARGIN), text, fill=INK, font=font)
    dataset["PixelData"].value = np.asarray(image).tobytes()
    return ((top, left, min(bottom, shape[0]), min(right, shape[1])),)
