/** One label slice as colours in its own pixels, and the edges of its regions as lines at the screen's resolution. */
import { penOf } from './pens';
import type { Camera } from './camera';
import { colourOf, partsOf } from './palette';
import type { Slice } from './slices';
import type { LabelLayer } from './types';

const VALUES = 65536;
const EDGE_PX = 1.25;
const OUTLINE_PX = 2;
// Where the region lies as seen from its edge: below, above, right of it, left of it (columns, rows).
const INWARDS: readonly [number, number][] = [[0, 1], [0, -1], [1, 0], [-1, 0]];

/** What the values of a layer look like, remade only when the layer changes. */
export class LabelStyle {
  /** Red, green, blue, opaque, as ImageData has them in a Uint32Array; 0 where nothing is drawn. */
  readonly pixels = new Uint32Array(VALUES);
  private readonly colours = new Map<number, string>();

  constructor(readonly layer: LabelLayer) {
    const drawsRest = layer.rest > 0 && layer.rest_visible;
    for (let value = 1; drawsRest && value < VALUES; value++) {
      this.pixels[value] = packed(...partsOf(value));
    }
    for (const { value, colour, visible } of layer.segments) {
      this.pixels[value] = visible ? packed(...rgb(colour)) : 0;
      this.colours.set(value, colour);
    }
  }

  colour(value: number): string {
    return this.colours.get(value) ?? colourOf(value);
  }
}

/** A canvas with one painted slice, and the edges in it; kept until another slice or another look is wanted. */
export class LabelPicture {
  readonly canvas = document.createElement('canvas');
  private painted: { slice: Slice; style: LabelStyle } | null = null;
  private edges: Map<number, Path2D[]> | null = null;

  paint(slice: Slice, style: LabelStyle): void {
    if (this.painted?.slice === slice && this.painted.style === style) {
      return;
    }
    this.painted = { slice, style };
    this.edges = null;
    const { canvas } = this;
    if (canvas.width !== slice.columns || canvas.height !== slice.rows) {
      canvas.width = slice.columns;
      canvas.height = slice.rows;
    }
    const data = new ImageData(slice.columns, slice.rows);
    const pixels = new Uint32Array(data.data.buffer);
    const { values } = slice;
    for (let i = 0; i < values.length; i++) {
      pixels[i] = style.pixels[values[i]];
    }
    penOf(canvas)?.putImageData(data, 0, 0);
  }

  /** Draw the edges just inside of each region, so that neighbours keep their own colour. */
  outline(context: CanvasRenderingContext2D, camera: Camera): void {
    if (!this.painted) {
      return;
    }
    const { slice, style } = this.painted;
    this.edges ??= findEdges(slice, style.pixels);
    const [sx, sy] = camera.steps();
    const [x, y] = camera.toScreen(-0.5, -0.5);
    const width = style.layer.outline ? OUTLINE_PX : EDGE_PX;
    context.lineWidth = width;
    // Lines end at their corner: what lies outside of a corner is another region's.
    context.lineCap = 'butt';
    for (const [value, sides] of this.edges) {
      const lines = new Path2D();
      sides.forEach((side, i) => {
        const dx = (INWARDS[i][0] * Math.sign(sx) * width) / 2;
        const dy = (INWARDS[i][1] * Math.sign(sy) * width) / 2;
        lines.addPath(side, new DOMMatrix([sx, 0, 0, sy, x + dx, y + dy]));
      });
      context.strokeStyle = style.colour(value);
      context.stroke(lines);
    }
  }

  clear(): void {
    this.painted = null;
    this.edges = null;
    this.canvas.width = 0;
    this.canvas.height = 0;
  }
}

/** The edges of each region that is drawn, by the side the region lies on, in pixels counted from their corners. */
function findEdges({ values, rows, columns }: Slice, drawn: Uint32Array): Map<number, Path2D[]> {
  const found = new Map<number, Path2D[]>();
  const at = (row: number, column: number): number =>
    row < 0 || column < 0 || row >= rows || column >= columns ? 0 : values[row * columns + column];
  const add = (value: number, side: number, from: [number, number], to: [number, number]): void => {
    let paths = found.get(value);
    if (!paths) {
      paths = INWARDS.map(() => new Path2D());
      found.set(value, paths);
    }
    paths[side].moveTo(...from);
    paths[side].lineTo(...to);
  };
  // Runs of one value along an edge become one line.
  const along = (count: number, value: (i: number) => number, line: (value: number, from: number, to: number) => void) => {
    for (let i = 0; i < count; ) {
      const first = i;
      const run = value(i);
      do {
        i++;
      } while (i < count && value(i) === run);
      if (drawn[run]) {
        line(run, first, i);
      }
    }
  };
  const edge = (here: number, there: number): number => (here === there ? 0 : here);
  for (let row = 0; row <= rows; row++) {
    along(columns, i => edge(at(row, i), at(row - 1, i)), (v, a, b) => add(v, 0, [a, row], [b, row]));
    along(columns, i => edge(at(row - 1, i), at(row, i)), (v, a, b) => add(v, 1, [a, row], [b, row]));
  }
  for (let column = 0; column <= columns; column++) {
    along(rows, i => edge(at(i, column), at(i, column - 1)), (v, a, b) => add(v, 2, [column, a], [column, b]));
    along(rows, i => edge(at(i, column - 1), at(i, column)), (v, a, b) => add(v, 3, [column, a], [column, b]));
  }
  return found;
}

function rgb(colour: string): [number, number, number] {
  const number = Number.parseInt(colour.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/** As a little-endian machine reads four bytes of ImageData at once. */
function packed(red: number, green: number, blue: number): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
