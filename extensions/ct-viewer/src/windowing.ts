/** Values to grey, in the browser: dragging the window asks nothing of the server. */
import { hot } from './colour_maps';
import { NO_VALUE } from './shown_volume';
import type { Preset, WindowState, WindowTrait } from './types';

// Beyond these lies nothing that int16 can hold in HU.
const LEVEL_LIMITS: [number, number] = [-32768, 32767];
const WIDTH_LIMITS: [number, number] = [1, 65535];
const DIGITS = 4;
const BLACK = 0xff000000;

/** Read the trait: a preset's name, or level and width. */
export function readWindow(trait: WindowTrait, presets: Preset[], isWhole: boolean): WindowState {
  if (typeof trait !== 'string') {
    return clampWindow(trait[0], trait[1], presets, isWhole);
  }
  const preset = presets.find(one => one.name === trait) ?? presets[0];
  return { name: preset.name, level: preset.level, width: preset.width };
}

/** Keep level and width within what can be shown; give them the name of the preset they equal. */
export function clampWindow(level: number, width: number, presets: Preset[], isWhole: boolean): WindowState {
  const clean = isWhole ? wholeWindow(level, width) : fineWindow(level, width);
  const preset = presets.find(one => one.level === clean.level && one.width === clean.width);
  return { name: preset?.name ?? null, ...clean };
}

/** The trait that says this window. */
export function writeWindow(window: WindowState): WindowTrait {
  return window.name ?? [window.level, window.width];
}

/** What a table is made of: the window, and what a stored number means. */
export interface Greys {
  level: number;
  width: number;
  slope: number;
  intercept: number;
  inverted: boolean;
  /** How a volume that lies over another one is coloured; absent for a volume that stands alone. */
  tint?: Tint;
}

/** Colours of a volume over another one; in a blend what has no value, and in colour what is low, is see-through. */
export interface Tint {
  colours: 'grey' | 'hot';
  isBlend: boolean;
}

/** A table from every int16 number to a pixel, grey unless it is tinted; rebuilt only when the window changes. */
export class GreyTable {
  readonly pixels = new Uint32Array(65536);
  stamp = '';
  isOpaque = true;

  /** Give the pixels for a window. The same linear ramp as workbench.imaging.window. */
  at(wish: Greys): Uint32Array {
    const stamp = JSON.stringify(wish);
    if (stamp !== this.stamp) {
      const low = wish.level - wish.width / 2;
      for (let stored = -32768; stored < 32768; stored++) {
        const share = Math.min(Math.max((stored * wish.slope + wish.intercept - low) / wish.width, 0), 1);
        const ramp = Math.round(share * 255);
        const grey = stored === NO_VALUE ? 0 : wish.inverted ? 255 - ramp : ramp;
        this.pixels[stored + 32768] = wish.tint
          ? tinted(wish.tint, grey, stored !== NO_VALUE)
          : (BLACK | (grey << 16) | (grey << 8) | grey) >>> 0;
      }
      this.isOpaque = !wish.tint?.isBlend;
      this.stamp = stamp;
    }
    return this.pixels;
  }
}

// In colour, what is lower than this grey grows see-through, so that the anatomy below stays readable.
const DENSE_FROM = 64;

function tinted({ colours, isBlend }: Tint, grey: number, hasValue: boolean): number {
  const colour = colours === 'hot' ? hot(grey) : (grey << 16) | (grey << 8) | grey;
  const faint = colours === 'hot' ? Math.min(grey / DENSE_FROM, 1) : 1;
  const alpha = isBlend ? Math.round((hasValue ? faint : 0) * 255) : 255;
  return ((alpha << 24) | colour) >>> 0;
}

function wholeWindow(level: number, width: number): { level: number; width: number } {
  const [low, high] = LEVEL_LIMITS;
  return {
    level: Math.round(Math.min(Math.max(Number.isFinite(level) ? level : 0, low), high)),
    width: Math.round(Math.min(Math.max(Number.isFinite(width) ? width : 400, WIDTH_LIMITS[0]), WIDTH_LIMITS[1]))
  };
}

function fineWindow(level: number, width: number): { level: number; width: number } {
  const clean = Number.isFinite(width) && width > 0 ? Number(width.toPrecision(DIGITS)) : 1;
  // The level in steps that are fine for this width, so that a level far from zero stays exact enough.
  const step = 10 ** (Math.floor(Math.log10(clean)) - DIGITS + 1);
  return { level: Number.isFinite(level) ? Number((Math.round(level / step) * step).toPrecision(12)) : 0, width: clean };
}
