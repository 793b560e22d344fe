/** One plane of a volume on its canvas. */
import { Camera } from './camera';
import type { Feature, Pen, PlanePoint } from './context';
import * as overlays from './overlays';
import { Picture } from './painter';
import { penOf } from './pens';
import type { Plane } from './planes';
import type { ShownVolume } from './shown_volume';
import { keyOf, type Slice, type SliceAsk } from './slices';
import type { SliceSource } from './source';
import type { ViewState } from './state';
import type { Triple } from './types';
import { signed } from './words';

// Slices of a coarse level are at most this many pixels an edge.
const COARSE_PIXELS = 160;

interface Shown {
  index: number;
  level: number;
  slice: Slice;
}

export class PlaneView {
  /** What a layout places; it holds the canvas. */
  readonly cell = document.createElement('div');
  readonly canvas = document.createElement('canvas');
  readonly camera: Camera;
  /** The slice on screen, which lags behind the wished one while that is on its way. */
  private shown: Shown | null = null;
  /** A slice that stays whatever the crosshair does, and what comes after it on the next page of a montage. */
  pin: { index: number; next: number | null } | null = null;
  picture = new Picture();

  constructor(
    readonly plane: Plane,
    readonly volume: ShownVolume,
    private readonly state: ViewState,
    private readonly source: SliceSource,
    private readonly features: readonly Feature[]
  ) {
    this.camera = new Camera(volume.grid, plane);
    const { canvas, cell } = this;
    cell.className = `ctv-cell ctv-${plane.name}`;
    cell.append(canvas);
    canvas.className = 'ctv-plane';
    canvas.tabIndex = 0;
    canvas.dataset.plane = plane.name;
    const { left, right, top, bottom } = plane.letters;
    canvas.dataset.letters = [left, right, top, bottom].join(' ');
    canvas.dataset.volume = volume.id;
    canvas.setAttribute('role', 'slider');
    canvas.setAttribute('aria-orientation', 'vertical');
    canvas.setAttribute('aria-label', `${plane.title} plane${volume.id === 'v0' ? '' : ` of ${volume.facts.title}`}`);
    canvas.setAttribute('aria-valuemin', '0');
    canvas.setAttribute('aria-valuemax', String(this.count - 1));
  }

  get count(): number {
    return this.camera.depth;
  }

  /** The slice to show: the pinned one, else the one that the crosshair lies on. */
  get wished(): number {
    return this.pin?.index ?? this.atCrosshair;
  }

  get atCrosshair(): number {
    return this.volume.grid.nearest(this.state.position)[this.plane.normal];
  }

  get isComplete(): boolean {
    return this.asks(this.wished).every(ask => this.source.cache.get(keyOf(ask)) !== undefined);
  }

  /** Whether the volume's own slice at the crosshair is there in full resolution. */
  get hasFull(): boolean {
    return this.source.cache.get(keyOf(this.ask(this.wished))) !== undefined;
  }

  /** The index of the slice on screen, or null before the first one has come. */
  get shownIndex(): number | null {
    return this.shown?.index ?? null;
  }

  /** The full-resolution slice on screen, in stored numbers; null while there is only a coarse one, or none. */
  get slice(): Slice | null {
    return this.shown?.level === 0 ? this.shown.slice : null;
  }

  /** What the plane needs at an index, in full resolution. */
  asks(index: number): SliceAsk[] {
    return [this.ask(index), ...this.features.flatMap(feature => feature.wants?.(this, index) ?? [])];
  }

  /** The volume's own slice at an index and level; the index counts in full resolution. */
  ask(index: number, level = 0): SliceAsk {
    const { state, plane, volume } = this;
    return {
      layer: volume.id, plane: plane.name, index: index >> level, level,
      slab_mm: state.get('slab_mm'), mode: state.get('slab_mode'), on: '', isTurned: plane.isTurned
    };
  }

  /** The coarse slice to show until the full one is there, or null where that would not help. */
  coarseAsk(index: number): SliceAsk | null {
    for (let level = 1; level < this.volume.facts.levels; level++) {
      const shape = this.volume.levelShape(level);
      if (Math.max(shape[this.plane.row], shape[this.plane.column]) <= COARSE_PIXELS) {
        return this.ask(index, level);
      }
    }
    return null;
  }

  /** A place by its canvas pixels. */
  pointAt(x: number, y: number): PlanePoint {
    const [column, row] = this.camera.toSlice(x, y);
    const index: Triple = [0, 0, 0];
    index[this.plane.normal] = this.shown?.index ?? this.wished;
    index[this.plane.column] = column;
    index[this.plane.row] = row;
    return { view: this, x, y, index, position: this.volume.grid.toPatient(index) };
  }

  /** The place of the crosshair on this plane. */
  get crosshair(): PlanePoint {
    const index = this.volume.grid.toIndex(this.state.position);
    const [x, y] = this.camera.toScreen(index[this.plane.column], index[this.plane.row]);
    return { view: this, x, y, index, position: this.state.position };
  }

  /** The stored number at a voxel index (z, y, x), if that slice is on screen in full resolution. */
  storedAt(index: Triple): number | null {
    const { slice, plane } = this;
    const [column, row] = [Math.floor(index[plane.column] + 0.5), Math.floor(index[plane.row] + 0.5)];
    if (!slice || column < 0 || row < 0 || column >= slice.columns || row >= slice.rows) {
      return null;
    }
    return slice.values[row * slice.columns + column];
  }

  /** Take every pixel off the screen and out of memory. */
  clear(): void {
    this.shown = null;
    this.picture.clear();
    this.draw();
  }

  resize(): void {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.canvas.getBoundingClientRect();
    this.camera.width = Math.max(width, 1);
    this.camera.height = Math.max(height, 1);
    this.canvas.width = Math.max(Math.round(width * ratio), 1);
    this.canvas.height = Math.max(Math.round(height * ratio), 1);
  }

  draw(): void {
    this.choose();
    const { canvas, camera, source } = this, context = penOf(canvas, { alpha: false });
    if (!context) {
      return;
    }
    // In whole device pixels, so that no edge keeps a trace of what was there.
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    const ratio = canvas.width / camera.width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!this.shown && source.refusal === null) {
      overlays.drawLoading(context, camera);
    }
    if (this.shown) {
      this.drawAll({ context, view: this, camera, plane: this.plane, shown: this.shown.index }, this.shown);
    }
    this.describe();
  }

  /** Draw a picture in slice pixels where the slice lies; `step` fine pixels a picture pixel. */
  place(context: CanvasRenderingContext2D, picture: CanvasImageSource, step = 1, isSmooth = true): void {
    const { camera } = this;
    const [sx, sy] = camera.steps();
    const [x, y] = camera.toScreen(-0.5, -0.5);
    context.save();
    context.translate(x, y);
    context.scale(sx * step, sy * step);
    // Interpolated while voxels are small; true voxels once somebody zooms in to see them.
    const size = Math.min(Math.abs(sx), Math.abs(sy)) * step;
    context.imageSmoothingEnabled = isSmooth && (size < 12 || step > 1);
    context.imageSmoothingQuality = size < 0.7 ? 'medium' : 'low';
    context.drawImage(picture, 0, 0);
    context.restore();
  }

  close(): void {
    this.clear();
    this.cell.remove();
  }

  /** Take the best slice that is there: the full one, a coarse one of the same index, else what was shown. */
  private choose(): void {
    if (this.source.refusal !== null) {
      this.shown = null;
      return;
    }
    const index = this.wished;
    const full = this.source.cache.get(keyOf(this.ask(index)));
    if (full) {
      this.shown = { index, level: 0, slice: full };
      return;
    }
    const coarse = this.coarseAsk(index);
    const slice = coarse && this.source.cache.get(keyOf(coarse));
    if (coarse && slice) {
      this.shown = { index, level: coarse.level, slice };
    }
  }

  private drawAll(pen: Pen, shown: Shown): void {
    const { context, camera } = pen;
    const { plane, state, volume } = this;
    const greys = state.greysOf(volume);
    this.place(context, this.picture.paint(shown.slice, greys), 2 ** shown.level);
    this.features.forEach(feature => feature.under?.(pen));
    if (state.overlays) {
      if (this.wished === this.atCrosshair) {
        overlays.drawCrosshair(context, camera, plane, volume.grid.toIndex(state.position));
      }
      this.features.forEach(feature => feature.draw?.(pen));
    }
    overlays.drawLetters(context, camera, plane);
    overlays.drawScaleBar(context, camera);
    overlays.drawCaption(context, camera, plane, shown.index, shown.index !== this.wished || shown.level > 0);
    if (camera.isLarge) {
      const slab = state.get('slab_mm');
      const words = slab > 0 ? [`${state.get('slab_mode')} ${slab} mm`] : [];
      words.push(`W ${volume.number(greys.width)}  L ${signed(volume.number(greys.level))}`);
      overlays.drawCorner(context, camera, words.join('   '));
    }
  }

  private describe(): void {
    const { canvas } = this;
    canvas.setAttribute('aria-valuenow', String(this.wished));
    canvas.setAttribute('aria-valuetext', `slice ${this.wished} of 0 to ${this.count - 1}`);
    canvas.dataset.shown = this.shown ? String(this.shown.index) : '';
    canvas.dataset.level = this.shown ? String(this.shown.level) : '';
  }
}
