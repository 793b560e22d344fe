/** The shape of a leaderboard. */

import type { Interval } from './replies-benchmark';

/** Where an entry stands, and what is known of it. */
export interface Place {
  rank: number;
  rank_interval: [number, number];
  tie_group: number;
  /** Who cannot be told apart from this entry. */
  ties: string[];
}

export interface Subgroup {
  name: string;
  group: string;
  units: number;
  value: number | null;
  interval: Interval;
}

export interface Entry extends Place {
  /** null for a baseline. */
  submission: string | null;
  kind: 'submission' | 'baseline';
  person: string;
  note: string;
  value: number;
  interval: Interval;
  created: string;
  isolation: string;
  coverage: number | null;
  items: number | null;
  answered: number | null;
  worst_subgroup: Subgroup | null;
  cost: { cpu_seconds?: number; wall_seconds?: number; peak_mib?: number } | null;
  /** On the final split, once that was opened. */
  final: (Place & { value: number; interval: Interval }) | null;
  final_failed: string | null;
}

export interface FinalTest {
  state: 'none' | 'proposed' | 'running' | 'stopped' | 'done';
  opened?: string | null;
  opened_by?: string | null;
  runs?: number;
  ended?: number;
}

export interface Leaderboard {
  task: string;
  metric_name: string;
  higher_is_better: boolean;
  version: string;
  synthetic: boolean;
  /** What stands above the board of a synthetic task. */
  band: string | null;
  unit: string;
  closed: boolean;
  final: FinalTest;
  /** What each level of isolation means. */
  isolation: Record<string, string>;
  entries: Entry[];
}
