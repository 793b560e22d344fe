"""The colour of a label: the same value has the same colour in every picture, widget and process.

The same rule as `extensions/ct-viewer/src/palette.ts`, in whole numbers only, so that both agree to the last bit.

Runs in: anywhere
Source: M. Okabe and K. Ito, "Color Universal Design", University of Tokyo, 2002 (jfly.uni-koeln.de/color), for the
first seven, without their black; ITU-R BT.709-6 section 3, item 3.2, for the weights of the luma.
"""

from __future__ import annotations

from workbench.errors import InvalidInput

Colour = tuple[int, int, int]

LARGEST_VALUE = 65535
BACKGROUND: Colour = (0, 0, 0)
# Orange, sky blue, bluish green, yellow, blue, vermillion, reddish purple.
FIRST: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip
# Steps of the golden ratio around the circle of hues, in 1/65536, keep neighbours far apart for any number of labels.
HUE_STEP = 40503
# Lightness tells two colours apart where hue does not, so neighbours never share one of these (0 to 255).
LUMAS = (176, 96, 216, 136, 72)
# BT.709 weights of red, green and blue in 1/256.
RED, GREEN, BLUE = 54, 183, 19


def colour(value: int) -> Colour:
    """Give the colour of a label value.

    Parameters
    ----------
    value : int
        1 to 65535; 0 is background and black.

    Returns
    -------
    tuple of 3 int
        Red, green, blue, 0 to 255.

    Raises
    ------
    InvalidInput
        When the value is not a whole number from 0 to 65535.

    Examples
    --------
    >>> colour(1), colour(8)
    ((230, 159, 0), (255, 155, 155))
    """
    if isinstance(value, bool) or value != int(value) or not 0 <= value <= LARGEST_VALUE:
        raise InvalidInput(f"There is no colour for the label value {value!r}; values are 0 to {LARGEST_VALUE}.")
    number = int(value)
    if number <= len(FIRST):
        return FIRST[number - 1] if number else BACKGROUND
    later = number - len(FIRST) - 1
    return _with_luma(_full_hue(later * HUE_STEP % 65536), LUMAS[later % len(LUMAS)])


def hex_colour(value: int) -> str:
    """Give the colour of a label value as a browser writes it, such as ``#e69f00``."""
    return "#" + "".join(f"{part:02x}" for part in colour(value))


def _full_hue(hue: int) -> Colour:
    """Give the fully saturated colour of a hue, 0 to 65535 around the circle from red over green and blue."""
    sixth, within = divmod(hue * 6, 65536)
    up = within // 256
    down = 255 - up
    return (
        (255, up, 0), (down, 255, 0), (0, 255, up), (0, down, 255), (up, 0, 255), (255, 0, down),
    )[sixth]  # fmt: skip


def _with_luma(full: Colour, wanted: int) -> Colour:
    """Mix a colour with black or white until it has a luma, 0 to 255."""
    red, green, blue = full
    luma = (RED * red + GREEN * green + BLUE * blue) // 256
    if luma >= wanted:
        return red * wanted // luma, green * wanted // luma, blue * wanted // luma
    add, room = wanted - luma, 255 - luma
    return (
        red + (255 - red) * add // room, green + (255 - green) * add // room, blue + (255 - blue) * add // room,
    )  # fmt: skip
