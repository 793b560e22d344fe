/** What is drawn on top of a slice: crosshair, boxes, orientation letters, scale bar, caption. */
import type { Camera } from './camera';
import { AXIS_LETTERS, type Plane } from './planes';
import type { Triple } from './types';

type Context = CanvasRenderingContext2D;

/** One colour per cutting plane, indexed by its normal axis (z, y, x): tells which line is which plane. */
export const PLANE_COLOURS = ['#f2a25c', '#5fcfa5', '#e8d85f'];
export const TEXT_COLOUR = '#e6e6e6';
export const FONT = '12px system-ui, sans-serif';
const BOLD = 'bold 13px system-ui, sans-serif';
export const MARGIN = 8;
const CROSSHAIR_GAP = 14;
// Narrower planes have no room for the number of slices beside the letter at the top.
const NARROW_PX = 300;
const TINY_PX = 190;
const BAR_LENGTHS_MM = [1000, 500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];

export function drawCrosshair(context: Context, camera: Camera, plane: Plane, index: Triple): void {
  // On half pixels, so that a line one pixel wide is one pixel wide.
  const [x, y] = camera.toScreen(index[plane.column], index[plane.row]).map(at => Math.floor(at) + 0.5);
  const { width, height } = camera;
  line(context, PLANE_COLOURS[plane.column], [[x, 0, x, y - CROSSHAIR_GAP], [x, y + CROSSHAIR_GAP, x, height]]);
  line(context, PLANE_COLOURS[plane.row], [[0, y, x - CROSSHAIR_GAP, y], [x + CROSSHAIR_GAP, y, width, y]]);
}

export function drawLetters(context: Context, camera: Camera, plane: Plane): void {
  const { width, height } = camera;
  const { left, right, top, bottom } = plane.letters;
  text(context, left, MARGIN, height / 2, 'left', TEXT_COLOUR, BOLD);
  text(context, right, width - MARGIN, height / 2, 'right', TEXT_COLOUR, BOLD);
  // In the small cells of a montage it would lie on the caption; left, right and bottom say the same.
  if (width >= TINY_PX) {
    text(context, top, width / 2, MARGIN + 6, 'center', TEXT_COLOUR, BOLD);
  }
  text(context, bottom, width / 2, height - MARGIN - 6, 'center', TEXT_COLOUR, BOLD);
}

export function drawScaleBar(context: Context, camera: Camera): void {
  const length = BAR_LENGTHS_MM.find(mm => mm * camera.scale <= camera.width * 0.3) ?? 0.01;
  const wide = length * camera.scale;
  const y = camera.height - MARGIN - 2;
  const ticks = [[MARGIN, y, MARGIN + wide, y], [MARGIN, y - 5, MARGIN, y], [MARGIN + wide, y - 5, MARGIN + wide, y]];
  line(context, TEXT_COLOUR, ticks, 2);
  text(context, `${length} mm`, MARGIN, y - 13, 'left', TEXT_COLOUR, FONT);
  // Read by tests, which measure the bar.
  context.canvas.dataset.barMm = String(length);
}

/** Name the plane and the slice that is really on screen, not the one that is still on its way. */
export function drawCaption(
  context: Context, camera: Camera, plane: Plane, shown: number, isLoading: boolean
): void {
  const last = camera.width < NARROW_PX ? '' : ` / ${camera.depth - 1}`;
  const colour = PLANE_COLOURS[plane.normal];
  context.fillStyle = colour;
  context.fillRect(MARGIN, MARGIN + 1, 9, 9);
  const caption = `${plane.title}  ${AXIS_LETTERS[plane.normal]} ${shown}${last}${isLoading ? ' …' : ''}`;
  text(context, caption, MARGIN + 15, MARGIN + 6, 'left', TEXT_COLOUR, FONT);
}

/** Say that a plane is empty only because its slice has not arrived. */
export function drawLoading(context: Context, camera: Camera): void {
  text(context, 'loading …', camera.width / 2, camera.height / 2, 'center', TEXT_COLOUR, FONT);
}

/** The window and the voxel, at the lower right of the large plane. */
export function drawCorner(context: Context, camera: Camera, caption: string): void {
  text(context, caption, camera.width - MARGIN, camera.height - MARGIN - 4, 'right', TEXT_COLOUR, FONT);
}

export function line(context: Context, colour: string, parts: number[][], width = 1): void {
  for (const [strokeWidth, style] of [[width + 2, 'rgba(0, 0, 0, 0.45)'], [width, colour]] as [number, string][]) {
    context.lineWidth = strokeWidth;
    context.strokeStyle = style;
    context.beginPath();
    for (const [x0, y0, x1, y1] of parts) {
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
    }
    context.stroke();
  }
}

export function text(
  context: Context, words: string, x: number, y: number, align: CanvasTextAlign, colour: string, font: string
): void {
  context.font = font;
  context.textAlign = align;
  context.textBaseline = 'middle';
  context.lineWidth = 3;
  context.lineJoin = 'round';
  context.strokeStyle = 'rgba(0, 0, 0, 0.75)';
  context.strokeText(words, x, y);
  context.fillStyle = colour;
  context.fillText(words, x, y);
}
