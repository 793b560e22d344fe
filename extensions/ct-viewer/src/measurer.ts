/** Makes measurements of points, waiting for the full slice where only a coarse one, or none, is there. */
import type { Context, Pen } from './context';
import { lift } from './flat';
import { drawPath } from './handles';
import { marksOf, type Marks } from './marks';
import { drawWords, linesOf, MEASURE_COLOUR, outlineOf } from './measure_drawing';
import type { PlaneView } from './plane_view';
import type { Draft } from './point_tool';
import { angleDegrees, areaMm2, distanceMm, measureRegion } from './region';
import { keyOf, type Slice, type SliceAsk } from './slices';
import type { Measurement, Statistics } from './types';

type Kind = Measurement['kind'];
// Ends closer than this are one place.
const SHORTEST_MM = 1e-3;
const WAITING = 'waiting for the full slice …';

interface Pending {
  kind: Kind;
  draft: Draft;
  /** The measurement it changes, and the verb; null for a new one. */
  changes: { at: number; mark: Measurement; verb: string } | null;
}

export class Measurer {
  private pending: Pending | null = null;

  constructor(
    private readonly context: Context,
    private readonly marks: Marks
  ) {}

  add(kind: Kind, draft: Draft): void {
    this.settle({ kind, draft, changes: null });
  }

  change(at: number, mark: Measurement, draft: Draft, verb: string): void {
    this.settle({ kind: mark.kind, draft, changes: { at, mark, verb } });
  }

  /** Give the measurement of points, or null while its pixels are not here. */
  measure(kind: Kind, draft: Draft, label: string): Measurement | null {
    const { view } = draft;
    const points_mm = lift(draft.spots, draft.slice, view);
    const base = { kind, plane: view.plane.name, points_mm, label };
    if (kind === 'distance') {
      return { ...base, value: distanceMm(points_mm[0], points_mm[1]), unit: 'mm' };
    }
    if (kind === 'angle') {
      return { ...base, value: angleDegrees(points_mm[0], points_mm[1], points_mm[2]), unit: 'deg' };
    }
    const slice = this.sliceOf(draft);
    const statistics = slice && measureRegion(kind, draft.spots, slice, view);
    if (!statistics) {
      return null;
    }
    return { ...base, value: statistics.mean, unit: view.volume.facts.unit, statistics: { ...statistics, ...this.slab() } };
  }

  /** Words beside what is half drawn. */
  preview(kind: Kind, draft: Draft): string[] {
    const isFull = draft.spots.length === (kind === 'angle' ? 3 : 2);
    if (!isFull) {
      return [];
    }
    const mark = this.measure(kind, draft, '');
    return mark ? linesOf(mark, draft.view.volume) : this.sliceOf(draft) ? [] : [WAITING];
  }

  /** The slice that a measurement waits for. */
  wants(view: PlaneView): SliceAsk[] {
    const draft = this.pending?.draft;
    return draft && this.isOf(draft, view) ? [view.ask(draft.slice)] : [];
  }

  /** Go on once the slice has come. */
  look(view: PlaneView): void {
    const { pending } = this;
    if (pending && this.isOf(pending.draft, view) && this.sliceOf(pending.draft)) {
      this.pending = null;
      // Not while planes are being drawn.
      queueMicrotask(() => this.settle(pending));
    }
  }

  drawWaiting(pen: Pen): void {
    const { pending } = this;
    if (pending && this.isOf(pending.draft, pen.view) && pending.draft.slice === pen.shown) {
      const { path, isClosed } = outlineOf(pending.kind, pending.draft.spots, pen.view);
      drawPath(pen.context, path, MEASURE_COLOUR, { isClosed, dash: [4, 3] });
      drawWords(pen, path, [WAITING]);
    }
  }

  private settle(pending: Pending): void {
    const { kind, draft, changes } = pending;
    const problem = this.problem(kind, draft);
    if (problem) {
      this.context.say(problem);
      return;
    }
    const mark = this.measure(kind, draft, changes?.mark.label ?? '');
    if (!mark) {
      this.wait(pending);
    } else if (changes) {
      this.marks.replace('measurements', changes.at, mark, changes.verb);
      this.tell(mark, draft);
    } else if (this.marks.add('measurements', mark)) {
      this.tell(mark, draft);
    }
  }

  private wait(pending: Pending): void {
    if (this.sliceOf(pending.draft)) {
      this.context.say('This region holds no pixel with a value; draw it larger or elsewhere.');
      return;
    }
    this.pending = pending;
    this.context.say('Values are measured once the slice is here in full resolution.');
    this.context.refresh();
  }

  private problem(kind: Kind, { view, slice, spots }: Draft): string | null {
    const points = lift(spots, slice, view);
    const isShort = points.some((point, i) => i > 0 && distanceMm(point, points[i - 1]) < SHORTEST_MM);
    if (isShort) {
      return 'Two points lie at the same place; nothing was measured.';
    }
    const isRegion = kind === 'ellipse' || kind === 'rectangle';
    return isRegion && areaMm2(kind, spots, view) <= 0 ? 'A region needs a width and a height.' : null;
  }

  private tell(mark: Measurement, { view }: Draft): void {
    this.context.say(`${mark.kind}: ${linesOf({ ...mark, label: '' }, view.volume).join(', ')}`);
  }

  private isOf(draft: Draft, view: PlaneView): boolean {
    return draft.view.plane.name === view.plane.name && view.volume.id === draft.view.volume.id;
  }

  private sliceOf({ view, slice }: Draft): Slice | null {
    return this.context.source.cache.get(keyOf(view.ask(slice))) ?? null;
  }

  private slab(): Pick<Statistics, 'slab_mm' | 'slab_mode'> {
    const slab = this.context.state.get('slab_mm');
    return slab > 0 ? { slab_mm: slab, slab_mode: this.context.state.get('slab_mode') } : {};
  }
}

const known = new WeakMap<Context, Measurer>();

/** The measurer of one view, which waits for one slice at a time. */
export function measurerOf(context: Context): Measurer {
  const found = known.get(context) ?? new Measurer(context, marksOf(context));
  known.set(context, found);
  return found;
}
