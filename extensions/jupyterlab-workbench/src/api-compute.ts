/** What the server offers about clusters. */

import { at, type Line } from './paths';
import type { Cluster, Clusters } from './replies-compute';

export class ComputeApi {
  constructor(private readonly line: Line) {}

  clusters = (): Promise<Clusters> => this.line.get('clusters');
  stop = (cluster: string): Promise<Cluster> => this.line.post(at`clusters/${cluster}/stop`, {});
}
