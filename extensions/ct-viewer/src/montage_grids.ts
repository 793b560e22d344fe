/** How many slices stand on a sheet, and which of them. */
import type { ShownVolume } from './shown_volume';
import type { PlaneName } from './types';

/** What somebody chose; the step is worked out until somebody sets it. */
export interface MontageChoice {
  plane: PlaneName;
  grid: string;
  step: number | null;
}

export const FIRST_CHOICE: MontageChoice = { plane: 'axial', grid: '4 × 3', step: null };
const GRIDS = ['1 × 1', '2 × 2', '3 × 2', '3 × 3', '4 × 3', '5 × 4', '6 × 5'];
// As on films of a chest: one slice in 5 mm.
const USUAL_STEP_MM = 5;
// All that is on screen must fit into the cache (48 MB), with room for what comes next.
const MOST_BYTES = 36 * 1024 * 1024;

export function cellsOf(grid: string): number {
  return grid.split(' × ').map(Number).reduce((across, down) => across * down, 1);
}

export function columnsOf(grid: string): number {
  return Number(grid.split(' × ')[0]);
}

/** The grids whose slices, of every volume that may lie over them, fit into memory. */
export function fittingGrids(volumes: readonly ShownVolume[], name: PlaneName): string[] {
  const { row, column } = volumes[0].plane(name);
  const bytes = volumes[0].facts.shape[row] * volumes[0].facts.shape[column] * 2 * volumes.length;
  return GRIDS.filter((grid, i) => i === 0 || cellsOf(grid) * bytes <= MOST_BYTES);
}

/** How many slices lie from one cell to the next. */
export function strideOf(volume: ShownVolume, { plane, step }: MontageChoice): number {
  const { normal } = volume.plane(plane);
  const usual = Math.max(1, Math.round(USUAL_STEP_MM / volume.grid.spacing[normal]));
  return Math.min(step ?? usual, Math.max(1, volume.grid.shape[normal] - 1));
}
