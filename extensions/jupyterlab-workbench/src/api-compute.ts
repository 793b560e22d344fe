/** What the server offers about clusters and jobs. */

import { at, type Line } from './paths';
import type { Cluster, Clusters, Job } from './replies-compute';

export class ComputeApi {
  constructor(private readonly line: Line) {}

  clusters = (): Promise<Clusters> => this.line.get('clusters');
  stop = (cluster: string): Promise<Cluster> => this.line.post(at`clusters/${cluster}/stop`, {});

  /** One's own jobs, newest first, without their arguments and results. */
  jobs = async (): Promise<Job[]> => (await this.line.get<{ jobs: Job[] }>('jobs?brief=1')).jobs;
  /** The last 64 KiB of what a job printed. */
  jobLog = async (job: string): Promise<string> => (await this.line.get<{ log: string }>(at`jobs/${job}/log`)).log;
  cancelJob = (job: string): Promise<Response> => this.line.read('DELETE', at`jobs/${job}`);
}
