/** Section "Requests": what waits for this custodian's decision, the grants that run, and the rules behind them. */

import * as React from 'react';
import { Mark, sayAnswer } from './checklist';
import { CommandIds } from './command-ids';
import { Problem, TextField } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk, Notice, Shown } from './parts';
import type { AccessRequest } from './replies';
import type { Grant } from './replies-governance';
import { sayDay, sayDaysLeft } from './words';

export function Requests({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  return (
    <Shown desk={desk} known={workbench.requests} loading={trans.__('Loading requests…')}>
      {() => (
        <>
          {workbench.pending.length === 0 ? (
            <Notice kind="empty">{trans.__('No request waits for your decision.')}</Notice>
          ) : (
            <ul className="wb-List">
              {workbench.pending.map(request => (
                <li key={request.id} className="wb-Row wb-Pending" data-request={request.id}>
                  <PendingRequest desk={desk} request={request} opens />
                </li>
              ))}
            </ul>
          )}
          <Grants desk={desk} />
          <Rules desk={desk} />
        </>
      )}
    </Shown>
  );
}

/** What somebody asks for in short, and its two ends: approved for some days, or refused with a reason. */
export function PendingRequest(props: { desk: Desk; request: AccessRequest; opens?: boolean }): React.JSX.Element {
  const { desk, request, opens } = props;
  const { commands, trans, workbench } = desk;
  const [reason, setReason] = React.useState('');
  const [days, setDays] = React.useState(String(request.days));
  const [busy, problem, attempt] = useAttempt();
  const purpose = workbench.purpose(request.purpose);
  const title = workbench.dataset(request.dataset)?.title ?? request.dataset;
  const missing = (request.checklist ?? []).filter(item => item.met === false && item.key !== 'approval').length;
  return (
    <>
      <p className="wb-RowTitle">
        <span>{trans.__('%1 asks for %2', request.person, title)}</span>
        {request.match && <Mark answer={request.match.answer} word={sayAnswer(request.match.answer, trans)} />}
      </p>
      <p className="wb-Dim">
        {[purpose, trans._n('%1 day', '%1 days', request.days, request.days), sayDay(request.created), request.id].join(' · ')}
      </p>
      {missing > 0 && <p className="wb-Dim">{trans._n('%1 thing is missing.', '%1 things are missing.', missing, missing)}</p>}
      {request.note && <blockquote>{request.note}</blockquote>}
      <div className="wb-Decision">
        <input
          type="number"
          min={1}
          max={request.days}
          aria-label={trans.__('Days granted for %1', request.id)}
          value={days}
          onChange={event => {
            setDays(event.target.value);
          }}
        />
        <input
          type="text"
          aria-label={trans.__('Reason for the decision on %1', request.id)}
          placeholder={trans.__('Reason (needed to refuse)')}
          value={reason}
          onChange={event => {
            setReason(event.target.value);
          }}
        />
      </div>
      <Problem text={problem} />
      <div className="wb-Actions">
        {opens && (
          <Button
            label={trans.__('Details of request %1', request.id)}
            onClick={() => void commands.execute(CommandIds.openRequest, { request: request.id })}
          >
            {trans.__('Details')}
          </Button>
        )}
        <Button
          kind="primary"
          disabled={busy || !(Number(days) >= 1 && Number(days) <= request.days)}
          label={trans.__('Approve request %1', request.id)}
          onClick={() => {
            attempt(() => workbench.change(() => workbench.api.approve(request.id, Number(days), reason.trim())));
          }}
        >
          {trans.__('Approve')}
        </Button>
        <Button
          kind="danger"
          disabled={busy || reason.trim() === ''}
          label={trans.__('Refuse request %1', request.id)}
          onClick={() => {
            attempt(() => workbench.change(() => workbench.api.refuse(request.id, reason.trim())));
          }}
        >
          {trans.__('Refuse')}
        </Button>
      </div>
    </>
  );
}

/** The grants that run on this person's word, each of which can be taken back. */
function Grants({ desk }: { desk: Desk }): React.JSX.Element | null {
  const { trans, workbench } = desk;
  const grants = workbench.givenGrants;
  return grants.length === 0 ? null : (
    <section aria-label={trans.__('Running grants')}>
      <h3 className="wb-Heading">{trans.__('Running grants')}</h3>
      <ul className="wb-List">
        {grants.map(grant => (
          <li key={grant.id} className="wb-Row wb-Pending" data-grant={grant.id}>
            <RunningGrant desk={desk} grant={grant} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** One grant and its early end, which asks for a reason first; also how its holder gives it back. */
export function RunningGrant({ desk, grant }: { desk: Desk; grant: Grant }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [ending, setEnding] = React.useState(false);
  const [reason, setReason] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  const isOwn = grant.person === workbench.me.value?.person;
  const title = workbench.dataset(grant.dataset)?.title ?? grant.dataset;
  const verb = isOwn ? trans.__('Give back') : trans.__('Revoke');
  return (
    <>
      <p className="wb-RowTitle">
        <span>{isOwn ? title : trans.__('%1 reads %2', grant.person, title)}</span>
      </p>
      <p className="wb-Dim">
        {[workbench.purpose(grant.purpose), sayDaysLeft(grant.ends, trans), sayDay(grant.ends), grant.id].join(' · ')}
      </p>
      {ending && (
        <div className="wb-Form">
          <TextField
            label={trans.__('Why does grant %1 end now?', grant.id)}
            value={reason}
            onChange={setReason}
          />
        </div>
      )}
      <Problem text={problem} />
      <div className="wb-Actions">
        {ending ? (
          <>
            <Button
              kind="danger"
              disabled={busy || reason.trim() === ''}
              label={trans.__('End grant %1 now', grant.id)}
              onClick={() => {
                attempt(() => workbench.change(() => workbench.api.revoke(grant.id, reason.trim())));
              }}
            >
              {trans.__('End it now')}
            </Button>
            <Button
              onClick={() => {
                setEnding(false);
              }}
            >
              {trans.__('Keep it')}
            </Button>
          </>
        ) : (
          <Button
            label={`${verb} ${grant.id}`}
            onClick={() => {
              setEnding(true);
            }}
          >
            {verb}…
          </Button>
        )}
      </div>
    </>
  );
}

/** The way to the terms, the agreement and the policy of each dataset that this person answers for. */
function Rules({ desk }: { desk: Desk }): React.JSX.Element | null {
  const { commands, trans, workbench } = desk;
  const datasets = workbench.ownDatasets;
  return datasets.length === 0 ? null : (
    <section aria-label={trans.__('Rules of your datasets')}>
      <h3 className="wb-Heading">{trans.__('Rules of your datasets')}</h3>
      <div className="wb-Actions wb-Rules">
        {datasets.map(dataset => (
          <Button
            key={dataset.name}
            label={trans.__('Rules of %1', dataset.title)}
            onClick={() => void commands.execute(CommandIds.openRules, { name: dataset.name })}
          >
            {dataset.title}
          </Button>
        ))}
      </div>
    </section>
  );
}
