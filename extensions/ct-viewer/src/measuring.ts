/** Distances, angles and regions with the statistics of their pixels; each belongs to the slice it was drawn on. */
import type { Context, Drag, Feature, Pen, PlanePoint } from './context';
import { flatten, isOn, lift, screen, type Spot } from './flat';
import { drawHandles, drawPath, handleAt, partAt } from './handles';
import { marksOf, type Marks } from './marks';
import { MEASURE_COLOUR, handlesOf, linesOf, outlineOf, drawWords } from './measure_drawing';
import { measurerOf, type Measurer } from './measurer';
import { pointTool, type Draft, type PointTool } from './point_tool';
import { moveAll, moveOne, pointsDrag, type PointsDrag } from './points_drag';
import type { Measurement } from './types';

type Kind = Measurement['kind'];
const CORNERS = 'First corner set; click, or press Enter, at the opposite one';
const TOOLS: { kind: Kind; label: string; key: string; needed: number; title: string; next: string[] }[] = [
  {
    kind: 'distance', label: 'Distance', key: 'd', needed: 2,
    title: 'Measure a distance: drag, or click or press Enter at both ends',
    next: ['First end set; click, or press Enter, at the other one']
  },
  {
    kind: 'angle', label: 'Angle', key: 'g', needed: 3,
    title: 'Measure an angle: click or press Enter at the end of an arm, the vertex, the other end',
    next: ['End of an arm set; the vertex next', 'Vertex set; the end of the other arm next']
  },
  {
    kind: 'ellipse', label: 'Ellipse', key: 'e', needed: 2,
    title: 'Measure the values in an ellipse: drag, or click or press Enter at two corners around it', next: [CORNERS]
  },
  {
    kind: 'rectangle', label: 'Rectangle', key: 'q', needed: 2,
    title: 'Measure the values in a rectangle: drag, or click or press Enter at two corners', next: [CORNERS]
  }
];

export function measuring(context: Context): Feature {
  const marks = marksOf(context);
  const measurer = measurerOf(context);
  const tools = TOOLS.map(({ kind, ...spec }) => ({
    kind, tool: pointTool(context, { ...spec, id: kind, done: draft => measurer.add(kind, draft) })
  }));
  return {
    tools: tools.map(one => one.tool),
    wants: view => measurer.wants(view),
    under: pen => measurer.look(pen.view),
    draw(pen) {
      let count = 0;
      marks.shown('measurements').forEach((mark, at) => {
        count += drawMeasurement(pen, mark, marks.isChosen('measurements', at), context) ? 1 : 0;
      });
      pen.view.canvas.dataset.measurements = String(count);
      tools.forEach(({ kind, tool }) => drawDraft(pen, kind, tool, measurer));
      measurer.drawWaiting(pen);
    },
    grab: (at, event) => grabMeasurement(context, marks, measurer, at, event),
    hover(at) {
      tools.forEach(({ tool }) => tool.follow(at));
      return '';
    }
  };
}

function drawMeasurement(pen: Pen, mark: Measurement, isChosen: boolean, context: Context): boolean {
  const { view } = pen;
  const flat = flatten(mark.points_mm, view);
  if (!isOn(flat, view, pen.shown, context.state.get('slab_mm'))) {
    return false;
  }
  const { path, isClosed } = outlineOf(mark.kind, flat.spots, view);
  drawPath(pen.context, path, MEASURE_COLOUR, { isClosed, width: isChosen ? 2.5 : 1.5 });
  if (isChosen) {
    drawHandles(pen.context, screen(handlesOf(mark.kind, flat.spots), view), MEASURE_COLOUR);
  }
  drawWords(pen, path, linesOf(mark, view.volume));
  return true;
}

function drawDraft(pen: Pen, kind: Kind, tool: PointTool, measurer: Measurer): void {
  const draft = tool.draft(pen.view);
  if (draft) {
    const { path, isClosed } = outlineOf(kind, draft.spots, pen.view);
    drawPath(pen.context, path, MEASURE_COLOUR, { isClosed, dash: [4, 3] });
    drawHandles(pen.context, screen(draft.spots.slice(0, 1), pen.view), MEASURE_COLOUR);
    drawWords(pen, path, measurer.preview(kind, draft));
  }
}

function grabMeasurement(
  context: Context, marks: Marks, measurer: Measurer, at: PlanePoint, event: PointerEvent
): Drag | null {
  const { view, x, y } = at;
  if (event.button !== 0 || view.volume.id !== 'v0') {
    return null;
  }
  const chosen = marks.chosen('measurements');
  const all = marks.shown('measurements').map((mark, i) => ({ mark, i }));
  // The chosen one first; with a tool in the hand only that one can be taken.
  const order = [...all.filter(one => one.i === chosen?.at), ...(context.tool ? [] : all.filter(one => one.i !== chosen?.at))];
  for (const { mark, i } of order) {
    const flat = flatten(mark.points_mm, view);
    if (mark.plane !== view.plane.name || !isOn(flat, view, view.shownIndex ?? view.wished, 0)) {
      continue;
    }
    const { path, isClosed } = outlineOf(mark.kind, flat.spots, view);
    const handle = i === chosen?.at ? handleAt(x, y, screen(handlesOf(mark.kind, flat.spots), view)) : -1;
    if (handle >= 0 || partAt(x, y, path, isClosed) >= 0) {
      marks.select({ list: 'measurements', at: i }, Math.max(Math.min(handle, mark.points_mm.length - 1), 0));
      return measureDrag(marks, measurer, i, mark, at, handle);
    }
  }
  return null;
}

function measureDrag(
  marks: Marks, measurer: Measurer, i: number, mark: Measurement, from: PlanePoint, handle: number
): Drag {
  const { view } = from;
  const { slice, spots } = flatten(mark.points_mm, view);
  const draft = (moved: Spot[]): Draft => ({ view, slice: Math.floor(slice + 0.5), spots: moved });
  return pointsDrag(from, {
    moved: handle >= 0 ? reshape(mark.kind, spots, handle) : moveAll(spots, from),
    hold(moved) {
      const points_mm = lift(moved, draft(moved).slice, view);
      marks.hold('measurements', i, measurer.measure(mark.kind, draft(moved), mark.label) ?? { ...mark, points_mm });
    },
    done: moved => measurer.change(i, mark, draft(moved), handle >= 0 ? 'reshape' : 'move'),
    drop: () => marks.letGo()
  });
}

/** Move a point; of a region, the corner that was taken while the opposite one stays. */
function reshape(kind: Kind, spots: readonly Spot[], handle: number): PointsDrag['moved'] {
  if (kind === 'distance' || kind === 'angle') {
    return moveOne(spots, handle);
  }
  const corners = handlesOf(kind, spots);
  return (_, to) => [to, corners[(handle + 2) % 4]];
}
