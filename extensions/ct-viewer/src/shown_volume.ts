/** A volume with its grid and what its stored numbers mean. */
import { Grid } from './geometry';
import { layPlanes, type Plane } from './planes';
import type { PlaneName, Triple, VolumeFacts } from './types';
import { signed } from './words';

/** The stored number that says "no value here": NaN in an array, or outside of a resampled volume. */
export const NO_VALUE = -32768;

export class ShownVolume {
  readonly grid: Grid;
  readonly planes: Plane[];

  constructor(readonly facts: VolumeFacts) {
    this.grid = new Grid(facts.shape, facts.spacing_mm, facts.origin_mm, facts.direction);
    this.planes = layPlanes(this.grid);
  }

  get id(): string {
    return this.facts.id;
  }

  plane(name: PlaneName): Plane {
    return this.planes.find(plane => plane.name === name) ?? this.planes[0];
  }

  /** The value of a stored number, in the volume's unit; null where there is none. */
  value(stored: number): number | null {
    return stored === NO_VALUE ? null : stored * this.facts.slope + this.facts.intercept;
  }

  /** A value as people read it, with its unit. */
  say(stored: number): string {
    const value = this.value(stored);
    if (value === null) {
      return 'no value';
    }
    const unit = this.facts.unit === 'arbitrary' ? '' : ` ${this.facts.unit}`;
    return `${signed(this.number(value))}${unit}`;
  }

  /** A number in as many digits as the stored steps carry. */
  number(value: number): string {
    return this.isWhole ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
  }

  get isWhole(): boolean {
    return this.facts.slope === 1 && Number.isInteger(this.facts.intercept);
  }

  /** Voxels (z, y, x) at a resolution level. */
  levelShape(level: number): Triple {
    let shape = this.facts.shape;
    for (let i = 0; i < level; i++) {
      shape = shape.map(count => Math.max(1, Math.ceil(count / 2))) as Triple;
    }
    return shape;
  }
}
