/**
 * The colour of a label value, as workbench/viewer/palette.py gives it: whole numbers only, so both agree exactly.
 * Source: M. Okabe and K. Ito, "Color Universal Design", 2002 (the first seven, without black); ITU-R BT.709-6 (luma).
 */
type Colour = readonly [number, number, number];

const LARGEST_VALUE = 65535;
const BACKGROUND: Colour = [0, 0, 0];
// Orange, sky blue, bluish green, yellow, blue, vermillion, reddish purple.
const FIRST: readonly Colour[] = [
  [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167]
];
// Steps of the golden ratio around the circle of hues, in 1/65536, keep neighbours far apart for any number of labels.
const HUE_STEP = 40503;
// Lightness tells two colours apart where hue does not, so neighbours never share one of these.
const LUMAS = [176, 96, 216, 136, 72];
const [RED, GREEN, BLUE] = [54, 183, 19];

/** Give red, green and blue, 0 to 255, of a label value from 0 (background, black) to 65535. */
export function partsOf(value: number): Colour {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST_VALUE) {
    throw new RangeError(`There is no colour for the label value ${value}; values are 0 to ${LARGEST_VALUE}.`);
  }
  if (value <= FIRST.length) {
    return value === 0 ? BACKGROUND : FIRST[value - 1];
  }
  const later = value - FIRST.length - 1;
  return withLuma(fullHue((later * HUE_STEP) % 65536), LUMAS[later % LUMAS.length]);
}

/** Give the colour of a label value as '#rrggbb'. */
export function colourOf(value: number): string {
  return '#' + partsOf(value).map(part => part.toString(16).padStart(2, '0')).join('');
}

function fullHue(hue: number): Colour {
  const sixth = Math.floor((hue * 6) / 65536);
  const up = Math.floor(((hue * 6) % 65536) / 256);
  const down = 255 - up;
  const sixths: Colour[] = [[255, up, 0], [down, 255, 0], [0, 255, up], [0, down, 255], [up, 0, 255], [255, 0, down]];
  return sixths[sixth];
}

function withLuma(full: Colour, wanted: number): Colour {
  const luma = Math.floor((RED * full[0] + GREEN * full[1] + BLUE * full[2]) / 256);
  const mixed =
    luma >= wanted
      ? full.map(part => Math.floor((part * wanted) / luma))
      : full.map(part => part + Math.floor(((255 - part) * (wanted - luma)) / (255 - luma)));
  return [mixed[0], mixed[1], mixed[2]];
}
