/** The traits that Python and the browser share, and the small shapes they are made of. */

/** Three numbers: a voxel index (z, y, x) or a patient position (x, y, z), always said which. */
export type Triple = [number, number, number];

export type PlaneName = 'axial' | 'coronal' | 'sagittal';
export type SlabMode = 'mean' | 'mip' | 'minip';

/** A volume that can be shown; the first one gives the planes. */
export interface VolumeFacts {
  /** "v0" for the shown one, "v1" for the one it is compared with. */
  id: string;
  /** Whether its slices come from the Jupyter server ("view") or from the notebook's kernel ("kernel"). */
  kind: 'view' | 'kernel';
  /** The view the gateway opened; for an array made of a governed scan, that scan's, which must stay readable. */
  view_id: string;
  title: string;
  shape: Triple;
  spacing_mm: Triple;
  origin_mm: Triple;
  direction: number[];
  /** Number of resolution levels; each next one has half the voxels along each axis. */
  levels: number;
  modality: string;
  unit: string;
  /** A value is stored × slope + intercept, in `unit`. */
  slope: number;
  intercept: number;
}

/** A window preset, with the reference its numbers come from. */
export interface Preset {
  name: string;
  level: number;
  width: number;
  source: string;
  inverted?: boolean;
}

/** A box around a finding, in patient mm (LPS, x, y, z). */
export interface BoxMark {
  centre_mm: Triple;
  size_mm: Triple;
  label: string;
}

/** A closed polygon in one index plane. */
export interface ContourMark {
  label: string;
  plane: PlaneName;
  points_mm: Triple[];
}

export interface Statistics {
  mean: number;
  sd: number;
  minimum: number;
  maximum: number;
  area_mm2: number;
  pixels: number;
  /** The slab whose projected pixels these are, mm; 0 or absent for one slice. */
  slab_mm?: number;
  slab_mode?: SlabMode | '';
}

/** A distance (mm), an angle (degrees), or the statistics of a region in one slice. */
export interface Measurement {
  kind: 'distance' | 'angle' | 'ellipse' | 'rectangle';
  plane: PlaneName;
  points_mm: Triple[];
  label: string;
  value: number;
  unit: string;
  statistics?: Statistics;
}

export interface Segment {
  value: number;
  label: string;
  colour: string;
  visible: boolean;
  /** Where to go to see it; absent when nobody worked it out. */
  centre_mm?: Triple;
  /** Whether it is known to have no voxel in this scan. */
  is_empty?: boolean;
}

/** One set of labels over the shown volume. */
export interface LabelLayer {
  /** "l0", "l1", …: names the layer in requests. */
  id: string;
  kind: 'view' | 'kernel';
  title: string;
  /** The label set's name at the gateway; empty for an array of the kernel. */
  set: string;
  /** Whether it lies on the shown volume's grid, voxel for voxel. */
  on_grid: boolean;
  segments: Segment[];
  visible: boolean;
  opacity: number;
  outline: boolean;
  /** How many further values there are, named by their number, and whether they are drawn. */
  rest: number;
  rest_visible: boolean;
}

/** A place that a detector proposes, best score first. */
export interface Candidate {
  position_mm: Triple;
  score: number;
  diameter_mm: number;
  label: string;
}

export interface OperatingPoint {
  fp_per_scan: number;
  threshold: number;
}

export interface Judgement {
  candidate: number;
  /** Which place was judged; it wins over the row, which changes when the candidates are sorted anew. */
  position_mm: Triple;
  verdict: 'agree' | 'reject';
  /** Since the reading was started, or the view was opened. */
  seconds: number;
}

export interface Compare {
  mode: 'off' | 'blend' | 'checkerboard';
  /** How much of the second volume a blend shows, 0 to 1. */
  share: number;
  square_mm: number;
  /** The second volume's colours while it lies over the first. */
  colour: 'grey' | 'hot';
  /** Which plane stands side by side, or all three. */
  plane: PlaneName | 'all';
}

export interface Reading {
  state: 'none' | 'idle' | 'running' | 'paused' | 'finished';
  seconds: number;
  paused_seconds: number;
}

/** A preset's name, or level and width in the volume's unit. */
export type WindowTrait = string | [number, number];

export interface Traits {
  title: string;
  /** Names the build of the browser's part, so that an old one is not taken from a cache. */
  code: string;
  volumes: VolumeFacts[];
  presets: Preset[];
  presets_other: Preset[];
  start: Partial<Traits>;
  position_mm: Triple;
  window: WindowTrait;
  window_other: WindowTrait;
  inverted: boolean;
  slab_mm: number;
  slab_mode: SlabMode;
  arrangement: string;
  overlays_visible: boolean;
  boxes: BoxMark[];
  contours: ContourMark[];
  measurements: Measurement[];
  labels: LabelLayer[];
  candidates: Candidate[];
  operating_points: OperatingPoint[];
  threshold: number;
  judgements: Judgement[];
  truth: BoxMark[];
  truth_visible: boolean;
  compare: Compare;
  reading: Reading;
}

/** What this widget uses of anywidget's model. */
export interface Model {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  on(event: string, callback: (...parts: never[]) => void): void;
  off(event: string, callback: (...parts: never[]) => void): void;
  send(content: unknown): void;
  save_changes(): void;
}

/** Level and width in the volume's unit, and the preset they belong to. */
export interface WindowState {
  name: string | null;
  level: number;
  width: number;
}
