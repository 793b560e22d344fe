/** Section "Clusters": what of this person's workers run, what of the quota is used, and a way to stop them. */

import * as React from 'react';
import { Problem } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk, Notice } from './parts';
import type { Cluster, ClusterQuota, Clusters as ClusterList } from './replies-compute';
import { sayMinutes } from './words';

/** What runs changes by the second; that something starts is news once in a while. */
const LIVE_MS = 3_000;
const CALM_MS = 10_000;
const MIB = 2 ** 20;
const MINUTE_MS = 60_000;

export function Clusters({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [runs, setRuns] = React.useState(false);
  const look = async (): Promise<ClusterList> => {
    const found = await workbench.api.compute.clusters();
    setRuns(found.clusters.some(one => one.state !== 'ended'));
    return found;
  };
  const known = useReply(look, `clusters ${workbench.news}`, runs ? LIVE_MS : CALM_MS);
  if (!known.value) {
    return known.problem ? (
      <Notice kind="failed">{known.problem}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading clusters…')}</Notice>
    );
  }
  const { clusters, quota } = known.value;
  return (
    <>
      {clusters.length === 0 ? (
        <Notice kind="empty">{trans.__('No cluster runs. wb.cluster() in a notebook starts one.')}</Notice>
      ) : (
        <ul className="wb-List">
          {clusters.map(cluster => (
            <ClusterRow key={cluster.id} desk={desk} cluster={cluster} />
          ))}
        </ul>
      )}
      <Used desk={desk} quota={quota} />
    </>
  );
}

/** What of the quota is used, as bars with their numbers. */
function Used({ desk, quota }: { desk: Desk; quota: ClusterQuota }): React.JSX.Element {
  const { trans } = desk;
  const bars: [string, number, number][] = [
    [trans.__('Workers'), quota.workers_used, quota.workers],
    [trans.__('GPUs'), quota.gpus_used, quota.gpus],
    [trans.__('Worker hours this week'), quota.hours_used, quota.hours]
  ];
  return (
    <dl className="wb-Quota" aria-label={trans.__('Quota used')}>
      {bars.map(([name, used, most]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <progress value={used} max={Math.max(most, 1)} aria-label={name} />
            <span>{trans.__('%1 of %2', String(Math.round(used * 10) / 10), String(most))}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ClusterRow({ desk, cluster }: { desk: Desk; cluster: Cluster }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [busy, problem, attempt] = useAttempt();
  const since = (moment: string): number => Math.floor((Date.now() - Date.parse(moment)) / MINUTE_MS);
  const states = {
    running: trans.__('running'),
    stopping: trans.__('stopping'),
    ended: trans.__('closed')
  };
  const workers = trans.__('%1 of %2 workers', String(cluster.actual ?? 0), String(cluster.workers));
  const live = [
    `${cluster.kind.toUpperCase()} · ${workers}`,
    trans.__('%1 MiB', String(Math.round((cluster.memory_bytes ?? 0) / MIB))),
    trans._n('%1 task', '%1 tasks', cluster.tasks ?? 0, cluster.tasks ?? 0),
    cluster.tasks ? '' : trans.__('idle for %1', sayMinutes(Math.floor((cluster.idle_s ?? 0) / 60), trans)),
    trans.__('%1 left', sayMinutes(Math.max(-since(cluster.ends), 0), trans))
  ];
  const past = [trans.__('closed %1 ago', sayMinutes(since(cluster.ended ?? cluster.ends), trans)), cluster.why];
  return (
    <li className="wb-Row wb-Pending" data-cluster={cluster.id}>
      <p className="wb-RowTitle">
        <span>{cluster.id}</span>
        <span className="wb-Chip">{states[cluster.state]}</span>
      </p>
      <p className="wb-Dim">{(cluster.state === 'ended' ? past : live).filter(Boolean).join(' · ')}</p>
      {cluster.state === 'running' && (
        <div className="wb-Actions">
          <Button
            kind="danger"
            disabled={busy}
            label={trans.__('Stop cluster %1', cluster.id)}
            onClick={() => {
              attempt(() => workbench.change(() => workbench.api.compute.stop(cluster.id)));
            }}
          >
            {trans.__('Stop')}
          </Button>
        </div>
      )}
      <Problem text={problem} />
    </li>
  );
}
