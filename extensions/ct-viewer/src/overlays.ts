/** What is drawn on top of a slice: crosshair, boxes, orientation letters, scale bar, caption. */
import type { Camera } from './camera';
import type { Axis } from './geometry';
import { AXIS_LETTERS, type Plane } from './planes';
import type { IndexBox } from './state';
import type { Triple } from './types';

type Context = CanvasRenderingContext2D;

/** One colour per cutting plane, indexed by its normal axis (z, y, x): tells which line is which plane. */
export const PLANE_COLOURS = ['#f2a25c', '#5fcfa5', '#e8d85f'];
const BOX_COLOUR = '#4fc8ff';
const TEXT_COLOUR = '#e6e6e6';
const FONT = '12px system-ui, sans-serif';
const BOLD = 'bold 13px system-ui, sans-serif';
const MARGIN = 8;
const CROSSHAIR_GAP = 14;
// Narrower planes have no room for the number of slices beside the letter at the top.
const NARROW_PX = 300;
const BAR_LENGTHS_MM = [100, 50, 20, 10, 5, 2, 1];

export function drawCrosshair(context: Context, camera: Camera, plane: Plane, index: Triple): void {
  // On half pixels, so that a line one pixel wide is one pixel wide.
  const [x, y] = camera.toScreen(index[plane.column], index[plane.row]).map(at => Math.floor(at) + 0.5);
  const { width, height } = camera;
  line(context, PLANE_COLOURS[plane.column], [[x, 0, x, y - CROSSHAIR_GAP], [x, y + CROSSHAIR_GAP, x, height]]);
  line(context, PLANE_COLOURS[plane.row], [[0, y, x - CROSSHAIR_GAP, y], [x + CROSSHAIR_GAP, y, width, y]]);
}

/** Draw the boxes that the shown slice cuts; gives how many. */
export function drawBoxes(context: Context, camera: Camera, plane: Plane, shown: number, boxes: IndexBox[]): number {
  const cut = boxes.filter(box => isCut(box, plane.normal, shown));
  for (const box of cut) {
    const [x0, y0] = camera.toScreen(box.low[plane.column], box.low[plane.row]);
    const [x1, y1] = camera.toScreen(box.high[plane.column], box.high[plane.row]);
    const [left, top] = [Math.min(x0, x1), Math.min(y0, y1)];
    const [wide, high] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
    context.lineWidth = 3.5;
    context.strokeStyle = 'rgba(0, 0, 0, 0.55)';
    context.strokeRect(left, top, wide, high);
    context.lineWidth = 1.5;
    context.strokeStyle = BOX_COLOUR;
    context.strokeRect(left, top, wide, high);
    const below = top + high + 14 < camera.height;
    context.font = FONT;
    const inside = Math.max(2, Math.min(left, camera.width - MARGIN - context.measureText(box.label).width));
    text(context, box.label, inside, below ? top + high + 12 : top - 6, 'left', BOX_COLOUR, FONT);
  }
  return cut.length;
}

/** Whether a box reaches into the slab of one slice. */
export function isCut(box: IndexBox, normal: Axis, index: number): boolean {
  return box.low[normal] < index + 0.5 && box.high[normal] > index - 0.5;
}

export function drawLetters(context: Context, camera: Camera, plane: Plane): void {
  const { width, height } = camera;
  const { left, right, top, bottom } = plane.letters;
  text(context, left, MARGIN, height / 2, 'left', TEXT_COLOUR, BOLD);
  text(context, right, width - MARGIN, height / 2, 'right', TEXT_COLOUR, BOLD);
  text(context, top, width / 2, MARGIN + 6, 'center', TEXT_COLOUR, BOLD);
  text(context, bottom, width / 2, height - MARGIN - 6, 'center', TEXT_COLOUR, BOLD);
}

export function drawScaleBar(context: Context, camera: Camera): void {
  const length = BAR_LENGTHS_MM.find(mm => mm * camera.scale <= camera.width * 0.3) ?? 1;
  const wide = length * camera.scale;
  const y = camera.height - MARGIN - 2;
  const ticks = [[MARGIN, y, MARGIN + wide, y], [MARGIN, y - 5, MARGIN, y], [MARGIN + wide, y - 5, MARGIN + wide, y]];
  line(context, TEXT_COLOUR, ticks, 2);
  text(context, `${length} mm`, MARGIN, y - 13, 'left', TEXT_COLOUR, FONT);
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

function line(context: Context, colour: string, parts: number[][], width = 1): void {
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

function text(
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
