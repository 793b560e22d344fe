/**
 * Voxel index (z, y, x) to and from patient millimetres (LPS), as workbench/geometry.py does it.
 * Source: DICOM PS3.3 C.7.6.2.1.1.
 */
import type { Triple } from './types';

/** An index axis of the array: 0 = z, 1 = y, 2 = x. */
export type Axis = 0 | 1 | 2;

const POSITIVE = ['L', 'P', 'S'];
const NEGATIVE = ['R', 'A', 'I'];
// A component of less than about 11 degrees is not worth a letter.
const LETTER_THRESHOLD = 0.2;
// What the z, y and x index axes may stand for (0 = x, 1 = y, 2 = z); those that are found first win a draw.
const ORDERS: Triple[] = [[2, 1, 0], [2, 0, 1], [1, 2, 0], [1, 0, 2], [0, 2, 1], [0, 1, 2]];
const DRAW = 1e-9;

export class Grid {
  /** The patient component (0 = x, 1 = y, 2 = z) that each index axis (z, y, x) stands for: three different ones. */
  readonly closest: Triple;
  private readonly inverse: number[];

  constructor(
    readonly shape: Triple,
    readonly spacing: Triple,
    readonly origin: Triple,
    readonly direction: number[]
  ) {
    this.inverse = invert(direction);
    // On a steep oblique grid two axes may follow one component most; together they must share out all three.
    const fit = (order: Triple): number =>
      Math.abs(order.reduce((all, part, axis) => all * direction[3 * part + 2 - axis], 1));
    this.closest = ORDERS.reduce((best, order) => (fit(order) > fit(best) + DRAW ? order : best));
  }

  /** The patient direction (unit vector, LPS) in which an index axis grows. */
  axisDirection(axis: Axis): Triple {
    const column = 2 - axis;
    const d = this.direction;
    return [d[column], d[3 + column], d[6 + column]];
  }

  toPatient(index: Triple): Triple {
    const along = [index[2] * this.spacing[2], index[1] * this.spacing[1], index[0] * this.spacing[0]];
    const p = multiply(this.direction, along);
    return [p[0] + this.origin[0], p[1] + this.origin[1], p[2] + this.origin[2]];
  }

  toIndex(position: Triple): Triple {
    const along = multiply(
      this.inverse,
      position.map((value, i) => value - this.origin[i])
    );
    return [along[2] / this.spacing[0], along[1] / this.spacing[1], along[0] / this.spacing[2]];
  }

  /** The voxel that holds a position, or the closest one to it. */
  nearest(position: Triple): Triple {
    return this.clamp(this.toIndex(position).map(value => Math.floor(value + 0.5)) as Triple);
  }

  clamp(index: Triple): Triple {
    return index.map((value, axis) => Math.min(Math.max(value, 0), this.shape[axis] - 1)) as Triple;
  }
}

/** The letters of a patient direction, strongest first: "L", or "LA" on an oblique plane. */
export function letters(vector: Triple): string {
  return vector
    .map((value, i) => ({ size: Math.abs(value), letter: value > 0 ? POSITIVE[i] : NEGATIVE[i] }))
    .filter(part => part.size >= LETTER_THRESHOLD)
    .sort((a, b) => b.size - a.size)
    .map(part => part.letter)
    .join('');
}

function multiply(m: number[], v: number[]): Triple {
  return [0, 3, 6].map(r => m[r] * v[0] + m[r + 1] * v[1] + m[r + 2] * v[2]) as Triple;
}

function invert(m: number[]): number[] {
  const [a, b, c, d, e, f, g, h, i] = m;
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [
    e * i - f * h, c * h - b * i, b * f - c * e,
    f * g - d * i, a * i - c * g, c * d - a * f,
    d * h - e * g, b * g - a * h, a * e - b * d
  ].map(value => value / determinant);
}
