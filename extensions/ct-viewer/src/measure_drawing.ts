/** How measurements look, and the words beside them. */
import type { Pen } from './context';
import { screen, type Spot } from './flat';
import { FONT, text } from './overlays';
import type { PlaneView } from './plane_view';
import type { ShownVolume } from './shown_volume';
import type { Measurement, Statistics } from './types';
import { signed } from './words';

export const MEASURE_COLOUR = '#ffdd57';
const AROUND = 64;
const LINE_PX = 14;

type Kind = Measurement['kind'];

/** The line of a measurement on the canvas; a region between two corners is a closed one. */
export function outlineOf(kind: Kind, spots: readonly Spot[], view: PlaneView): { path: Spot[]; isClosed: boolean } {
  const isRegion = kind === 'ellipse' || kind === 'rectangle';
  if (!isRegion || spots.length < 2) {
    return { path: screen(spots, view), isClosed: false };
  }
  if (kind === 'rectangle') {
    return { path: screen(handlesOf(kind, spots), view), isClosed: true };
  }
  const [[x0, y0], [x1, y1]] = spots;
  const path = Array.from({ length: AROUND }, (_, i) => {
    const turn = (i / AROUND) * 2 * Math.PI;
    return [(x0 + x1) / 2 + ((x1 - x0) / 2) * Math.cos(turn), (y0 + y1) / 2 + ((y1 - y0) / 2) * Math.sin(turn)] as Spot;
  });
  return { path: screen(path, view), isClosed: true };
}

/** Where a measurement can be taken: its points, or the four corners of a region, around it. */
export function handlesOf(kind: Kind, spots: readonly Spot[]): Spot[] {
  if (kind === 'distance' || kind === 'angle') {
    return [...spots];
  }
  const [[x0, y0], [x1, y1]] = spots;
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/** A measurement in words, one line each. */
export function linesOf(mark: Measurement, volume: ShownVolume): string[] {
  const lines = mark.statistics
    ? [`${valueWords(mark, volume)}`, `${mark.statistics.area_mm2.toFixed(1)} mm²${slabWords(mark.statistics)}`]
    : [valueWords(mark, volume)];
  return mark.label ? [mark.label, ...lines] : lines;
}

/** Its value with the unit; of a region the mean and the standard deviation. */
export function valueWords(mark: Measurement, volume: ShownVolume): string {
  if (mark.kind === 'distance') {
    return `${mark.value.toFixed(1)} mm`;
  }
  if (mark.kind === 'angle') {
    return `${mark.value.toFixed(1)}°`;
  }
  const unit = mark.unit === 'arbitrary' ? '' : ` ${mark.unit}`;
  const { statistics } = mark;
  return statistics ? `${numberWords(statistics.mean, volume)} ± ${numberWords(statistics.sd, volume)}${unit}` : '';
}

/** A value with one digit more than single pixels have. */
export function numberWords(value: number, volume: ShownVolume): string {
  return signed(volume.isWhole ? value.toFixed(1) : String(Number(value.toPrecision(4))));
}

/** Says that the pixels were those of a projected slab, not of the slice alone. */
export function slabWords({ slab_mm, slab_mode }: Statistics): string {
  return slab_mm ? `, of a ${slab_mode || 'mean'} slab of ${slab_mm} mm` : '';
}

/** Write to the right of a path, or to its left where there is no room, so that nothing leaves the plane. */
export function drawWords({ context, camera }: Pen, path: readonly Spot[], lines: readonly string[]): void {
  if (path.length === 0 || lines.length === 0) {
    return;
  }
  const [x, y] = path.reduce((best, spot) => (spot[0] > best[0] ? spot : best));
  context.font = FONT;
  const wide = Math.max(...lines.map(line => context.measureText(line).width));
  const before = Math.min(...path.map(spot => spot[0])) - 10 - wide;
  const isRoom = x + 10 + wide <= camera.width - 6 || before < 4;
  const left = isRoom ? Math.max(4, Math.min(x + 10, camera.width - wide - 6)) : before;
  const top = Math.max(10, Math.min(y - ((lines.length - 1) * LINE_PX) / 2, camera.height - lines.length * LINE_PX));
  lines.forEach((line, i) => text(context, line, left, top + i * LINE_PX, 'left', MEASURE_COLOUR, FONT));
}
