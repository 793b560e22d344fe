/** Main-area page: the audit log as a table to be filtered, and the proof of any event in it. */

import * as React from 'react';
import { AuditTools } from './audit';
import { saveAsJson } from './download';
import { Choice, Problem, TextField } from './forms';
import { useAttempt, useReply, useRested } from './hooks';
import { Button, type Desk, Notice } from './parts';
import type { AuditEvent, AuditFilter } from './replies-governance';
import { sayMoment } from './words';

const PAGE = 100;
const MOST = 1000;
export function AuditPage({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [filter, setFilter] = React.useState<AuditFilter>({ person: '', action: '', resource: '', outcome: '' });
  // Every look is itself an event, so none is spent on half a word.
  const wanted = useRested(filter);
  const [limit, setLimit] = React.useState(PAGE);
  const events = useReply(() => workbench.api.events(wanted, limit), JSON.stringify([wanted, limit, workbench.news]));
  const field = (name: 'person' | 'action' | 'resource', label: string): React.JSX.Element => (
    <div>
      <TextField
        label={label}
        kind="search"
        value={filter[name]}
        onChange={value => {
          setFilter({ ...filter, [name]: value.trim() });
        }}
      />
    </div>
  );
  return (
    <article className="wb-Page wb-AuditPage">
      <header>
        <p className="wb-Eyebrow">{trans.__('Audit')}</p>
        <h1>{trans.__('Who did what, and who was refused')}</h1>
      </header>
      <AuditTools desk={desk} />
      <form className="wb-Form wb-Filter" role="search" aria-label={trans.__('Filter the log')}>
        {field('person', trans.__('Person'))}
        {field('action', trans.__('Action'))}
        {field('resource', trans.__('Thing'))}
        <div>
          <Choice
            label={trans.__('Outcome')}
            hint={trans.__('any')}
            options={[
              ['done', trans.__('done')],
              ['allowed', trans.__('allowed')],
              ['denied', trans.__('denied')],
              ['failed', trans.__('failed')]
            ]}
            value={filter.outcome}
            onChange={outcome => {
              setFilter({ ...filter, outcome });
            }}
          />
        </div>
      </form>
      {events.problem && <Notice kind="failed">{events.problem}</Notice>}
      {!events.value && !events.problem && <Notice kind="loading">{trans.__('Loading the log…')}</Notice>}
      {events.value?.length === 0 && <Notice kind="empty">{trans.__('No event matches.')}</Notice>}
      {events.value && events.value.length > 0 && <Events desk={desk} events={[...events.value].reverse()} />}
      {events.value && events.value.length >= limit && limit < MOST && (
        <div className="wb-Actions">
          <Button
            onClick={() => {
              setLimit(MOST);
            }}
          >
            {trans.__('Show up to %1', MOST)}
          </Button>
        </div>
      )}
    </article>
  );
}

function Events({ desk, events }: { desk: Desk; events: AuditEvent[] }): React.JSX.Element {
  const { trans } = desk;
  return (
    <table className="wb-Table wb-Audit">
      <thead>
        <tr>
          <th scope="col" className="wb-Number">
            {trans.__('Event')}
          </th>
          <th scope="col">{trans.__('Time')}</th>
          <th scope="col">{trans.__('Person')}</th>
          <th scope="col">{trans.__('Action')}</th>
          <th scope="col">{trans.__('Thing')}</th>
          <th scope="col">{trans.__('Outcome')}</th>
          <th scope="col">{trans.__('Proof')}</th>
        </tr>
      </thead>
      <tbody>
        {events.map(event => (
          <EventRow key={event.seq} desk={desk} event={event} />
        ))}
      </tbody>
    </table>
  );
}

function EventRow({ desk, event }: { desk: Desk; event: AuditEvent }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [busy, problem, attempt] = useAttempt();
  return (
    <tr data-event={event.seq} data-outcome={event.outcome}>
      <td className="wb-Number">{event.seq}</td>
      <td className="wb-Dim">{sayMoment(event.time)}</td>
      <td>{event.actor}</td>
      <td>{event.action}</td>
      <td>{event.resource}</td>
      <td>
        {event.outcome}
        {event.reason && <div className="wb-Dim">{event.reason}</div>}
      </td>
      <td>
        <Button
          disabled={busy}
          label={trans.__('Download the proof of event %1', event.seq)}
          onClick={() => {
            attempt(async () => {
              saveAsJson(await workbench.api.proof(event.seq), `audit-proof-${event.seq}.json`);
            });
          }}
        >
          {trans.__('Proof')}
        </Button>
        <Problem text={problem} />
      </td>
    </tr>
  );
}
