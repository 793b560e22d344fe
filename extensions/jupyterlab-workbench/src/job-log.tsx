/** The last lines of what a job printed; it grows while the job is under way. */

import * as React from 'react';
import { useReply } from './hooks';
import { isUnderWay, lastLines } from './job-words';
import { type Desk, Notice } from './parts';
import type { Job } from './replies-compute';

const LIVE_MS = 3_000;
/** As near to the end as counts as reading the newest line. */
const NEAR_PX = 24;

export function JobLog({ desk, job }: { desk: Desk; job: Job }): React.JSX.Element {
  const { trans, workbench } = desk;
  const isLive = isUnderWay(job);
  // Once more when it has ended: its last words came after the last look.
  const known = useReply(() => workbench.api.compute.jobLog(job.id), `log ${job.id} ${job.state}`, isLive ? LIVE_MS : undefined);
  const box = React.useRef<HTMLPreElement>(null);
  const isAtEnd = React.useRef(true);
  const { text, isCut } = lastLines(known.value ?? '');
  React.useLayoutEffect(() => {
    if (box.current && isAtEnd.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [text]);
  const isShown = text !== '';
  React.useEffect(() => {
    // It opens below its button, where a small section of the sidebar ends.
    box.current?.scrollIntoView({ block: 'nearest' });
  }, [isShown]);
  if (known.value === null) {
    return <Notice kind={known.problem ? 'failed' : 'loading'}>{known.problem ?? trans.__('Loading the log…')}</Notice>;
  }
  if (!isShown) {
    return <p className="wb-Dim">{isLive ? trans.__('It has printed nothing yet.') : trans.__('It printed nothing.')}</p>;
  }
  return (
    <>
      {known.problem && <Notice kind="failed">{known.problem}</Notice>}
      {isCut && <p className="wb-Dim">{trans.__('Only the last lines are shown here.')}</p>}
      <pre
        ref={box}
        className="wb-Text wb-Log"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Log of %1', job.name)}
        onScroll={event => {
          const seen = event.currentTarget;
          isAtEnd.current = seen.scrollHeight - seen.scrollTop - seen.clientHeight < NEAR_PX;
        }}
      >
        {text}
      </pre>
    </>
  );
}
