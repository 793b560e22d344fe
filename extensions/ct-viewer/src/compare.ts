/** Two volumes of one patient: the second laid over the first, or side by side at the same patient position. */
import { compareControls } from './compare_controls';
import type { Context, Feature, Pen, PlanePoint } from './context';
import { FONT, MARGIN, text, TEXT_COLOUR } from './overlays';
import { Overlaid } from './overlaid';
import type { PlaneView } from './plane_view';
import type { ShownVolume } from './shown_volume';
import { sideBySide } from './side_by_side';
import { keyOf, type SliceAsk } from './slices';
import type { Triple } from './types';

const CURTAIN = '#000';
const WIDE_PX = 300;

export function compare(context: Context): Feature {
  const other = context.volumes.at(1);
  if (!other) {
    return {};
  }
  const { state, source } = context;
  const controls = compareControls(context, other);
  const overlaid = new Overlaid(context, other);
  return {
    controls: [controls.element],
    layouts: [sideBySide(context, other)],
    wants: (view, index) => (isUnder(view) && state.get('compare').mode !== 'off' ? [askOf(view, index)] : []),
    under(pen) {
      const sentence = pen.view.volume === other ? curtain(pen, other, state.position) : null;
      if (isUnder(pen.view) && state.get('compare').mode !== 'off') {
        overlaid.draw(pen, source.cache.get(keyOf(askOf(pen.view, pen.shown))));
      }
      tell(pen, sentence ?? beside(pen, other, state.position, state.get('compare').mode !== 'off'));
    },
    hover(at) {
      const slice = state.get('compare').mode === 'off' || !isUnder(at.view)
        ? undefined
        : source.cache.get(keyOf(askOf(at.view, at.index[at.view.plane.normal])));
      const stored = slice?.values[cellOf(at, slice.columns)];
      return stored === undefined ? '' : `${other.facts.title}: ${other.say(stored)}`;
    },
    update: () => controls.update(),
    clear: () => overlaid.clear(),
    close: () => overlaid.clear()
  };

  function askOf(view: PlaneView, index: number): SliceAsk {
    return { ...view.ask(index), layer: 'v1', on: 'v0' };
  }
}

/** Whether something can lie over this plane: those of the shown volume. */
function isUnder(view: PlaneView): boolean {
  return view.volume.id === 'v0';
}

function cellOf(at: PlanePoint, columns: number): number {
  const { plane } = at.view;
  return Math.floor(at.index[plane.row] + 0.5) * columns + Math.floor(at.index[plane.column] + 0.5);
}

/** Hide a slice that does not lie at the position: no picture is better than one of another place. */
function curtain({ context, camera, plane }: Pen, other: ShownVolume, position: Triple): string | null {
  const at = other.grid.toIndex(position)[plane.normal];
  if (isWithin(at, other.grid.shape[plane.normal])) {
    return null;
  }
  context.fillStyle = CURTAIN;
  context.fillRect(0, 0, camera.width, camera.height);
  return `${other.facts.title} has no slice at this position`;
}

/** Say that the crosshair has left the second volume, although the slice reaches into it. */
function beside({ view }: Pen, other: ShownVolume, position: Triple, isLaidOver: boolean): string | null {
  const index = other.grid.toIndex(position);
  const isInside = index.every((at, axis) => isWithin(at, other.grid.shape[axis]));
  const isShown = view.volume === other || isLaidOver;
  return isInside || !isShown ? null : `The crosshair lies outside of ${other.facts.title}`;
}

function isWithin(at: number, count: number): boolean {
  return at >= -0.5 && at < count - 0.5;
}

/** Put the sentence on the plane, for eyes and for screen readers. */
function tell({ context, camera, view }: Pen, sentence: string | null): void {
  if (sentence === null) {
    view.canvas.removeAttribute('data-outside');
    view.canvas.removeAttribute('aria-description');
    return;
  }
  view.canvas.dataset.outside = '';
  view.canvas.setAttribute('aria-description', sentence);
  const y = camera.height - MARGIN - 46;
  const middle = sentence.lastIndexOf(' ', sentence.length / 2);
  const lines = camera.width < WIDE_PX ? [sentence.slice(0, middle), sentence.slice(middle + 1)] : [sentence];
  lines.forEach((words, i) => text(context, words, camera.width / 2, y + i * 16, 'center', TEXT_COLOUR, FONT));
}
