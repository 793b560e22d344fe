/** The shapes of what the server answers about clusters and jobs. */

export interface Cluster {
  id: string;
  kernel: string;
  kind: 'cpu' | 'gpu';
  /** Workers wanted, and how many there are; null before the cluster said anything. */
  workers: number;
  actual: number | null;
  memory_bytes: number | null;
  tasks: number | null;
  idle_s: number | null;
  idle_minutes: number;
  started: string;
  ends: string;
  state: 'running' | 'stopping' | 'ended';
  ended: string | null;
  why: string;
}

export interface ClusterQuota {
  workers: number;
  workers_used: number;
  gpus: number;
  gpus_used: number;
  hours: number;
  hours_used: number;
}

export interface Clusters {
  clusters: Cluster[];
  quota: ClusterQuota;
}

export type JobState =
  | 'starting'
  | 'running'
  | 'done'
  | 'failed'
  | 'refused'
  | 'out-of-memory'
  | 'killed'
  | 'cancelled'
  | 'lost';

export interface Job {
  id: string;
  name: string;
  /** `module:function`, or the first word of a command line. */
  work: string | string[];
  state: JobState;
  /** It was asked to end and has not ended yet. */
  is_cancelling: boolean;
  /** How it ended and what to do next; empty after a usual end. */
  message?: string;
  /** What the job itself says: `done`, `total`, `text` and figures of its own. */
  progress?: Record<string, number | string | boolean>;
  created: string;
  started?: string;
  ended?: string;
}
