/** Marks on a slice: patient points as column and row of the slice they lie on, and back. */
import type { PlanePoint } from './context';
import type { Grid } from './geometry';
import type { PlaneView } from './plane_view';
import type { Plane } from './planes';
import type { PlaneName, Triple } from './types';

/** Column and row on a slice, with fractions; whole numbers are pixel centres. */
export type Spot = [number, number];

/** Points on one slice of a plane. */
export interface Flat {
  /** The slice, with a fraction where the points belong to another grid. */
  slice: number;
  /** How far the points leave it. */
  spread: number;
  spots: Spot[];
  /** The index of each point along the plane's normal. */
  depths: number[];
}

const flattened = new WeakMap<Grid, WeakMap<readonly Triple[], Map<PlaneName, Flat>>>();
// Points further from their slice than this lie across it.
const FLAT = 0.25;

/** Lay patient points on the slices of a plane; worked out once for each list of points. */
export function flatten(points: readonly Triple[], view: PlaneView): Flat {
  const { grid } = view.volume;
  const ofGrid = flattened.get(grid) ?? new WeakMap<readonly Triple[], Map<PlaneName, Flat>>();
  flattened.set(grid, ofGrid);
  const ofPoints = ofGrid.get(points) ?? new Map<PlaneName, Flat>();
  ofGrid.set(points, ofPoints);
  const found = ofPoints.get(view.plane.name) ?? lay(points, grid, view.plane);
  ofPoints.set(view.plane.name, found);
  return found;
}

function lay(points: readonly Triple[], grid: Grid, plane: Plane): Flat {
  const index = points.map(point => grid.toIndex(point));
  const depths = index.map(at => at[plane.normal]);
  const [low, high] = depths.reduce(([a, b], at) => [Math.min(a, at), Math.max(b, at)], [Infinity, -Infinity]);
  return {
    slice: (low + high) / 2, spread: high - low, depths,
    spots: index.map(at => [at[plane.column], at[plane.row]] as Spot)
  };
}

/** Whether points lie on the slice that is on screen, or within the slab around it. */
export function isOn(flat: Flat, view: PlaneView, shown: number, slabMm: number): boolean {
  const reach = Math.floor(slabMm / 2 / view.volume.grid.spacing[view.plane.normal] + 1e-6);
  return flat.spread <= FLAT && Math.abs(flat.slice - shown) <= reach + 0.5;
}

/** Give the patient positions of spots on a slice. */
export function lift(spots: readonly Spot[], slice: number, view: PlaneView): Triple[] {
  const { plane, volume } = view;
  return spots.map(([column, row]) => {
    const index: Triple = [0, 0, 0];
    index[plane.normal] = slice;
    index[plane.column] = column;
    index[plane.row] = row;
    return volume.grid.toPatient(index);
  });
}

/** The spot of a place, kept within the slice. */
export function spotOf(at: PlanePoint): Spot {
  const { plane } = at.view;
  return inside([at.index[plane.column], at.index[plane.row]], at.view);
}

export function inside([column, row]: Spot, view: PlaneView): Spot {
  const { columns, rows } = view.camera;
  return [Math.min(Math.max(column, -0.5), columns - 0.5), Math.min(Math.max(row, -0.5), rows - 0.5)];
}

/** Move spots together as far as all of them stay within the slice. */
export function shift(spots: readonly Spot[], by: Spot, view: PlaneView): Spot[] {
  const { columns, rows } = view.camera;
  const [dx, dy] = [columns, rows].map((count, k) => {
    const low = Math.min(...spots.map(spot => spot[k]));
    const high = Math.max(...spots.map(spot => spot[k]));
    return Math.min(Math.max(by[k], Math.min(-0.5 - low, 0)), Math.max(count - 0.5 - high, 0));
  });
  return spots.map(([column, row]) => [column + dx, row + dy] as Spot);
}

/** Where spots lie on the canvas. */
export function screen(spots: readonly Spot[], view: PlaneView): Spot[] {
  return spots.map(([column, row]) => view.camera.toScreen(column, row));
}

/** The slice that a place lies on. */
export function sliceOf(at: PlanePoint): number {
  return Math.floor(at.index[at.view.plane.normal] + 0.5);
}
