/** Hounsfield units to grey, in the browser: dragging the window asks nothing of the server. */
import type { Preset, WindowState, WindowTrait } from './types';

const LEVEL_LIMITS: [number, number] = [-32768, 32767];
const WIDTH_LIMITS: [number, number] = [1, 65535];
const BLACK = 0xff000000;

/** Read the trait: a preset's name, or level and width. */
export function readWindow(trait: WindowTrait, presets: Preset[]): WindowState {
  if (typeof trait !== 'string') {
    return clampWindow(trait[0], trait[1], presets);
  }
  const preset = presets.find(one => one.name === trait) ?? presets[0];
  return { name: preset.name, level: preset.level, width: preset.width };
}

/** Keep level and width within what int16 can hold; give them the name of the preset they equal. */
export function clampWindow(level: number, width: number, presets: Preset[]): WindowState {
  const [low, high] = LEVEL_LIMITS;
  const clean = {
    level: Math.round(Math.min(Math.max(Number.isFinite(level) ? level : 0, low), high)),
    width: Math.round(Math.min(Math.max(Number.isFinite(width) ? width : 400, WIDTH_LIMITS[0]), WIDTH_LIMITS[1]))
  };
  const preset = presets.find(one => one.level === clean.level && one.width === clean.width);
  return { name: preset?.name ?? null, ...clean };
}

/** The trait that says this window. */
export function writeWindow(window: WindowState): WindowTrait {
  return window.name ?? [window.level, window.width];
}

/** A table from every int16 value to an opaque grey pixel; rebuilt only when the window changes. */
export class GreyTable {
  private readonly pixels = new Uint32Array(65536);
  private level = NaN;
  private width = NaN;

  /** Give the pixel values for a window. The same linear ramp as workbench.imaging.window. */
  at(level: number, width: number): Uint32Array {
    if (level !== this.level || width !== this.width) {
      const low = level - width / 2;
      for (let hu = -32768; hu < 32768; hu++) {
        const share = Math.min(Math.max((hu - low) / width, 0), 1);
        const grey = Math.round(share * 255);
        this.pixels[hu + 32768] = (BLACK | (grey << 16) | (grey << 8) | grey) >>> 0;
      }
      this.level = level;
      this.width = width;
    }
    return this.pixels;
  }
}
