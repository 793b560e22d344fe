/** The traits that Python and the browser share, and the small shapes they are made of. */

/** Three numbers: a voxel index (z, y, x) or a patient position (x, y, z), always said which. */
export type Triple = [number, number, number];

/** A window preset, with the reference its numbers come from. */
export interface Preset {
  name: string;
  level: number;
  width: number;
  source: string;
}

/** A box around a finding, in patient mm (LPS, x, y, z). */
export interface BoxMark {
  centre_mm: Triple;
  size_mm: Triple;
  label: string;
}

/** A preset's name, or level and width in HU. */
export type WindowTrait = string | [number, number];

export interface Traits {
  view_id: string;
  title: string;
  shape: Triple;
  spacing_mm: Triple;
  origin_mm: Triple;
  direction: number[];
  position_mm: Triple;
  window: WindowTrait;
  boxes: BoxMark[];
  overlays_visible: boolean;
  presets: Preset[];
  start: { position_mm: Triple; window: WindowTrait };
}

/** What this widget uses of anywidget's model. */
export interface Model {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
  save_changes(): void;
}

/** Level and width in HU, and the preset they belong to. */
export interface WindowState {
  name: string | null;
  level: number;
  width: number;
}
