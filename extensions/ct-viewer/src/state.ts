/** The traits as one view shows them: changed by hand or by Python, told to both, with undo for what is drawn. */
import { clampWindow, readWindow, writeWindow, type Greys } from './windowing';
import type { ShownVolume } from './shown_volume';
import type { Axis } from './geometry';
import type { Model, Traits, Triple, WindowState } from './types';

// Python follows the hand, but a fast wheel must not flood the kernel.
const SEND_EVERY_MS = 120;
const MOST_UNDO = 200;
const SHARED = [
  'position_mm', 'window', 'window_other', 'inverted', 'slab_mm', 'slab_mode', 'arrangement', 'overlays_visible', 'boxes',
  'contours', 'measurements', 'labels', 'candidates', 'operating_points', 'threshold', 'judgements', 'truth',
  'truth_visible', 'compare', 'reading', 'volumes', 'presets', 'presets_other', 'title'
] as const;
type Shared = (typeof SHARED)[number];

/** What was there before something was drawn, moved, judged or removed. */
interface Step {
  what: string;
  before: Partial<Traits>;
  after: Partial<Traits>;
}

export class ViewState {
  /** What this view changed and Python has not been told yet; it wins over echoes of older changes. */
  private readonly pending = new Map<keyof Traits, unknown>();
  private readonly listeners: (() => void)[] = [];
  private readonly done: Step[] = [];
  private readonly undone: Step[] = [];
  private timer: number | undefined;

  constructor(
    private readonly model: Model,
    private readonly volume: ShownVolume
  ) {
    for (const name of SHARED) {
      model.on(`change:${name}`, this.onModel);
    }
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  get<K extends Shared>(name: K): Traits[K] {
    return this.pending.has(name) ? (this.pending.get(name) as Traits[K]) : this.model.get(name);
  }

  /** Change traits; Python hears of it a moment later. */
  set(changes: Partial<Traits>): void {
    for (const [name, value] of Object.entries(changes)) {
      this.pending.set(name as keyof Traits, value);
    }
    this.timer ??= window.setTimeout(() => this.send(), SEND_EVERY_MS);
    this.tell();
  }

  /** Change what somebody drew or judged, so that it can be undone; `what` is said in the status line. */
  edit(what: string, changes: Partial<Traits>): void {
    const before = Object.fromEntries(Object.keys(changes).map(name => [name, this.get(name as Shared)]));
    this.done.push({ what, before, after: changes });
    this.done.splice(0, this.done.length - MOST_UNDO);
    this.undone.length = 0;
    this.set(changes);
  }

  /** Take the last edit back; gives what it was, or null when there is none. */
  undo(): string | null {
    return this.turn(this.done, this.undone, 'before');
  }

  redo(): string | null {
    return this.turn(this.undone, this.done, 'after');
  }

  get mayUndo(): boolean {
    return this.done.length > 0;
  }

  get mayRedo(): boolean {
    return this.undone.length > 0;
  }

  /** The voxel (z, y, x) at the crosshair. */
  get index(): Triple {
    return this.volume.grid.nearest(this.position);
  }

  get position(): Triple {
    return this.get('position_mm');
  }

  get window(): WindowState {
    return readWindow(this.get('window'), this.get('presets'), this.volume.isWhole);
  }

  get windowOther(): WindowState {
    return readWindow(this.get('window_other'), this.get('presets_other'), false);
  }

  /** What turns a volume's stored numbers into greys. */
  greysOf({ id, facts }: ShownVolume): Greys {
    const { slope, intercept } = facts;
    const { name, level, width } = id === 'v0' ? this.window : this.windowOther;
    const presets = this.get('presets_other');
    // The compared volume is inverted as its preset says, with a window of its own as the first preset says.
    const preset = presets.find(one => one.name === name) ?? presets.at(0);
    const inverted = id === 'v0' ? this.get('inverted') : (preset?.inverted ?? false);
    return { level, width, slope, intercept, inverted };
  }

  get overlays(): boolean {
    return this.get('overlays_visible');
  }

  /** Move the crosshair to a voxel's centre. */
  moveTo(index: Triple): void {
    const { grid } = this.volume;
    this.set({ position_mm: grid.toPatient(grid.clamp(index)) });
  }

  /** Move the crosshair to the voxel that holds a patient position. */
  goTo(position: Triple): void {
    this.moveTo(this.volume.grid.nearest(position));
  }

  /** The closest position that lies inside the shown volume, which the trait must do. */
  inside(position: Triple): Triple {
    const { grid } = this.volume;
    const index = grid.toIndex(position);
    const inner = grid.clamp(index);
    return inner.every((value, axis) => value === index[axis]) ? position : grid.toPatient(inner);
  }

  /** Move the crosshair along one axis, keeping the other two as they are. */
  step(axis: Axis, steps: number): void {
    const index = this.index;
    index[axis] += steps;
    this.moveTo(index);
  }

  setWindow(level: number, width: number): void {
    this.set({ window: writeWindow(clampWindow(level, width, this.get('presets'), this.volume.isWhole)) });
  }

  setPreset(name: string): void {
    const preset = this.get('presets').find(one => one.name === name);
    this.set(preset ? { window: name, inverted: preset.inverted ?? false } : { window: name });
  }

  /** Go back to the position, window and slab that the cell asked for. */
  reset(): void {
    this.set(this.model.get('start'));
  }

  close(): void {
    this.send();
    for (const name of SHARED) {
      this.model.off(`change:${name}`, this.onModel);
    }
  }

  private readonly onModel = (): void => this.tell();

  private turn(from: Step[], to: Step[], side: 'before' | 'after'): string | null {
    const step = from.pop();
    if (!step) {
      return null;
    }
    to.push(step);
    this.set(step[side]);
    return step.what;
  }

  private send(): void {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    const changed = [...this.pending].filter(
      ([name, value]) => JSON.stringify(this.model.get(name)) !== JSON.stringify(value)
    );
    this.pending.clear();
    for (const [name, value] of changed) {
      this.model.set(name, value as never);
    }
    if (changed.length > 0) {
      this.model.save_changes();
    }
  }

  private tell(): void {
    this.listeners.forEach(listener => listener());
  }
}
