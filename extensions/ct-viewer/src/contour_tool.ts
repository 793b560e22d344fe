/** Draws a contour: freehand while the button is held, or point by point by clicks or Enter. */
import type { Context, Drag, PlanePoint, Tool } from './context';
import { flatten, lift, screen, sliceOf, spotOf, type Spot } from './flat';
import { CLICK_PX, HIT_PX } from './handles';
import { marksOf } from './marks';
import { areaOf, simplify } from './polygon';
import { mayDraw, type Draft } from './point_tool';
import type { PlaneView } from './plane_view';

// A freehand line keeps what can be seen: points closer than this to the line between others go, CSS pixels.
const TOLERANCE_PX = 0.75;
// Less than this encloses nothing that anybody meant, in pixels of the slice.
const SMALLEST = 0.05;

export interface ContourTool extends Tool {
  draft(view: PlaneView): Draft | null;
  follow(at: PlanePoint): void;
  /** Take the last point back; false when nothing is being drawn. */
  back(): boolean;
}

export function contourTool(context: Context): ContourTool {
  const marks = marksOf(context);
  let begun: Draft | null = null;
  let loose: Spot | null = null;
  let label = '';
  const drop = (): void => {
    begun = loose = null;
    context.redraw();
  };
  const start = (at: PlanePoint): Draft => {
    if (!begun || begun.view.plane.name !== at.view.plane.name || begun.slice !== sliceOf(at)) {
      begun = { view: at.view, slice: sliceOf(at), spots: [] };
      // One more of the chosen region, else of the last one; nothing stays chosen that could be taken instead.
      label = marks.chosen('contours')?.mark.label ?? context.state.get('contours').at(-1)?.label ?? 'region';
      marks.select(null);
    }
    return begun;
  };
  const close = ({ view, slice, spots }: Draft): void => {
    drop();
    if (spots.length < 3 || areaOf(spots) < SMALLEST) {
      context.say('A contour needs at least three points that are not on one line.');
      return;
    }
    marks.add('contours', { label, plane: view.plane.name, points_mm: lift(spots, slice, view) });
    context.say(`Contour “${label}” of ${spots.length} points; drag its points, Shift + click adds or removes one`);
  };
  /** Add one point, or close where it is the first or the last one again. */
  const take = (at: PlanePoint): void => {
    const draft = start(at);
    const spot = spotOf(at);
    const places = screen(draft.spots, at.view);
    const [x, y] = at.view.camera.toScreen(...spot);
    const isNear = (place: Spot | undefined): boolean => !!place && Math.hypot(place[0] - x, place[1] - y) <= HIT_PX;
    if (draft.spots.length > 0 && (isNear(places.at(-1)) || (draft.spots.length > 2 && isNear(places[0])))) {
      close(draft);
      return;
    }
    draft.spots.push(spot);
    context.say(`Point ${draft.spots.length} set; close at the first point, or by a double click or Enter twice`);
    context.redraw();
  };
  return {
    id: 'contour', label: 'Contour', key: 'c', cursor: 'crosshair',
    title: 'Draw a contour: hold and draw, or click or press Enter at its points',
    down: from => (mayDraw(context, from) ? stroke(from) : null),
    point(at) {
      if (mayDraw(context, at)) {
        take(at);
      }
    },
    cancel: drop,
    follow(at) {
      if (begun && at.view.plane.name === begun.view.plane.name) {
        loose = spotOf(at);
        context.redraw();
      }
    },
    draft(view) {
      const isHere = begun?.view.plane.name === view.plane.name && view.volume.id === 'v0';
      return begun && isHere && begun.slice === view.shownIndex
        ? { ...begun, view, spots: loose ? [...begun.spots, loose] : begun.spots }
        : null;
    },
    back() {
      if (!begun) {
        return false;
      }
      begun.spots.pop();
      loose = null;
      if (begun.spots.length === 0) {
        begun = null;
      }
      context.redraw();
      return true;
    }
  };

  function stroke(from: PlanePoint): Drag {
    const before = [...start(from).spots];
    const drawn: Spot[] = [];
    return {
      move(at) {
        if (drawn.length > 0 || Math.hypot(at.x - from.x, at.y - from.y) > CLICK_PX) {
          drawn.push(...(drawn.length === 0 ? [spotOf(from)] : []), spotOf(at));
          loose = null;
          if (begun) {
            begun.spots = [...before, ...drawn];
          }
          context.redraw();
        }
      },
      end() {
        if (drawn.length === 0) {
          take(from);
          return;
        }
        const thin = simplify(screen(drawn, from.view), TOLERANCE_PX).map(([x, y]) => from.view.camera.toSlice(x, y));
        if (begun) {
          begun.spots = [...before, ...thin];
          if (before.length === 0) {
            close(begun);
          }
        }
      },
      cancel: drop
    };
  }
}

/** The spots of a contour on its own slice, and which slice that is. */
export function contourOn(points: Parameters<typeof flatten>[0], view: PlaneView): { slice: number; spots: Spot[] } {
  const { slice, spots } = flatten(points, view);
  return { slice: Math.floor(slice + 0.5), spots };
}
