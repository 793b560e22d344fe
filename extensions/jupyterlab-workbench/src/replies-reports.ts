/** The shapes of what the server answers about reports: notebooks, forms, runs, crates and verdicts. */

export interface ReportNotebook {
  /** How the server names it: "shipped:…" or "workspace:…". */
  notebook: string;
  name: string;
  question: string;
  source: 'shipped' | 'workspace';
}

export type ParameterValue = string | number | boolean | unknown[];

export interface Parameter {
  name: string;
  type: 'int' | 'float' | 'str' | 'bool' | 'list';
  default: ParameterValue | null;
  required: boolean;
  help: string;
  choices: ParameterValue[];
  minimum: number | null;
  maximum: number | null;
  items: string | null;
}

export interface CellToRun {
  number: number;
  text: string;
  stage: string | null;
}

export interface ReportForm {
  notebook: string;
  name: string;
  question: string;
  parameters: Parameter[];
  cells: CellToRun[];
}

export type CellState = 'waiting' | 'running' | 'done' | 'cached' | 'failed';

export interface CellRun extends CellToRun {
  state: CellState;
  seconds: number;
  since?: string | null;
}

export interface Result {
  name: string;
  value: number;
  interval: [number, number] | null;
  tolerance: number;
  metric: string | null;
}

export type VerdictWord = 'IDENTICAL' | 'WITHIN_TOLERANCE' | 'DIFFERENT' | 'NOT_RUN';

export interface ComparedResult {
  name: string;
  first: number | null;
  second: number | null;
  first_interval?: [number, number] | null;
  second_interval?: [number, number] | null;
  tolerance: number;
  verdict: VerdictWord;
}

/** What a re-run found. */
export interface Verdict {
  verdict: VerdictWord;
  cause: string | null;
  message: string;
  results: ComparedResult[];
  first_diverging_cell: number | null;
}

/** A verdict as a crate keeps it. */
export interface Rerun extends Verdict {
  number: number;
  account: string;
  isolation: string;
  started: string;
  ended: string;
  environment_changes: unknown[];
}

export interface Run {
  run: string;
  kind: 'run' | 'reproduce';
  state: 'running' | 'done' | 'failed' | 'cancelled';
  /** What happens outside cells: the kernel starts, the report is written. */
  phase?: string;
  question: string;
  notebook: string;
  parameters: Record<string, ParameterValue>;
  created: string;
  started?: string;
  ended?: string;
  message?: string;
  cells?: CellRun[];
  failed_cell?: number | null;
  results?: Result[];
  data?: Record<string, string>;
  files?: { notebook?: string; report?: string; crate?: string };
  /** Of a re-run: the crate's path, the verdict, and its number in the crate. */
  crate?: string;
  verdict?: Verdict;
  number?: number;
  is_added?: boolean;
}

export interface Crate {
  path: string;
  /** Why it cannot be read; then nothing else is known. */
  problem?: string;
  question: string;
  notebook: string;
  parameters: Record<string, ParameterValue>;
  data: Record<string, string>;
  account: string;
  started: string | null;
  ended: string | null;
  isolation: string;
  /** Absent of one that cannot be read. */
  verdicts?: Rerun[];
}

export interface CrateCard extends Crate {
  verdicts: Rerun[];
  results: Result[];
  environment: Record<string, string>;
}

/** A piece of text, and whether it is said otherwise in the other run. */
export type Span = [boolean, string];

export interface TextPart {
  kind: 'text';
  label: 'source' | 'output' | 'printed' | 'error';
  first: Span[] | null;
  second: Span[] | null;
  is_same: boolean;
  is_cut: boolean;
}

export interface PicturePart {
  kind: 'picture';
  first: string | null;
  second: string | null;
  difference: string | null;
  /** Share of the pixels that differ, and the largest difference of a colour; null when sizes differ. */
  changed: number | null;
  largest: number | null;
  is_same: boolean;
}

export type CellPart = TextPart | PicturePart;

export interface ComparedCell {
  number: number;
  kind: string;
  source: string;
  is_same: boolean;
  parts: CellPart[];
}

export interface Comparison {
  record: Rerun;
  cells: ComparedCell[];
}
