/** The shapes of what the server answers about tasks, submissions and leaderboards. */

export interface Quota {
  week_used: number;
  week: number;
  total_used: number;
  total: number;
}

export type SubmissionKind = 'onnx' | 'predictions' | 'folder';

export interface Task {
  task: string;
  title: string;
  question: string;
  version: string;
  /** "CPM", "AUC"; `definition` says what it measures. */
  metric_name: string;
  definition: string;
  higher_is_better: boolean;
  /** Where the truth comes from, and whether it was verified by something better than opinion. */
  label: string;
  label_verified: boolean;
  synthetic: boolean;
  unit: string;
  missing: 'worst' | 'reject';
  submissions: SubmissionKind[];
  quota: Quota;
  notebook: string;
}

/** A task with what its card says besides its question. */
export interface TaskCard extends Task {
  card?: {
    licence: string;
    ceilings: { metric: string; value: number; standard_error: number | null; says: string }[];
    prevalence: Worth | null;
    trap: { name: string; wrong: string; honest: string } | null;
  };
}

/** What a positive answer is worth where one in so many is positive. */
export interface Worth {
  share: number;
  sensitivity: number;
  says: string;
  ppv: { specificity: number; ppv: number }[];
  ceiling: { specificity: number; ppv: number } | null;
  zero_false_alarms: { negatives: number; specificity_at_least: number }[];
}

export type Interval = [number, number] | null;

export type SubmissionState = 'queued' | 'running' | 'scored' | 'valid' | 'failed' | 'withdrawn';

/** A submission's scores as this person may see them: through the Ladder. */
export interface Scores {
  is_shown?: boolean;
  message?: string;
  value: number | null;
  interval: Interval;
}

export interface Submission {
  submission: string;
  task: string;
  person: string;
  kind: SubmissionKind;
  intent: 'validation' | 'scored' | 'rescore' | 'final';
  note: string;
  state: SubmissionState;
  code: string | null;
  message: string;
  scores: Scores | null;
  created: string;
  ended: string | null;
}
