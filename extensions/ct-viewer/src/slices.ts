/** What one slice is: which layer, plane, index, level, slab and grid. */
import type { PlaneName, SlabMode } from './types';

export interface SliceAsk {
  /** "v0", "v1" for volumes, "l0", … for label layers. */
  layer: string;
  plane: PlaneName;
  /** Counts in the level that is asked. */
  index: number;
  /** 0 is full resolution. */
  level: number;
  slab_mm: number;
  mode: SlabMode;
  /** The id of the volume whose grid the slice lies on; empty for its own. */
  on: string;
  /** Whether rows and columns change places, because the plane hangs so. */
  isTurned?: boolean;
}

export interface Slice {
  rows: number;
  columns: number;
  /** Stored values row by row; Int16Array for volumes, Uint16Array for labels. */
  values: Int16Array | Uint16Array;
  etag: string | null;
  /** Whether it came packed; it is asked about the same way, for the ETag names the bytes that were sent. */
  packed: boolean;
  /** When the server last said that this person may still see it (ms, performance.now). */
  checked: number;
}

export type SliceKey = string;

export function keyOf(ask: SliceAsk): SliceKey {
  const slab = ask.slab_mm > 0 ? `${ask.slab_mm}${ask.mode}` : '';
  return `${ask.layer}/${ask.plane}/${ask.index}/${ask.level}/${slab}/${ask.on}${ask.isTurned ? '/turned' : ''}`;
}

/** A slice whose rows are the columns of another one. */
export function turn(slice: Slice): Slice {
  const { rows, columns, values } = slice;
  const turned = values.slice();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column];
    }
  }
  return { ...slice, rows: columns, columns: rows, values: turned };
}

/** Whether a layer holds labels, which are unsigned. */
export function isLabels(layer: string): boolean {
  return layer.startsWith('l');
}
