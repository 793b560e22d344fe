/** Contours: closed polygons on slices; drawn, moved and edited point by point. */
import type { Context, Drag, Feature, Pen, PlanePoint } from './context';
import { contourOn, contourTool } from './contour_tool';
import { flatten, isOn, lift, screen, spotOf, type Flat, type Spot } from './flat';
import { drawHandles, drawPath, handleAt, partAt } from './handles';
import { marksOf, type Marks } from './marks';
import { FONT, text } from './overlays';
import { colourOf } from './palette';
import type { PlaneView } from './plane_view';
import { moveAll, moveOne, pointsDrag } from './points_drag';
import { areaOf, crossings } from './polygon';
import type { ContourMark, LabelLayer } from './types';

const LARGEST_VALUE = 65535;

export function contours(context: Context): Feature {
  const marks = marksOf(context);
  const tool = contourTool(context);
  const colours = colourTable(context);
  return {
    tools: [tool],
    keys: [
      { key: 'backspace', what: 'take the last point of a contour back', run: () => context.tool?.id === 'contour' && tool.back() }
    ],
    draw(pen) {
      const table = colours();
      const named = new Set<string>();
      let count = 0;
      marks.shown('contours').forEach((mark, at) => {
        const isChosen = marks.isChosen('contours', at);
        const colour = table.get(mark.label) ?? colourOf(1);
        if (drawContour(pen, mark, colour, isChosen ? marks.point : -1, context.state.get('slab_mm'))) {
          count += 1;
          if (isChosen || !named.has(mark.label)) {
            named.add(mark.label);
            drawName(pen, mark, colour);
          }
        }
      });
      pen.view.canvas.dataset.contours = String(count);
      const draft = tool.draft(pen.view);
      if (draft) {
        const path = screen(draft.spots, pen.view);
        drawPath(pen.context, path, '#fff', { dash: [4, 3] });
        drawHandles(pen.context, path.slice(0, 1), '#fff');
      }
    },
    grab: (at, event) => grabContour(context, marks, at, event),
    hover(at) {
      tool.follow(at);
      return '';
    }
  };
}

/** The colour of each name: that of the label segment so named, or the next one of the palette. */
export function colourTable(context: Context): () => Map<string, string> {
  let of: { marks: readonly ContourMark[]; layers: readonly LabelLayer[] } | null = null;
  let table = new Map<string, string>();
  return () => {
    const [marks, layers] = [context.state.get('contours'), context.state.get('labels')];
    if (of?.marks !== marks || of.layers !== layers) {
      of = { marks, layers };
      const named = new Map(layers.flatMap(layer => layer.segments).map(one => [one.label, one.colour]));
      const names = [...new Set(marks.map(mark => mark.label))];
      table = new Map(names.map((name, i) => [name, named.get(name) ?? colourOf(1 + (i % LARGEST_VALUE))]));
    }
    return table;
  };
}

/** Draw a contour on its slice, or where it crosses another plane; gives whether it lies on this slice. */
function drawContour(pen: Pen, mark: ContourMark, colour: string, chosen: number, slabMm: number): boolean {
  const { view, shown, context } = pen;
  const flat = flatten(mark.points_mm, view);
  if (isOn(flat, view, shown, slabMm)) {
    const path = screen(flat.spots, view);
    drawPath(context, path, colour, { isClosed: true, width: chosen >= 0 ? 2.5 : 1.5 });
    if (chosen >= 0) {
      drawHandles(context, path, colour, chosen);
    }
    return true;
  }
  const isAcross = view.volume.id === 'v0' && mark.plane !== pen.plane.name;
  if (isAcross && Math.abs(shown - flat.slice) <= flat.spread / 2) {
    drawCrossings(pen, mark, flat, colour);
  }
  return false;
}

/** A stack of contours is outlined by the edges of each, as thick as the slices they were drawn on. */
function drawCrossings({ view, plane, shown, context }: Pen, mark: ContourMark, flat: Flat, colour: string): void {
  const k = view.volume.plane(mark.plane).normal === plane.column ? 0 : 1;
  const own = flat.spots[0][k];
  const along = flat.spots.map(spot => spot[1 - k]);
  for (const at of crossings(flat.depths, along, shown)) {
    const ends = [own - 0.5, own + 0.5].map(depth => (k === 0 ? [depth, at] : [at, depth]) as Spot);
    drawPath(context, screen(ends, view), colour);
  }
}

function drawName({ view, context, camera }: Pen, mark: ContourMark, colour: string): void {
  const places = screen(flatten(mark.points_mm, view).spots, view);
  const [x, y] = places.reduce((best, place) => (place[0] > best[0] ? place : best));
  context.font = FONT;
  const wide = context.measureText(mark.label).width;
  const isRoom = x + 10 + wide < camera.width;
  text(context, mark.label, isRoom ? x + 10 : Math.max(x - 10, wide + 4), y, isRoom ? 'left' : 'right', colour, FONT);
}

function grabContour(context: Context, marks: Marks, at: PlanePoint, event: PointerEvent): Drag | null {
  const { view, x, y } = at;
  const shown = view.shownIndex ?? view.wished;
  if (event.button !== 0 || view.volume.id !== 'v0') {
    return null;
  }
  const chosen = marks.chosen('contours');
  const all = marks.shown('contours').map((mark, i) => ({ mark, i }));
  // The chosen one first; with a tool in the hand only that one can be taken.
  const order = [...all.filter(one => one.i === chosen?.at), ...(context.tool ? [] : all.filter(one => one.i !== chosen?.at))];
  for (const { mark, i } of order) {
    const flat = flatten(mark.points_mm, view);
    if (mark.plane !== view.plane.name || !isOn(flat, view, shown, 0)) {
      continue;
    }
    const path = screen(flat.spots, view);
    const point = i === chosen?.at ? handleAt(x, y, path) : -1;
    const part = partAt(x, y, path, true);
    if (point >= 0 || part >= 0) {
      marks.select({ list: 'contours', at: i }, Math.max(point, 0));
      const isEdit = event.shiftKey && chosen?.at === i;
      return isEdit ? editPoint(context, marks, at, point, part) : contourDrag(marks, i, mark, at, point);
    }
  }
  return null;
}

function contourDrag(marks: Marks, i: number, mark: ContourMark, from: PlanePoint, point: number): Drag {
  const { slice, spots } = contourOn(mark.points_mm, from.view);
  const made = (moved: Spot[]): ContourMark => ({ ...mark, points_mm: lift(moved, slice, from.view) });
  return pointsDrag(from, {
    moved: point >= 0 ? moveOne(spots, point) : moveAll(spots, from),
    hold: moved => marks.hold('contours', i, made(moved)),
    done: moved => {
      if (areaOf(moved) > 0) {
        marks.replace('contours', i, made(moved), point >= 0 ? 'move a point of' : 'move');
        marks.select({ list: 'contours', at: i }, Math.max(point, 0));
      }
    },
    drop: () => marks.letGo()
  });
}

/** Shift + click: take the point there away, or add one on the line. */
function editPoint(context: Context, marks: Marks, at: PlanePoint, point: number, part: number): null {
  if (point >= 0) {
    removePoint(context, marks, point);
  } else {
    addPoint(marks, part, spotOf(at), at.view);
  }
  return null;
}

/** Take a point of the chosen contour away. */
export function removePoint(context: Context, marks: Marks, point: number): void {
  const chosen = marks.chosen('contours');
  const rest = chosen?.mark.points_mm.filter((_, i) => i !== point) ?? [];
  if (chosen && rest.length >= 3) {
    marks.replace('contours', chosen.at, { ...chosen.mark, points_mm: rest }, 'remove a point of');
    marks.select({ list: 'contours', at: chosen.at }, Math.min(point, rest.length - 1));
  } else {
    context.say('A contour keeps at least three points; delete it as a whole instead.');
  }
}

/** Add a point to the chosen contour after one of its points. */
export function addPoint(marks: Marks, after: number, spot: Spot, view: PlaneView): void {
  const chosen = marks.chosen('contours');
  if (chosen) {
    const { slice } = contourOn(chosen.mark.points_mm, view);
    const points_mm = [...chosen.mark.points_mm];
    points_mm.splice(after + 1, 0, ...lift([spot], slice, view));
    marks.replace('contours', chosen.at, { ...chosen.mark, points_mm }, 'add a point to');
    marks.select({ list: 'contours', at: chosen.at }, after + 1);
  }
}
