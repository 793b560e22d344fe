/** What a feature of the viewer (labels, measuring, compare, …) gives, and what it may use. */
import type { Camera } from './camera';
import type { PlaneView } from './plane_view';
import type { Plane } from './planes';
import type { ShownVolume } from './shown_volume';
import type { SliceAsk } from './slices';
import type { SliceSource } from './source';
import type { ViewState } from './state';
import type { Model, PlaneName, Triple } from './types';

/** A place on a plane, in every way of saying it. */
export interface PlanePoint {
  view: PlaneView;
  /** CSS pixels on the canvas. */
  x: number;
  y: number;
  /** Voxel index (z, y, x) with fractions; on the shown slice its normal component is whole. */
  index: Triple;
  /** Patient mm (x, y, z), LPS. */
  position: Triple;
}

/** A pointer that was put down and is moved. */
export interface Drag {
  move(at: PlanePoint, event: PointerEvent): void;
  end(at: PlanePoint, event: PointerEvent): void;
  cancel(): void;
}

/** What draws on one plane: pixels are CSS pixels of the canvas; `camera.toScreen(column, row)` places voxels. */
export interface Pen {
  context: CanvasRenderingContext2D;
  view: PlaneView;
  camera: Camera;
  plane: Plane;
  /** The index of the slice that is on screen. */
  shown: number;
}

/** A tool that takes the left button while it is chosen. */
export interface Tool {
  id: string;
  label: string;
  title: string;
  /** Chooses it, wherever the focus is inside the viewer; lower case. */
  key?: string;
  cursor?: string;
  down(at: PlanePoint, event: PointerEvent): Drag | null;
  /** The keyboard's way: Enter sets a point at the crosshair of the focused plane. */
  point?(at: PlanePoint): void;
  /** Escape, or another tool was chosen: forget what is half done. */
  cancel?(): void;
}

/** A key that means something wherever the focus is inside the viewer (but not while somebody types). */
export interface Key {
  /** As `KeyboardEvent.key`, lower case; with "ctrl+" or "shift+" before it where needed. */
  key: string;
  /** What it does, for the help. */
  what: string;
  /** Gives false when it did nothing, so that others may take the key. */
  run(view: PlaneView | null, event: KeyboardEvent): boolean | undefined;
}

/** A part of the side column; `element.hidden` while it has nothing to say. */
export interface Panel {
  id: string;
  title: string;
  element: HTMLElement;
}

/** An arrangement of planes (or something else) on the black ground. */
export interface Layout {
  id: string;
  label: string;
  /** Whether it can be chosen now, such as side by side only with a second volume. */
  isOffered?(): boolean;
  open(host: HTMLElement): OpenLayout;
}

export interface OpenLayout {
  views: PlaneView[];
  /** After any change of the state. */
  update?(): void;
  /** When the picture is painted again; planes in `views` draw themselves. */
  draw?(): void;
  resize?(): void;
  /** Take every pixel away: access has ended. */
  clear?(): void;
  close(): void;
}

/** A feature; whatever it leaves out it does not have. */
export interface Feature {
  tools?: Tool[];
  keys?: Key[];
  /** Elements for the bar above the planes. */
  controls?: HTMLElement[];
  panel?: Panel;
  layouts?: Layout[];
  /** Further slices that a plane at an index needs: labels, the compared volume. */
  wants?(view: PlaneView, index: number): SliceAsk[];
  /** Drawn right over the slice: labels, a blended volume. Also while overlays are off, unless it looks itself. */
  under?(pen: Pen): void;
  /** Drawn above that, while overlays are visible. */
  draw?(pen: Pen): void;
  /** Whether it takes the left button at a place, before any tool: a handle, an edge. */
  grab?(at: PlanePoint, event: PointerEvent): Drag | null;
  /** Words about a place, added to what the status line says under the pointer. */
  hover?(at: PlanePoint): string;
  /** After any change of the state, by hand or by Python. */
  update?(): void;
  /** Take every pixel out of memory: access has ended. */
  clear?(): void;
  close?(): void;
}

export type Install = (context: Context) => Feature;

export interface Context {
  readonly model: Model;
  readonly state: ViewState;
  readonly source: SliceSource;
  readonly root: HTMLElement;
  /** The shown volume, and the compared one where there is one. */
  readonly volumes: readonly ShownVolume[];
  /** The planes on screen now. */
  readonly views: readonly PlaneView[];
  /** The plane that has the focus, or had it last. */
  readonly focused: PlaneView | null;
  readonly tool: Tool | null;
  chooseTool(id: string | null): void;
  /** A plane of a volume with every habit attached; the caller places its `cell` and closes it. */
  makePlane(name: PlaneName, volume?: number): PlaneView;
  /** Paint again with what is there. */
  redraw(): void;
  /** Ask for what is needed now, and paint. */
  refresh(): void;
  /** Say something in the status line, also to screen readers. */
  say(sentence: string): void;
  /** The address of a further module of the browser's part, or null where there is none to load it from. */
  moduleUrl(name: string): string | null;
}
