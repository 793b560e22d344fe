/** Section "Jobs": what of this person's work goes on beside the notebooks, how far it is, and how the rest ended. */

import { Clipboard, Dialog, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import { Problem } from './forms';
import { useAttempt, useReply } from './hooks';
import { JobLog } from './job-log';
import { isUnderWay, readProgress, resultCode, sayKind, sayState, sayTimes, sayWhy, SIGNS } from './job-words';
import { Button, type Desk, Notice, Sentence } from './parts';
import type { Job } from './replies-compute';
import { sayMoment } from './words';

/** How far a job is changes by the second; that one starts is news once in a while. */
const LIVE_MS = 3_000;
const CALM_MS = 10_000;
/** How many are shown before somebody asks for all; the gateway keeps the last forty. */
const SHOWN = 10;
const COPIED_MS = 3_000;

export function Jobs({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [runs, setRuns] = React.useState(false);
  const [showsAll, setShowsAll] = React.useState(false);
  const look = async (): Promise<Job[]> => {
    const found = await workbench.api.compute.jobs();
    setRuns(found.some(isUnderWay));
    return found;
  };
  const known = useReply(look, `jobs ${workbench.news}`, runs ? LIVE_MS : CALM_MS);
  const jobs = known.value;
  const shown = jobs?.filter((job, index) => showsAll || index < SHOWN || isUnderWay(job)) ?? [];
  return (
    <>
      {known.problem && (
        <Notice kind="failed">
          <Sentence text={known.problem} />
        </Notice>
      )}
      {!jobs && !known.problem && <Notice kind="loading">{trans.__('Loading jobs…')}</Notice>}
      {jobs?.length === 0 && (
        <Notice kind="empty">
          <Sentence
            text={trans.__(
              'No jobs yet. `workbench preprocess` and `workbench train` start some, and so does `run_job` in a notebook; they go on when this tab is closed.'
            )}
          />
        </Notice>
      )}
      {shown.length > 0 && (
        <ul className="wb-List" aria-label={trans.__('Jobs, newest first')}>
          {shown.map(job => (
            <JobRow key={job.id} desk={desk} job={job} />
          ))}
        </ul>
      )}
      {jobs && shown.length < jobs.length && (
        <div className="wb-Actions wb-AllJobs">
          <Button
            onClick={() => {
              setShowsAll(true);
            }}
          >
            {trans.__('Show all %1 jobs', jobs.length)}
          </Button>
        </div>
      )}
      <Ended desk={desk} jobs={jobs ?? []} />
    </>
  );
}

/** Told to screen readers alone: which job has just ended, and how. */
function Ended({ desk, jobs }: { desk: Desk; jobs: Job[] }): React.JSX.Element {
  const { trans } = desk;
  const before = React.useRef(new Set<string>());
  const [said, setSaid] = React.useState('');
  React.useEffect(() => {
    const over = jobs.filter(job => before.current.has(job.id) && !isUnderWay(job));
    if (over.length > 0) {
      setSaid(over.map(job => trans.__('%1: %2', job.name, sayState(job, trans))).join('; '));
    }
    before.current = new Set(jobs.filter(isUnderWay).map(job => job.id));
  }, [jobs]);
  return (
    <p className="wb-OnlyHeard" role="status">
      {said}
    </p>
  );
}

function JobRow({ desk, job }: { desk: Desk; job: Job }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [busy, problem, attempt] = useAttempt();
  const [showsLog, setShowsLog] = React.useState(false);
  const row = React.useRef<HTMLLIElement>(null);
  const progress = readProgress(job, trans);
  const cancel = async (): Promise<void> => {
    if (await isMeant(desk, job)) {
      // The button goes with the job; whoever works by keyboard stays at its row.
      row.current?.focus();
      attempt(() => workbench.change(() => workbench.api.compute.cancelJob(job.id)));
    }
  };
  return (
    <li ref={row} tabIndex={-1} className="wb-Row wb-Pending wb-Job" data-job={job.id} data-state={job.state}>
      <p className="wb-RowTitle">
        <span className="wb-JobName">{job.name}</span>
        <State desk={desk} job={job} />
      </p>
      <p className="wb-Dim" title={trans.__('Started %1', sayMoment(job.started ?? job.created))}>
        {[sayKind(job, trans), sayTimes(job, trans)].join(' · ')}
      </p>
      {progress && <HowFar desk={desk} job={job} share={progress.share} said={progress.said} />}
      {job.message && (
        <p className="wb-Reason">
          <Sentence text={sayWhy(job)} />
        </p>
      )}
      <div className="wb-Actions">
        {isUnderWay(job) && (
          <Button
            kind="danger"
            disabled={busy || job.is_cancelling}
            label={trans.__('Cancel %1', job.name)}
            onClick={() => void cancel()}
          >
            {trans.__('Cancel')}
          </Button>
        )}
        <Button
          label={showsLog ? trans.__('Hide log of %1', job.name) : trans.__('Show log of %1', job.name)}
          onClick={() => {
            setShowsLog(!showsLog);
          }}
        >
          {showsLog ? trans.__('Hide log') : trans.__('Show log')}
        </Button>
        {(isUnderWay(job) || job.state === 'done') && !Array.isArray(job.work) && <CopyCode desk={desk} job={job} />}
      </div>
      <Problem text={problem} />
      {showsLog && <JobLog desk={desk} job={job} />}
    </li>
  );
}

function State({ desk, job }: { desk: Desk; job: Job }): React.JSX.Element {
  const { sign, tone } = SIGNS[job.state];
  return (
    <span className={`wb-Mark wb-tone-${tone}`}>
      <span aria-hidden="true">{sign}</span> {sayState(job, desk.trans)}
    </span>
  );
}

function HowFar(props: { desk: Desk; job: Job; share: number | null; said: string }): React.JSX.Element {
  const { job, said, share } = props;
  const percent = share === null ? null : Math.floor(share * 100);
  return (
    <div className="wb-Under">
      {percent !== null && isUnderWay(job) && (
        <div
          className="wb-Bar"
          role="progressbar"
          aria-label={props.desk.trans.__('How far %1 is', job.name)}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
          aria-valuetext={said}
        >
          <span style={{ width: `${percent}%` }} />
        </div>
      )}
      <p className="wb-Dim">{said}</p>
    </div>
  );
}

/** Puts the lines that give a notebook the result on the clipboard. */
function CopyCode({ desk, job }: { desk: Desk; job: Job }): React.JSX.Element {
  const { trans } = desk;
  const [isCopied, setCopied] = React.useState(false);
  React.useEffect(() => {
    const timer = isCopied ? window.setTimeout(setCopied, COPIED_MS, false) : undefined;
    return () => {
      window.clearTimeout(timer);
    };
  }, [isCopied]);
  return (
    <>
      <Button
        label={isCopied ? trans.__('Copied code for the result of %1', job.name) : trans.__('Copy code for the result of %1', job.name)}
        onClick={() => {
          Clipboard.copyToSystem(resultCode(job));
          setCopied(true);
        }}
      >
        {isCopied ? trans.__('Copied') : trans.__('Copy code')}
      </Button>
      <span className="wb-OnlyHeard" role="status">
        {isCopied && trans.__('Copied. Paste it into a cell.')}
      </span>
    </>
  );
}

/** Ask before a job is ended; it may have worked for hours. */
async function isMeant(desk: Desk, job: Job): Promise<boolean> {
  const { trans } = desk;
  const answer = await showDialog({
    title: trans.__('Cancel “%1”?', job.name),
    body: trans.__(
      'It gets a few seconds to put its things in order. What it has written to the workspace stays; what it had not written is lost.'
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Let it go on') }),
      Dialog.warnButton({ label: trans.__('Cancel the job') })
    ],
    defaultButton: 0
  });
  return answer.button.accept;
}
