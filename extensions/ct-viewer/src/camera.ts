/** Where a slice lies on its canvas: physical aspect, zoom about a point, pan. */
import type { Grid } from './geometry';
import type { Plane } from './planes';

const ZOOM_LIMITS: [number, number] = [0.5, 40];
const LARGE_PX = 420;

export class Camera {
  zoom = 1;
  panX = 0;
  panY = 0;
  width = 1;
  height = 1;

  constructor(
    private readonly grid: Grid,
    private readonly plane: Plane
  ) {}

  get rows(): number {
    return this.grid.shape[this.plane.row];
  }

  get columns(): number {
    return this.grid.shape[this.plane.column];
  }

  /** How many slices the plane has. */
  get depth(): number {
    return this.grid.shape[this.plane.normal];
  }

  /** CSS pixels per millimetre. */
  get scale(): number {
    const [wide, high] = this.sizeMm();
    return this.zoom * Math.min(this.width / wide, this.height / high);
  }

  /** Whether there is room for the window's words beside the scale bar. */
  get isLarge(): boolean {
    return this.width >= LARGE_PX;
  }

  reset(): void {
    this.zoom = 1;
    this.panX = 0;
    this.panY = 0;
  }

  /** The canvas position of a slice position; whole numbers are pixel centres. */
  toScreen(column: number, row: number): [number, number] {
    const [sx, sy] = this.steps();
    return [
      this.width / 2 + this.panX + (column + 0.5 - this.columns / 2) * sx,
      this.height / 2 + this.panY + (row + 0.5 - this.rows / 2) * sy
    ];
  }

  /** The slice position (column, row) under a canvas position. */
  toSlice(x: number, y: number): [number, number] {
    const [sx, sy] = this.steps();
    return [
      (x - this.width / 2 - this.panX) / sx + this.columns / 2 - 0.5,
      (y - this.height / 2 - this.panY) / sy + this.rows / 2 - 0.5
    ];
  }

  /** Zoom so that what lies under a canvas position stays there. */
  zoomAt(x: number, y: number, factor: number): void {
    const zoom = Math.min(Math.max(this.zoom * factor, ZOOM_LIMITS[0]), ZOOM_LIMITS[1]);
    const ratio = zoom / this.zoom;
    this.panX = (x - this.width / 2) * (1 - ratio) + this.panX * ratio;
    this.panY = (y - this.height / 2) * (1 - ratio) + this.panY * ratio;
    this.zoom = zoom;
  }

  pan(dx: number, dy: number): void {
    const limit = Math.max(this.width, this.height) * this.zoom;
    this.panX = Math.min(Math.max(this.panX + dx, -limit), limit);
    this.panY = Math.min(Math.max(this.panY + dy, -limit), limit);
  }

  /** Signed CSS pixels per column and per row. */
  steps(): [number, number] {
    const { plane, grid, scale } = this;
    const sx = grid.spacing[plane.column] * scale;
    const sy = grid.spacing[plane.row] * scale;
    return [plane.flipX ? -sx : sx, plane.flipY ? -sy : sy];
  }

  private sizeMm(): [number, number] {
    const { spacing } = this.grid;
    return [this.columns * spacing[this.plane.column], this.rows * spacing[this.plane.row]];
  }
}
