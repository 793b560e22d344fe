/** Moving the points of a contour or a measurement by hand: one of them, or all together. */
import type { Drag, PlanePoint } from './context';
import { shift, spotOf, type Spot } from './flat';
import { CLICK_PX } from './handles';

export interface PointsDrag {
  /** Give the spots with the moved ones, when `by` is how far the pointer went and `to` where it is. */
  moved(by: Spot, to: Spot): Spot[];
  hold(spots: Spot[]): void;
  done(spots: Spot[]): void;
  drop(): void;
}

export function pointsDrag(from: PlanePoint, { moved, hold, done, drop }: PointsDrag): Drag {
  const { plane } = from.view;
  const now = (at: PlanePoint): Spot[] => {
    const by: Spot = [at.index[plane.column] - from.index[plane.column], at.index[plane.row] - from.index[plane.row]];
    return moved(by, spotOf(at));
  };
  return {
    move: at => hold(now(at)),
    end(at) {
      drop();
      if (Math.hypot(at.x - from.x, at.y - from.y) >= CLICK_PX) {
        done(now(at));
      }
    },
    cancel: drop
  };
}

/** Move all spots together. */
export function moveAll(spots: readonly Spot[], from: PlanePoint): PointsDrag['moved'] {
  return by => shift(spots, by, from.view);
}

/** Move one spot to where the pointer is. */
export function moveOne(spots: readonly Spot[], i: number): PointsDrag['moved'] {
  return (_, to) => spots.map((spot, k) => (k === i ? to : spot));
}
