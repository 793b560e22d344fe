/** The three index planes: which axis they cut, how they lie on the screen, which letters stand at their edges. */
import { letters, type Axis, type Grid } from './geometry';
import type { PlaneName, Triple } from './types';


export interface Plane {
  name: PlaneName;
  title: string;
  /** The axis that is fixed, and those that run down and across the screen. */
  normal: Axis;
  row: Axis;
  column: Axis;
  /** Whether the stored slice has them the other way round: its rows run across the screen. */
  isTurned: boolean;
  flipX: boolean;
  flipY: boolean;
  letters: { left: string; right: string; top: string; bottom: string };
  /** The index step that goes up: towards the head where the plane is axial. */
  up: 1 | -1;
}

// The fixed axis, and those down the rows and along the columns of the stored slice.
const AXES: Record<PlaneName, [Axis, Axis, Axis]> = {
  axial: [0, 1, 2],
  coronal: [1, 0, 2],
  sagittal: [2, 0, 1]
};
export const PLANE_NAMES = Object.keys(AXES) as PlaneName[];
export const AXIS_LETTERS = ['z', 'y', 'x'] as const;
// Indexed by the patient component that the plane's normal follows: left, posterior, superior.
const TITLES = ['Sagittal', 'Coronal', 'Axial'];
const OBLIQUE_BELOW = 0.95;

/**
 * Lay the planes out as radiologists hang them: the patient's right on the left, anterior and superior on top, also
 * where the volume was acquired in another plane, so that a slice stands as its axes lie in the patient.
 */
export function layPlanes(grid: Grid): Plane[] {
  return PLANE_NAMES.map(name => {
    const [normal, ...stored] = AXES[name];
    // Up and down is the head's direction, in axial planes the front's.
    const isTurned = grid.closest[stored[0]] < grid.closest[stored[1]];
    const [row, column] = isTurned ? [stored[1], stored[0]] : stored;
    const across = grid.axisDirection(column);
    const down = grid.axisDirection(row);
    const through = grid.axisDirection(normal);
    const flipX = across[grid.closest[column]] < 0;
    const downwards = grid.closest[row] === 2 ? -1 : 1;
    const flipY = down[grid.closest[row]] * downwards < 0;
    const right = flipX ? negate(across) : across;
    const bottom = flipY ? negate(down) : down;
    const shows = grid.closest[normal];
    return {
      name, normal, row, column, isTurned, flipX, flipY,
      title: TITLES[shows] + (Math.abs(through[shows]) < OBLIQUE_BELOW ? ' (oblique)' : ''),
      letters: {
        left: letters(negate(right)), right: letters(right),
        top: letters(negate(bottom)), bottom: letters(bottom)
      },
      up: shows === 2 && through[2] < 0 ? -1 : 1
    };
  });
}

function negate(vector: Triple): Triple {
  return [-vector[0], -vector[1], -vector[2]];
}
