/**
 * Colours for a volume that lies over another one.
 * Source: “inferno” of N. Smith and S. van der Walt, matplotlib 2.0 (2015, CC0): perceptually uniform, readable with
 * every kind of colour blindness and in grey. Every fifth of its 256 colours; between them the error is at most 1.
 */
const STEP = 5;
const INFERNO = (
  '000004 02020c 050417 0a0722 10092d 160b39 1e0c45 260c51 2f0a5b 380962 400a67 490b6a 510e6c 59106e 61136e 69166e ' +
  '71196e 781c6d 801f6c 88226a 902568 982766 a02a63 a82e5f b0315b b73557 bf3952 c63d4d cc4248 d34743 d94d3d df5337 ' +
  'e45a31 e9612b ed6925 f1711f f47918 f78212 f98b0b fa9407 fb9d07 fca60c fcb014 fbba1f fac42a f8cd37 f6d746 f4e156 ' +
  'f2ea69 f2f27d f5f992 fcffa4'
).split(' ').map(text => Number.parseInt(text, 16));

/** The hot colour of a grey (0 to 255) as a pixel without its alpha: blue, green, red from the highest byte down. */
export function hot(grey: number): number {
  const first = Math.min(Math.floor(grey / STEP), INFERNO.length - 2);
  const share = grey / STEP - first;
  const mixed = [0, 8, 16].map(shift => {
    const low = (INFERNO[first] >> shift) & 255;
    const high = (INFERNO[first + 1] >> shift) & 255;
    return Math.round(low + (high - low) * share);
  });
  return (mixed[0] << 16) | (mixed[1] << 8) | mixed[2];
}
