/**
 * Distances and angles in the patient, and the pixels of a region, as workbench/viewer/measurements.py has them:
 * a pixel belongs to a region when its centre does; the standard deviation is that of these pixels.
 */
import type { Spot } from './flat';
import type { PlaneView } from './plane_view';
import { NO_VALUE } from './shown_volume';
import type { Slice } from './slices';
import type { Statistics, Triple } from './types';

export type RegionKind = 'ellipse' | 'rectangle';

export function distanceMm(a: Triple, b: Triple): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** The angle at b, in degrees. */
export function angleDegrees(a: Triple, b: Triple, c: Triple): number {
  const u = a.map((value, i) => value - b[i]);
  const v = c.map((value, i) => value - b[i]);
  const cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const dot = u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
  // The tangent stays exact where the cosine does not, near 0 and 180 degrees.
  return (Math.atan2(Math.hypot(...cross), dot) * 180) / Math.PI;
}

/** The area of a region between two corners, mm². */
export function areaMm2(kind: RegionKind, [first, second]: readonly Spot[], view: PlaneView): number {
  const { spacing } = view.volume.grid;
  const wide = Math.abs(first[0] - second[0]) * spacing[view.plane.column];
  const high = Math.abs(first[1] - second[1]) * spacing[view.plane.row];
  return wide * high * (kind === 'ellipse' ? Math.PI / 4 : 1);
}

/** Measure the region between two corners; null when it holds no pixel with a value. */
export function measureRegion(kind: RegionKind, corners: readonly Spot[], slice: Slice, view: PlaneView): Statistics | null {
  const [left, right] = ends(corners, 0);
  const [top, bottom] = ends(corners, 1);
  const values: number[] = [];
  for (let row = Math.max(Math.ceil(top - 1e-9), 0); row <= Math.min(bottom + 1e-9, slice.rows - 1); row++) {
    for (let column = Math.max(Math.ceil(left - 1e-9), 0); column <= Math.min(right + 1e-9, slice.columns - 1); column++) {
      const stored = slice.values[row * slice.columns + column];
      const x = (2 * column - left - right) / (right - left);
      const y = (2 * row - top - bottom) / (bottom - top);
      if (stored !== NO_VALUE && (kind === 'rectangle' || x * x + y * y <= 1 + 1e-9)) {
        values.push(stored);
      }
    }
  }
  if (values.length === 0) {
    return null;
  }
  return { ...describe(values, view), area_mm2: areaMm2(kind, corners, view), pixels: values.length };
}

function describe(stored: number[], view: PlaneView): Pick<Statistics, 'mean' | 'sd' | 'minimum' | 'maximum'> {
  const { slope, intercept } = view.volume.facts;
  const mean = stored.reduce((sum, value) => sum + value, 0) / stored.length;
  const variance = stored.reduce((sum, value) => sum + (value - mean) ** 2, 0) / stored.length;
  const [low, high] = stored.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const all = [low * slope + intercept, high * slope + intercept];
  return {
    mean: mean * slope + intercept, sd: Math.sqrt(variance) * Math.abs(slope),
    minimum: Math.min(...all), maximum: Math.max(...all)
  };
}

function ends(corners: readonly Spot[], k: 0 | 1): [number, number] {
  return [Math.min(corners[0][k], corners[1][k]), Math.max(corners[0][k], corners[1][k])];
}
