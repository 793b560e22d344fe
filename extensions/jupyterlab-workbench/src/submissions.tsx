/** One's own submissions to a task: their states while they wait, their messages when they have ended. */

import * as React from 'react';
import { useAttempt } from './hooks';
import { Problem } from './forms';
import { Button, type Desk, Notice } from './parts';
import type { Submission } from './replies-benchmark';
import { isWaiting } from './endings';
import { sayMoment } from './words';

export function Submissions({ desk, task }: { desk: Desk; task: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const own = (workbench.submissions.value ?? []).filter(one => one.task === task);
  if (own.length === 0) {
    return <p className="wb-Dim">{workbench.submissions.problem ?? trans.__('You have submitted nothing yet.')}</p>;
  }
  return (
    <table className="wb-Table wb-Submissions">
      <thead>
        <tr>
          <th scope="col">{trans.__('Submission')}</th>
          <th scope="col">{trans.__('State')}</th>
          <th scope="col">{trans.__('What came of it')}</th>
          <th scope="col">{trans.__('Sent')}</th>
        </tr>
      </thead>
      <tbody>
        {own.map(one => (
          <Row key={one.submission} desk={desk} submission={one} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ desk, submission }: { desk: Desk; submission: Submission }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [busy, problem, attempt] = useAttempt();
  return (
    <tr data-submission={submission.submission} data-state={submission.state}>
      <td>
        <strong>{submission.submission}</strong>
        <span className="wb-Dim wb-Below">
          {[submission.intent === 'validation' ? trans.__('check only') : trans.__('scored'), submission.kind, submission.note]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </td>
      <td>
        <span className={`wb-Chip wb-state-${submission.state}`}>{submission.state}</span>
        {submission.code && <code className="wb-Below">{submission.code}</code>}
      </td>
      <td>
        {isWaiting(submission) ? (
          <span className="wb-Waiting" role="status">
            <span className="wb-Pulse" aria-hidden="true" />
            {submission.message || trans.__('Being evaluated; this page follows it.')}
          </span>
        ) : (
          submission.message
        )}
        {isWaiting(submission) && (
          <Button
            disabled={busy}
            label={trans.__('Withdraw %1', submission.submission)}
            onClick={() => {
              attempt(() => workbench.change(() => workbench.api.benchmark.withdraw(submission.submission)));
            }}
          >
            {trans.__('Withdraw')}
          </Button>
        )}
        <Problem text={problem} />
      </td>
      <td className="wb-Dim">{sayMoment(submission.created)}</td>
    </tr>
  );
}

/** What is left of a person's scored submissions. */
export function QuotaLine({ desk, task }: { desk: Desk; task: string }): React.JSX.Element | null {
  const { trans, workbench } = desk;
  const quota = workbench.task(task)?.quota;
  if (!quota) {
    return null;
  }
  const week = Math.max(0, quota.week - quota.week_used);
  const all = Math.max(0, quota.total - quota.total_used);
  const left = Math.min(week, all);
  return left === 0 ? (
    <Notice kind="empty">{trans.__('Your scored submissions are used up for now; a check is always possible.')}</Notice>
  ) : (
    <p className="wb-Dim">
      {trans.__('%1 of %2 scored submissions left this week, %3 of %4 in all. What fails and what is only checked does not count.',
        left, quota.week, all, quota.total)}
    </p>
  );
}
