/** One plane on its canvas. */
import { Camera } from './camera';
import type { Slice, SliceKey } from './cache';
import * as overlays from './overlays';
import type { Plane } from './planes';
import type { SliceSource } from './source';
import type { ViewState } from './state';
import { signed } from './words';
import { GreyTable } from './windowing';

export class PlaneView {
  readonly canvas = document.createElement('canvas');
  readonly camera: Camera;
  /** The slice on screen, which lags behind the wished one while that is on its way. */
  private shown: { index: number; slice: Slice } | null = null;
  private painted = '';
  private readonly picture = document.createElement('canvas');

  constructor(
    readonly plane: Plane,
    private readonly state: ViewState,
    private readonly source: SliceSource,
    private readonly table: GreyTable
  ) {
    this.camera = new Camera(state.grid, plane);
    this.canvas.className = 'ctv-plane';
    this.canvas.tabIndex = 0;
    const { canvas } = this;
    canvas.dataset.plane = plane.name;
    canvas.setAttribute('role', 'slider');
    canvas.setAttribute('aria-orientation', 'vertical');
    canvas.setAttribute('aria-label', `${plane.title} plane`);
    canvas.setAttribute('aria-valuemin', '0');
    canvas.setAttribute('aria-valuemax', String(this.count - 1));
  }

  get count(): number {
    return this.camera.depth;
  }

  get wished(): number {
    return this.state.index[this.plane.normal];
  }

  get key(): SliceKey {
    return `${this.plane.name}/${this.wished}`;
  }

  get isComplete(): boolean {
    return this.shown?.index === this.wished;
  }

  /** The value in HU under a slice position, if that slice is on screen. */
  valueAt(column: number, row: number): number | null {
    const slice = this.shown?.slice;
    const [c, r] = [Math.floor(column + 0.5), Math.floor(row + 0.5)];
    if (!slice || c < 0 || r < 0 || c >= slice.columns || r >= slice.rows) {
      return null;
    }
    return slice.values[r * slice.columns + c];
  }

  /** Take every pixel off the screen and out of memory. */
  clear(): void {
    this.shown = null;
    this.painted = '';
    this.picture.width = 0;
    this.picture.height = 0;
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
    const arrived = this.source.refusal === null ? this.source.cache.get(this.key) : undefined;
    if (arrived) {
      this.shown = { index: this.wished, slice: arrived };
    }
    const { canvas, camera, plane, state } = this;
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) {
      return;
    }
    // In whole device pixels, so that no edge keeps a trace of what was there.
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    const ratio = canvas.width / camera.width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!this.shown && this.source.refusal === null) {
      overlays.drawLoading(context, camera);
    }
    if (this.shown) {
      this.drawSlice(context, this.shown.slice);
      if (state.overlays) {
        canvas.dataset.boxes = String(
          overlays.drawBoxes(context, camera, plane, this.shown.index, state.boxes)
        );
        overlays.drawCrosshair(context, camera, plane, state.grid.toIndex(state.position));
      }
      overlays.drawLetters(context, camera, plane);
      overlays.drawScaleBar(context, camera);
      overlays.drawCaption(context, camera, plane, this.shown.index, !this.isComplete);
      if (plane.normal === 0) {
        overlays.drawCorner(context, camera, `W ${state.window.width}  L ${signed(state.window.level)}`);
      }
    }
    this.describe();
  }

  private drawSlice(context: CanvasRenderingContext2D, slice: Slice): void {
    this.paint(slice);
    const { camera } = this;
    const [sx, sy] = camera.steps();
    const [x, y] = camera.toScreen(-0.5, -0.5);
    context.save();
    context.translate(x, y);
    context.scale(sx, sy);
    // Interpolated while voxels are small; true voxels once somebody zooms in to see them.
    const size = Math.min(Math.abs(sx), Math.abs(sy));
    context.imageSmoothingEnabled = size < 12;
    context.imageSmoothingQuality = size < 0.7 ? 'medium' : 'low';
    context.drawImage(this.picture, 0, 0);
    context.restore();
  }

  /** Turn HU into grey, once for each slice and window. */
  private paint(slice: Slice): void {
    const { level, width } = this.state.window;
    const stamp = `${this.shown?.index} ${level} ${width}`;
    if (stamp === this.painted) {
      return;
    }
    const { picture } = this;
    picture.width = slice.columns;
    picture.height = slice.rows;
    const pixels = new Uint32Array(slice.values.length);
    const table = this.table.at(level, width);
    const { values } = slice;
    for (let i = 0; i < values.length; i++) {
      pixels[i] = table[values[i] + 32768];
    }
    const data = new ImageData(new Uint8ClampedArray(pixels.buffer), slice.columns, slice.rows);
    picture.getContext('2d')?.putImageData(data, 0, 0);
    this.painted = stamp;
  }

  private describe(): void {
    const { canvas } = this;
    canvas.setAttribute('aria-valuenow', String(this.wished));
    canvas.setAttribute('aria-valuetext', `slice ${this.wished} of 0 to ${this.count - 1}`);
    canvas.dataset.shown = this.shown ? String(this.shown.index) : '';
  }
}
