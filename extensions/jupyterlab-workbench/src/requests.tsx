/** Section "Requests": what waits for this custodian's decision. */

import * as React from 'react';
import { useAttempt } from './hooks';
import { Button, type Desk, Notice, Shown } from './parts';
import type { AccessRequest } from './replies';
import { sayDay } from './words';

export function Requests({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  return (
    <Shown desk={desk} known={workbench.requests} loading={trans.__('Loading requests…')}>
      {() =>
        workbench.pending.length === 0 ? (
          <Notice kind="empty">{trans.__('No request waits for your decision.')}</Notice>
        ) : (
          <ul className="wb-List">
            {workbench.pending.map(request => (
              <PendingRequest key={request.id} desk={desk} request={request} />
            ))}
          </ul>
        )
      }
    </Shown>
  );
}

function PendingRequest({ desk, request }: { desk: Desk; request: AccessRequest }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [reason, setReason] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  const decide = (verdict: 'approve' | 'refuse'): void => {
    attempt(() => workbench.decide(request.id, verdict, reason.trim()));
  };
  const purpose = workbench.purpose(request.purpose);
  const title = workbench.dataset(request.dataset)?.title ?? request.dataset;
  return (
    <li className="wb-Row wb-Pending" data-request={request.id}>
      <p className="wb-RowTitle">
        <span>{trans.__('%1 asks for %2', request.person, title)}</span>
      </p>
      <p className="wb-Dim">
        {[purpose, trans._n('%1 day', '%1 days', request.days, request.days), sayDay(request.created), request.id].join(' · ')}
      </p>
      {request.note && <blockquote>{request.note}</blockquote>}
      <input
        type="text"
        aria-label={trans.__('Reason for the decision on %1', request.id)}
        placeholder={trans.__('Reason (needed to refuse)')}
        value={reason}
        onChange={event => {
          setReason(event.target.value);
        }}
      />
      {problem && (
        <p className="wb-Problem" role="alert">
          {problem}
        </p>
      )}
      <div className="wb-Actions">
        <Button
          kind="primary"
          disabled={busy}
          label={trans.__('Approve request %1', request.id)}
          onClick={() => {
            decide('approve');
          }}
        >
          {trans.__('Approve')}
        </Button>
        <Button
          kind="danger"
          disabled={busy || reason.trim() === ''}
          label={trans.__('Refuse request %1', request.id)}
          onClick={() => {
            decide('refuse');
          }}
        >
          {trans.__('Refuse')}
        </Button>
      </div>
    </li>
  );
}
