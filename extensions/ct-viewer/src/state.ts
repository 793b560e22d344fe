/** What one view shows, kept in step with the traits that Python sees. */
import { dominant, Grid, type Axis } from './geometry';
import type { BoxMark, Model, Preset, Traits, Triple, WindowState } from './types';
import { clampWindow, readWindow, writeWindow } from './windowing';

/** A box in index coordinates (z, y, x); voxel centres are whole numbers. */
export interface IndexBox {
  low: Triple;
  high: Triple;
  label: string;
}

// Python follows the hand, but a fast wheel must not flood the kernel.
const SEND_EVERY_MS = 120;
const SHARED = ['position_mm', 'window', 'boxes', 'overlays_visible'] as const;

export class ViewState {
  readonly grid: Grid;
  readonly presets: Preset[];
  position: Triple;
  window: WindowState;
  marks: BoxMark[] = [];
  boxes: IndexBox[] = [];
  overlays = true;
  private readonly listeners: (() => void)[] = [];
  private timer: number | undefined;

  constructor(private readonly model: Model) {
    this.grid = gridOf(model);
    this.presets = model.get('presets');
    this.position = model.get('position_mm');
    this.window = readWindow(model.get('window'), this.presets);
    this.readModel();
    for (const name of SHARED) {
      model.on(`change:${name}`, this.onModel);
    }
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** The voxel (z, y, x) at the crosshair. */
  get index(): Triple {
    return this.grid.nearest(this.position);
  }

  /** Move the crosshair to a voxel's centre. */
  moveTo(index: Triple): void {
    this.position = this.grid.toPatient(this.grid.clamp(index));
    this.changed();
  }

  /** Move the crosshair along one axis, keeping the other two as they are. */
  step(axis: Axis, steps: number): void {
    const index = this.index;
    index[axis] += steps;
    this.moveTo(index);
  }

  setWindow(level: number, width: number): void {
    this.window = clampWindow(level, width, this.presets);
    this.changed();
  }

  setPreset(name: string): void {
    this.window = readWindow(name, this.presets);
    this.changed();
  }

  setOverlays(visible: boolean): void {
    this.overlays = visible;
    this.changed();
  }

  goToBox(number: number): void {
    const mark = this.marks[number];
    if (mark) {
      this.moveTo(this.grid.nearest(mark.centre_mm));
    }
  }

  /** Go back to the position and window that the cell asked for. */
  reset(): void {
    const start = this.model.get('start');
    this.position = start.position_mm;
    this.window = readWindow(start.window, this.presets);
    this.changed();
  }

  close(): void {
    this.send();
    for (const name of SHARED) {
      this.model.off(`change:${name}`, this.onModel);
    }
  }

  private readonly onModel = (): void => {
    // A change of this view's own, still on its way to Python, wins over the echo of an older one.
    if (this.timer === undefined) {
      this.readModel();
      this.tell();
    }
  };

  private readModel(): void {
    this.position = this.model.get('position_mm');
    this.window = readWindow(this.model.get('window'), this.presets);
    this.marks = this.model.get('boxes');
    this.boxes = this.marks.map(mark => toIndexBox(mark, this.grid));
    this.overlays = this.model.get('overlays_visible');
  }

  private changed(): void {
    this.timer ??= window.setTimeout(() => this.send(), SEND_EVERY_MS);
    this.tell();
  }

  private send(): void {
    if (this.timer === undefined) {
      return;
    }
    window.clearTimeout(this.timer);
    this.put('position_mm', this.position);
    this.put('window', writeWindow(this.window));
    this.put('overlays_visible', this.overlays);
    this.timer = undefined;
    this.model.save_changes();
  }

  private put<K extends keyof Traits>(name: K, value: Traits[K]): void {
    if (JSON.stringify(this.model.get(name)) !== JSON.stringify(value)) {
      this.model.set(name, value);
    }
  }

  private tell(): void {
    this.listeners.forEach(listener => listener());
  }
}

export function gridOf(model: Model): Grid {
  return new Grid(model.get('shape'), model.get('spacing_mm'), model.get('origin_mm'), model.get('direction'));
}

function toIndexBox(mark: BoxMark, grid: Grid): IndexBox {
  const centre = grid.toIndex(mark.centre_mm);
  // On oblique planes the box follows the voxel grid; its sides are those of the closest patient axes.
  const half = ([0, 1, 2] as Axis[]).map(
    axis => mark.size_mm[dominant(grid.axisDirection(axis))] / 2 / grid.spacing[axis]
  );
  return {
    low: centre.map((value, axis) => value - half[axis]) as Triple,
    high: centre.map((value, axis) => value + half[axis]) as Triple,
    label: mark.label
  };
}
