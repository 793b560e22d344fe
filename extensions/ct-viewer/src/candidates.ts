/** Candidates of a detector and the ground truth: drawn, stepped through, agreed with or rejected. */
import { drawBox, isCut, toIndexBox } from './box_shape';
import { candidatePanel } from './candidate_panel';
import { CandidateReview, sayScore } from './candidate_review';
import type { Context, Feature, Pen, PlanePoint } from './context';
import { FONT, text } from './overlays';
import type { ShownVolume } from './shown_volume';
import type { Candidate, Triple } from './types';

// Told apart by form as well: whole, with a tick, broken with a cross. Okabe and Ito's hues, lightened for black.
export const COLOURS = { none: '#f0e442', agree: '#2fcf9f', reject: '#ff8c42' } as const;
export const TRUTH_COLOUR = '#e79cc9';
// A candidate without a diameter is drawn this large, and small ones stay visible.
const UNKNOWN_MM = 10;
const LEAST_PX = 7;
const NEAR_PX = 5;

export function candidates(context: Context): Feature {
  const review = new CandidateReview(context);
  const placed = new Places();
  const panel = candidatePanel(context, review);
  const truth = () => context.state.get('truth');
  return {
    panel: { id: 'candidates', title: 'Candidates', element: panel.element },
    keys: [
      { key: 'n', what: 'next candidate', run: () => review.all.length > 0 && review.step(1) },
      { key: 'p', what: 'previous candidate', run: () => review.all.length > 0 && review.step(-1) },
      { key: 'a', what: 'agree with the candidate; once more takes it back', run: () => review.all.length > 0 && review.judge('agree') },
      { key: 'x', what: 'reject the candidate; once more takes it back', run: () => review.all.length > 0 && review.judge('reject') },
      { key: 't', what: 'ground truth on or off', run: () => truth().length > 0 && turnTruth(context) }
    ],
    update: panel.update,
    draw(pen) {
      const rows = placed.cut(pen, review, context.state.get('slab_mm'));
      const { chosen } = review;
      rows.forEach(row => drawCandidate(pen, review, placed.of(pen.view.volume, review.all)[row], row, row === chosen));
      const boxes = context.state.get('truth_visible') ? truth().map(mark => toIndexBox(mark, pen.view.volume.grid)) : [];
      const cut = boxes.filter(box => isCut(box, pen.plane.normal, pen.shown));
      cut.forEach(box => drawBox(pen, { ...box, label: box.label || 'truth' }, TRUTH_COLOUR));
      pen.view.canvas.dataset.candidates = String(rows.length);
      pen.view.canvas.dataset.truth = String(cut.length);
    },
    grab(at, event) {
      const row = context.tool === null && event.button === 0 ? placed.under(at, review) : null;
      if (row !== null) {
        // The click also moves the crosshair, as everywhere.
        review.choose(row, false);
      }
      return null;
    },
    hover(at) {
      const row = context.state.overlays ? placed.under(at, review) : null;
      return row === null ? '' : review.describe(row).toLowerCase();
    }
  };
}

function turnTruth({ state }: Context): boolean {
  state.set({ truth_visible: !state.get('truth_visible') });
  return true;
}

/** Where the candidates lie in the voxels of each volume, worked out once for a list. */
class Places {
  private readonly known = new Map<string, { list: readonly Candidate[]; at: Triple[] }>();

  of(volume: ShownVolume, list: readonly Candidate[]): Triple[] {
    let known = this.known.get(volume.id);
    if (known?.list !== list) {
      known = { list, at: list.map(one => volume.grid.toIndex(one.position_mm)) };
      this.known.set(volume.id, known);
    }
    return known.at;
  }

  /** The rows of the shown candidates that reach into a slice or its slab. */
  cut({ view, plane, shown }: Pen, review: CandidateReview, slab: number): number[] {
    const at = this.of(view.volume, review.all);
    const spacing = view.volume.grid.spacing[plane.normal];
    const rows: number[] = [];
    for (let row = 0; row < review.shown; row++) {
      const apart = Math.abs(at[row][plane.normal] - shown) * spacing - slab / 2;
      if (apart <= Math.max(radiusOf(review.all[row]), spacing / 2)) {
        rows.push(row);
      }
    }
    return rows;
  }

  /** The row of the candidate whose ring lies under the pointer; of several the smallest. */
  under({ view, x, y }: PlanePoint, review: CandidateReview): number | null {
    const { plane, camera, shownIndex } = view;
    if (shownIndex === null || review.all.length === 0) {
      return null;
    }
    const context = view.canvas.getContext('2d', { alpha: false });
    const rows = context ? this.cut({ context, view, camera, plane, shown: shownIndex }, review, 0) : [];
    const at = this.of(view.volume, review.all);
    const near = rows.filter(row => {
      const [cx, cy] = camera.toScreen(at[row][plane.column], at[row][plane.row]);
      return Math.hypot(cx - x, cy - y) <= Math.max(radiusOf(review.all[row]) * camera.scale, LEAST_PX) + NEAR_PX;
    });
    near.sort((a, b) => radiusOf(review.all[a]) - radiusOf(review.all[b]));
    return near.at(0) ?? null;
  }
}

function radiusOf(candidate: Candidate): number {
  return (candidate.diameter_mm || UNKNOWN_MM) / 2;
}

/** A ring as wide as the candidate; the chosen one has ticks and its score. */
function drawCandidate(pen: Pen, review: CandidateReview, at: Triple, row: number, isChosen: boolean): void {
  const { context, camera, plane } = pen;
  const candidate = review.all[row];
  const verdict = review.verdict(candidate);
  const colour = COLOURS[verdict ?? 'none'];
  const [x, y] = camera.toScreen(at[plane.column], at[plane.row]);
  const radius = Math.max(radiusOf(candidate) * camera.scale, LEAST_PX);
  context.save();
  for (const [width, style] of [[isChosen ? 5 : 3.5, 'rgba(0, 0, 0, 0.55)'], [isChosen ? 2.5 : 1.5, colour]] as const) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.setLineDash(verdict === 'reject' ? [5, 4] : []);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    for (const [dx, dy] of isChosen ? [[1, 0], [-1, 0], [0, 1], [0, -1]] : []) {
      context.moveTo(x + dx * (radius + 2), y + dy * (radius + 2));
      context.lineTo(x + dx * (radius + 8), y + dy * (radius + 8));
    }
    context.stroke();
  }
  context.restore();
  const mark = verdict === 'agree' ? ' ✓' : verdict === 'reject' ? ' ✗' : '';
  const words = isChosen ? `${row + 1}: ${sayScore(candidate.score)}${mark}` : mark.trim();
  if (words) {
    text(context, words, x + radius * 0.75 + 4, y - radius * 0.75 - 6, 'left', colour, FONT);
  }
}
