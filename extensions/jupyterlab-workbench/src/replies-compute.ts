/** The shapes of what the server answers about clusters. */

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
