/** Stored numbers to a grey picture, on canvas 2D or on the graphics card, with the same bytes. */
import { penOf } from './pens';
import type { Slice } from './slices';
import { GreyTable, type Greys } from './windowing';

/** A canvas that holds one painted slice, in the slice's own pixels. */
export class Picture {
  readonly canvas = document.createElement('canvas');
  private painted: { slice: Slice; stamp: string } | null = null;
  private readonly table = new GreyTable();

  /** Paint a slice in a window unless that is what is on the canvas already. */
  paint(slice: Slice, greys: Greys): HTMLCanvasElement {
    this.table.at(greys);
    if (this.painted?.slice === slice && this.painted.stamp === this.table.stamp) {
      return this.canvas;
    }
    if (this.canvas.width !== slice.columns || this.canvas.height !== slice.rows) {
      this.canvas.width = slice.columns;
      this.canvas.height = slice.rows;
    }
    const context = penOf(this.canvas);
    if (context && !paintOnCard(context, slice, this.table)) {
      paintByTable(context, slice, this.table);
    }
    this.painted = { slice, stamp: this.table.stamp };
    return this.canvas;
  }

  /** Take every pixel out of memory. */
  clear(): void {
    this.painted = null;
    this.canvas.width = 0;
    this.canvas.height = 0;
  }
}

function paintByTable(context: CanvasRenderingContext2D, slice: Slice, table: GreyTable): void {
  const { values, columns, rows } = slice;
  const data = new ImageData(columns, rows);
  const pixels = new Uint32Array(data.data.buffer);
  for (let i = 0; i < values.length; i++) {
    pixels[i] = table.pixels[values[i] + 32768];
  }
  context.putImageData(data, 0, 0);
}

type CardPainter = (context: CanvasRenderingContext2D, slice: Slice, table: GreyTable) => boolean;
let card: CardPainter | null = null;

/** Let a graphics card paint; whatever it cannot paint is painted by the table. */
export function useCard(painter: CardPainter | null): void {
  card = painter;
}

function paintOnCard(context: CanvasRenderingContext2D, slice: Slice, table: GreyTable): boolean {
  return card !== null && card(context, slice, table);
}
