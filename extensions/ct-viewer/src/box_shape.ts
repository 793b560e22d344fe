/** Boxes as the voxel grid has them: where they cut a slice, and how they are drawn. */
import type { Pen } from './context';
import type { Axis, Grid } from './geometry';
import { FONT, MARGIN, text } from './overlays';
import type { BoxMark, Triple } from './types';

export const BOX_COLOUR = '#4fc8ff';
const AXES: readonly Axis[] = [0, 1, 2];

/** A box in index coordinates (z, y, x); voxel centres are whole numbers. */
export interface IndexBox {
  low: Triple;
  high: Triple;
  label: string;
}

export function toIndexBox(mark: BoxMark, grid: Grid): IndexBox {
  const centre = grid.toIndex(mark.centre_mm);
  // On oblique planes the box follows the voxel grid; its sides are those of the closest patient axes.
  const half = AXES.map(axis => mark.size_mm[grid.closest[axis]] / 2 / grid.spacing[axis]);
  return {
    low: centre.map((value, axis) => value - half[axis]) as Triple,
    high: centre.map((value, axis) => value + half[axis]) as Triple,
    label: mark.label
  };
}

/** Give the box of two opposite corners, whichever is the lower one. */
export function toBoxMark(box: IndexBox, grid: Grid): BoxMark {
  const size: Triple = [0, 0, 0];
  for (const axis of AXES) {
    size[grid.closest[axis]] = Math.abs(box.high[axis] - box.low[axis]) * grid.spacing[axis];
  }
  const centre = box.low.map((value, axis) => (value + box.high[axis]) / 2) as Triple;
  return { centre_mm: grid.toPatient(centre), size_mm: size, label: box.label };
}

/** Whether a box reaches into one slice, or into the slab around it, `reach` slices each way. */
export function isCut(box: IndexBox, normal: Axis, index: number, reach = 0): boolean {
  return box.low[normal] < index + reach + 0.5 && box.high[normal] > index - reach - 0.5;
}

/** Whether any part of a box lies in the volume, which Python insists on. */
export function isInVolume(mark: BoxMark, grid: Grid): boolean {
  const { low, high } = toIndexBox(mark, grid);
  return AXES.every(axis => high[axis] >= -0.5 && low[axis] <= grid.shape[axis] - 0.5);
}

/** Draw one box as a frame with its label. */
export function drawBox({ context, camera, plane }: Pen, box: IndexBox, colour: string, width = 1.5): void {
  const [x0, y0] = camera.toScreen(box.low[plane.column], box.low[plane.row]);
  const [x1, y1] = camera.toScreen(box.high[plane.column], box.high[plane.row]);
  const [left, top] = [Math.min(x0, x1), Math.min(y0, y1)];
  const [wide, high] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
  context.lineWidth = width + 2;
  context.strokeStyle = 'rgba(0, 0, 0, 0.55)';
  context.strokeRect(left, top, wide, high);
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.strokeRect(left, top, wide, high);
  const below = top + high + 14 < camera.height;
  context.font = FONT;
  const inside = Math.max(2, Math.min(left, camera.width - MARGIN - context.measureText(box.label).width));
  text(context, box.label, inside, below ? top + high + 12 : top - 6, 'left', colour, FONT);
}
