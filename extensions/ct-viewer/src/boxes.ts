/** Boxes around findings: drawn in every plane that cuts them; drawn, moved and resized by hand. */
import { BOX_COLOUR, drawBox, isCut, toBoxMark, toIndexBox, type IndexBox } from './box_shape';
import type { Context, Drag, Feature, Pen, PlanePoint } from './context';
import type { Spot } from './flat';
import { CLICK_PX, drawHandles, handleAt, partAt } from './handles';
import { marksOf, type Marks } from './marks';
import type { PlaneView } from './plane_view';
import { pointTool, type Draft } from './point_tool';
import type { BoxMark, Triple } from './types';

export { BOX_COLOUR, drawBox, isCut, toIndexBox, type IndexBox } from './box_shape';

// The sides that a handle moves: −1 the low one, 1 the high one, 0 none; columns first.
const HANDLES: readonly Spot[] = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];
// A thinner box could not be taken hold of any more, in voxels.
const THINNEST = 0.5;

export function boxes(context: Context): Feature {
  const marks = marksOf(context);
  const tool = pointTool(context, {
    id: 'box', label: 'Box', key: 'b', needed: 2,
    title: 'Draw a box: drag, or click or press Enter at two corners',
    next: ['First corner set; click, or press Enter, at the opposite one'],
    done: draft => addBox(context, marks, draft)
  });
  return {
    tools: [tool],
    draw(pen) {
      const { view, plane, shown } = pen;
      const { grid } = view.volume;
      const reach = Math.floor(context.state.get('slab_mm') / 2 / grid.spacing[plane.normal] + 1e-6);
      let count = 0;
      marks.shown('boxes').forEach((mark, at) => {
        const box = toIndexBox(mark, grid);
        if (isCut(box, plane.normal, shown, reach)) {
          count += 1;
          drawBox(pen, box, BOX_COLOUR, marks.isChosen('boxes', at) ? 2.5 : 1.5);
        }
      });
      view.canvas.dataset.boxes = String(count);
      drawChosen(pen, marks);
      const draft = tool.draft(view);
      if (draft) {
        drawDraft(pen, draft);
      }
    },
    grab: (at, event) => grabBox(context, marks, at, event),
    hover(at) {
      tool.follow(at);
      return '';
    }
  };
}

function addBox(context: Context, marks: Marks, draft: Draft): void {
  const mark = boxOf(draft);
  if (!mark) {
    context.say('A box needs two corners apart from each other, in width and in height.');
  } else if (marks.add('boxes', mark)) {
    const [x, y, z] = mark.size_mm.map(side => side.toFixed(1));
    context.say(`Box of ${x} × ${y} × ${z} mm; its depth is a guess: drag its edges in the other planes`);
  }
}

/** Give the box of two corners; nobody has said how deep it is, so it is as deep as it is wide and high on average. */
function boxOf({ view, slice, spots }: Draft): BoxMark | null {
  const { plane, volume } = view;
  const { grid } = volume;
  const [first, second] = [spots[0], spots[spots.length - 1]];
  const [wide, high] = [Math.abs(first[0] - second[0]), Math.abs(first[1] - second[1])];
  if (wide < THINNEST || high < THINNEST) {
    return null;
  }
  const mean = (wide * grid.spacing[plane.column] + high * grid.spacing[plane.row]) / 2;
  const deep = Math.max(mean / grid.spacing[plane.normal], 1) / 2;
  const box: IndexBox = { low: [0, 0, 0], high: [0, 0, 0], label: '' };
  [box.low[plane.normal], box.high[plane.normal]] = [slice - deep, slice + deep];
  [box.low[plane.column], box.high[plane.column]] = [first[0], second[0]];
  [box.low[plane.row], box.high[plane.row]] = [first[1], second[1]];
  return toBoxMark(box, grid);
}

function drawDraft(pen: Pen, draft: Draft): void {
  const mark = boxOf(draft);
  if (mark) {
    const label = mark.size_mm.map(side => side.toFixed(1)).join(' × ') + ' mm';
    drawBox(pen, { ...toIndexBox(mark, pen.view.volume.grid), label }, BOX_COLOUR);
  }
  drawHandles(pen.context, [pen.camera.toScreen(...draft.spots[0])], BOX_COLOUR);
}

function drawChosen(pen: Pen, marks: Marks): void {
  const chosen = marks.chosen('boxes');
  const box = chosen && toIndexBox(chosen.mark, pen.view.volume.grid);
  if (box && isCut(box, pen.plane.normal, pen.shown)) {
    drawHandles(pen.context, handlesOf(box, pen.view), BOX_COLOUR);
  }
}

function handlesOf(box: IndexBox, view: PlaneView): Spot[] {
  const { plane, camera } = view;
  const at = (axis: 0 | 1 | 2, side: number): number =>
    side < 0 ? box.low[axis] : side > 0 ? box.high[axis] : (box.low[axis] + box.high[axis]) / 2;
  return HANDLES.map(([x, y]) => camera.toScreen(at(plane.column, x), at(plane.row, y)));
}

function grabBox(context: Context, marks: Marks, at: PlanePoint, event: PointerEvent): Drag | null {
  const { view } = at;
  const { plane, volume } = view;
  const shown = view.shownIndex ?? view.wished;
  if (event.button !== 0) {
    return null;
  }
  const chosen = marks.chosen('boxes');
  const found = marks.shown('boxes').map((mark, i) => ({ i, mark, box: toIndexBox(mark, volume.grid) }))
    .filter(one => isCut(one.box, plane.normal, shown))
    // With a tool in the hand only the chosen box can be taken, so that others can be drawn over it.
    .filter(one => one.i === chosen?.at || !context.tool);
  const held = found.find(one => one.i === chosen?.at);
  const handle = held ? handleAt(at.x, at.y, handlesOf(held.box, view)) : -1;
  if (held && handle >= 0) {
    return boxDrag(marks, held.i, held.mark, at, HANDLES[handle]);
  }
  const edge = [...(held ? [held] : []), ...found].find(one => {
    const corners = handlesOf(one.box, view).filter((_, i) => i % 2 === 0);
    return partAt(at.x, at.y, corners, true) >= 0;
  });
  if (!edge) {
    return null;
  }
  marks.select({ list: 'boxes', at: edge.i });
  return boxDrag(marks, edge.i, edge.mark, at, null);
}

/** Move the whole box, or the sides that a handle moves. */
function boxDrag(marks: Marks, i: number, mark: BoxMark, from: PlanePoint, sides: Spot | null): Drag {
  const { plane, volume } = from.view;
  const moved = (at: PlanePoint): BoxMark => {
    const box = toIndexBox(mark, volume.grid);
    for (const [axis, side] of [[plane.column, sides?.[0]], [plane.row, sides?.[1]]] as const) {
      const by = at.index[axis] - from.index[axis];
      const last = volume.grid.shape[axis] - 0.5;
      if (side === undefined) {
        // Its centre stays in the volume.
        const centre = (box.low[axis] + box.high[axis]) / 2;
        const kept = Math.min(Math.max(centre + by, -0.5), last) - centre;
        [box.low[axis], box.high[axis]] = [box.low[axis] + kept, box.high[axis] + kept];
      } else if (side < 0) {
        box.low[axis] = Math.max(Math.min(box.low[axis] + by, box.high[axis] - THINNEST), Math.min(-0.5, box.low[axis]));
      } else if (side > 0) {
        box.high[axis] = Math.min(Math.max(box.high[axis] + by, box.low[axis] + THINNEST), Math.max(last, box.high[axis]));
      }
    }
    return toBoxMark(box, volume.grid);
  };
  return {
    move: at => marks.hold('boxes', i, moved(at)),
    end(at) {
      marks.letGo();
      if (Math.hypot(at.x - from.x, at.y - from.y) >= CLICK_PX) {
        marks.replace('boxes', i, moved(at), sides ? 'resize' : 'move');
      }
    },
    cancel: () => marks.letGo()
  };
}

/** Give a box with another centre or size, or the reason why it cannot be. */
export function withNumbers(mark: BoxMark, centre: Triple, size: Triple): BoxMark | string {
  if (![...centre, ...size].every(Number.isFinite) || size.some(side => side <= 0)) {
    return 'A box needs a number in every field, and sizes above 0 mm.';
  }
  return { ...mark, centre_mm: centre, size_mm: size };
}
