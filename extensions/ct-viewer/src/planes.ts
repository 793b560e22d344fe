/** The three index planes: which axis they cut, how they lie on the screen, which letters stand at their edges. */
import { dominant, letters, type Axis, type Grid } from './geometry';
import type { Triple } from './types';

export type PlaneName = 'axial' | 'coronal' | 'sagittal';

export interface Plane {
  name: PlaneName;
  title: string;
  /** The axis that is fixed, and those that run down the rows and along the columns of the stored slice. */
  normal: Axis;
  row: Axis;
  column: Axis;
  flipX: boolean;
  flipY: boolean;
  letters: { left: string; right: string; top: string; bottom: string };
  /** The index step that goes up: towards the head where the plane is axial. */
  up: 1 | -1;
}

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

/** Lay the planes out as radiologists hang them: patient's right on the left, anterior and superior on top. */
export function layPlanes(grid: Grid): Plane[] {
  return PLANE_NAMES.map(name => {
    const [normal, row, column] = AXES[name];
    const across = grid.axisDirection(column);
    const down = grid.axisDirection(row);
    const through = grid.axisDirection(normal);
    const flipX = across[dominant(across)] < 0;
    const downwards = dominant(down) === 2 ? -1 : 1;
    const flipY = down[dominant(down)] * downwards < 0;
    const right = flipX ? negate(across) : across;
    const bottom = flipY ? negate(down) : down;
    const strongest = Math.abs(through[dominant(through)]);
    return {
      name, normal, row, column, flipX, flipY,
      title: TITLES[dominant(through)] + (strongest < OBLIQUE_BELOW ? ' (oblique)' : ''),
      letters: {
        left: letters(negate(right)), right: letters(right),
        top: letters(negate(bottom)), bottom: letters(bottom)
      },
      up: dominant(through) === 2 && through[2] < 0 ? -1 : 1
    };
  });
}

function negate(vector: Triple): Triple {
  return [-vector[0], -vector[1], -vector[2]];
}
