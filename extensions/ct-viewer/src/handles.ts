/** Squares to take hold of, and whether a pointer is at one, or at a line. */
import type { Spot } from './flat';

/** How far from a handle or a line it can still be taken, CSS pixels. */
export const HIT_PX = 8;
/** A pointer that moved less than this was a click. */
export const CLICK_PX = 4;
const SIDE = 8;
const SMALL = 5;
const MANY = 40;

/** Draw handles: white with a dark edge, so that they show on every grey; the chosen one is filled with colour. */
export function drawHandles(context: CanvasRenderingContext2D, spots: readonly Spot[], colour: string, chosen = -1): void {
  const side = spots.length > MANY ? SMALL : SIDE;
  spots.forEach(([x, y], i) => {
    const half = (i === chosen ? SIDE + 2 : side) / 2;
    const [left, top] = [Math.round(x - half), Math.round(y - half)];
    context.fillStyle = 'rgba(0, 0, 0, 0.85)';
    context.fillRect(left - 1.5, top - 1.5, half * 2 + 3, half * 2 + 3);
    context.fillStyle = i === chosen ? colour : '#fff';
    context.fillRect(left, top, half * 2, half * 2);
  });
}

/** Give the handle under a pointer, the nearest one, or −1. */
export function handleAt(x: number, y: number, spots: readonly Spot[]): number {
  let [best, nearest] = [-1, HIT_PX];
  spots.forEach(([hx, hy], i) => {
    const away = Math.max(Math.abs(hx - x), Math.abs(hy - y));
    if (away <= nearest) {
      [best, nearest] = [i, away];
    }
  });
  return best;
}

/** Give the part of a path under a pointer: the number of its first spot, or −1. */
export function partAt(x: number, y: number, path: readonly Spot[], isClosed: boolean): number {
  let [best, nearest] = [-1, HIT_PX];
  const parts = isClosed ? path.length : path.length - 1;
  for (let i = 0; i < parts; i++) {
    const away = distanceToPart([x, y], path[i], path[(i + 1) % path.length]);
    if (away <= nearest) {
      [best, nearest] = [i, away];
    }
  }
  return best;
}

export function distanceToPart([x, y]: Spot, [x0, y0]: Spot, [x1, y1]: Spot): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / length, 0), 1);
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}

/** Draw a path with a dark edge. */
export function drawPath(
  context: CanvasRenderingContext2D, path: readonly Spot[], colour: string, { isClosed = false, width = 1.5, dash = [] as number[] } = {}
): void {
  if (path.length === 0) {
    return;
  }
  context.beginPath();
  path.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  if (isClosed) {
    context.closePath();
  }
  context.lineJoin = 'round';
  context.strokeStyle = 'rgba(0, 0, 0, 0.55)';
  context.lineWidth = width + 2;
  context.stroke();
  context.setLineDash(dash);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}
