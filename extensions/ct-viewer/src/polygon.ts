/** Closed polygons on a slice: as few points as their shape needs, and what they enclose. */
import { distanceToPart } from './handles';
import type { Spot } from './flat';

/**
 * Leave out the points of a line that lie within a tolerance of what remains.
 * Source: D. Douglas and T. Peucker, Cartographica 10 (1973) 112–122.
 */
export function simplify(path: readonly Spot[], tolerance: number): Spot[] {
  if (path.length < 3) {
    return [...path];
  }
  const last = path.length - 1;
  let [far, farthest] = [0, tolerance];
  for (let i = 1; i < last; i++) {
    const away = distanceToPart(path[i], path[0], path[last]);
    if (away > farthest) {
      [far, farthest] = [i, away];
    }
  }
  if (far === 0) {
    return [path[0], path[last]];
  }
  return [...simplify(path.slice(0, far + 1), tolerance).slice(0, -1), ...simplify(path.slice(far), tolerance)];
}

/** The area of a closed polygon, in squares of its own units. */
export function areaOf(path: readonly Spot[]): number {
  const twice = path.reduce((sum, [x, y], i) => {
    const [nx, ny] = path[(i + 1) % path.length];
    return sum + x * ny - nx * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/** Where the edges of a closed polygon pass through `at` in one coordinate: the other coordinate, in pairs. */
export function crossings(through: readonly number[], along: readonly number[], at: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < through.length; i++) {
    const next = (i + 1) % through.length;
    // Each corner belongs to one of its two edges, so that crossings come in pairs.
    if (through[i] <= at !== through[next] <= at) {
      found.push(along[i] + ((at - through[i]) / (through[next] - through[i])) * (along[next] - along[i]));
    }
  }
  return found;
}
