/** A tool that takes a fixed number of points: by clicks, by one drag, or by Enter at the crosshair. */
import type { Context, Drag, PlanePoint, Tool } from './context';
import { sliceOf, spotOf, type Spot } from './flat';
import { CLICK_PX } from './handles';
import { marksOf } from './marks';
import type { PlaneView } from './plane_view';

/** What is half drawn. */
export interface Draft {
  view: PlaneView;
  slice: number;
  spots: Spot[];
}

export interface PointSpec {
  id: string;
  label: string;
  title: string;
  key: string;
  needed: number;
  /** What to do after the first point, after the second, …. */
  next: string[];
  done(draft: Draft): void;
}

export interface PointTool extends Tool {
  /** What is half drawn on a plane, with the spot under the pointer as its last one. */
  draft(view: PlaneView): Draft | null;
  /** Follow the pointer between two clicks. */
  follow(at: PlanePoint): void;
}

/** Say why nothing can be drawn here, or give true. */
export function mayDraw(context: Context, at: PlanePoint): boolean {
  if (at.view.volume.id === 'v0') {
    return true;
  }
  context.say('Marks belong to the first volume; draw on its planes.');
  return false;
}

export function pointTool(context: Context, spec: PointSpec): PointTool {
  let begun: Draft | null = null;
  let loose: Spot | null = null;
  const drop = (): void => {
    begun = loose = null;
    context.redraw();
  };
  const take = (at: PlanePoint): void => {
    const isSame = begun?.view.plane.name === at.view.plane.name && begun.slice === sliceOf(at);
    if (!begun || !isSame) {
      const again = begun ? 'A mark lies in one slice, so this is the first point of a new one. ' : '';
      begun = { view: at.view, slice: sliceOf(at), spots: [spotOf(at)] };
      context.say(again + spec.next[0]);
    } else {
      begun.spots.push(spotOf(at));
      context.say(spec.next.at(begun.spots.length - 1) ?? '');
    }
    loose = null;
    if (begun.spots.length === spec.needed) {
      const full = begun;
      begun = null;
      spec.done(full);
    }
    context.redraw();
  };
  return {
    id: spec.id, label: spec.label, title: spec.title, key: spec.key, cursor: 'crosshair',
    down(from): Drag | null {
      if (!mayDraw(context, from)) {
        return null;
      }
      marksOf(context).select(null);
      take(from);
      return {
        move: at => follow(at),
        end(at) {
          if (begun && Math.hypot(at.x - from.x, at.y - from.y) > CLICK_PX) {
            take({ ...at, index: kept(at, begun) });
          }
        },
        cancel: drop
      };
    },
    point(at) {
      if (mayDraw(context, at)) {
        take(at);
      }
    },
    cancel: drop,
    follow,
    draft(view) {
      if (!begun || begun.view.plane.name !== view.plane.name || view.volume.id !== 'v0' || begun.slice !== view.shownIndex) {
        return null;
      }
      return { ...begun, view, spots: loose ? [...begun.spots, loose] : begun.spots };
    }
  };

  function follow(at: PlanePoint): void {
    if (begun && at.view.plane.name === begun.view.plane.name) {
      loose = spotOf(at);
      context.redraw();
    }
  }
}

/** A drag stays on the slice where it began, whatever came on screen meanwhile. */
function kept(at: PlanePoint, draft: Draft): PlanePoint['index'] {
  const index: PlanePoint['index'] = [...at.index];
  index[at.view.plane.normal] = draft.slice;
  return index;
}
