/** Section "Access": what this person holds – grants, requests, training, visas – and until when. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { Problem, TextArea } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk, Notice } from './parts';
import { RunningGrant } from './requests';
import { sayDay } from './words';

export function Holdings({ desk }: { desk: Desk }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const me = workbench.me.value?.person;
  const grants = (workbench.grantList.value ?? []).filter(grant => grant.person === me && grant.is_active);
  const waiting = (workbench.requests.value ?? []).filter(one => one.person === me && one.status === 'submitted');
  const isLoading = workbench.grantList.value === null && !workbench.grantList.problem;
  return (
    <>
      {isLoading && <Notice kind="loading">{trans.__('Loading what you hold…')}</Notice>}
      {!isLoading && grants.length + waiting.length === 0 && (
        <Notice kind="empty">
          {trans.__('You hold no grant. Open a dataset above to see what it asks for, and request access there.')}
        </Notice>
      )}
      <ul className="wb-List">
        {waiting.map(request => (
          <li key={request.id} className="wb-Row wb-Pending" data-own-request={request.id}>
            <p className="wb-RowTitle">
              <span>{workbench.dataset(request.dataset)?.title ?? request.dataset}</span>
            </p>
            <p className="wb-Dim">
              {[trans.__('Waiting for the custodian'), workbench.purpose(request.purpose), request.id].join(' · ')}
            </p>
            <div className="wb-Actions">
              <Button
                label={trans.__('Details of your request %1', request.id)}
                onClick={() => void commands.execute(CommandIds.openRequest, { request: request.id })}
              >
                {trans.__('Details')}
              </Button>
            </div>
          </li>
        ))}
        {grants.map(grant => (
          <li key={grant.id} className="wb-Row wb-Pending" data-own-grant={grant.id}>
            <RunningGrant desk={desk} grant={grant} />
          </li>
        ))}
      </ul>
      <Evidence desk={desk} />
    </>
  );
}

/** Training records and visas, and how to bring a visa. */
function Evidence({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const me = workbench.me.value?.person;
  const training = useReply(() => workbench.api.training(), `${me ?? ''} ${workbench.news}`);
  const visas = useReply(() => workbench.api.visas(), `${me ?? ''} ${workbench.news}`);
  const own = (training.value ?? []).filter(record => record.person === me);
  return (
    <section aria-label={trans.__('Your evidence')}>
      <h3 className="wb-Heading">{trans.__('Your evidence')}</h3>
      <ul className="wb-List">
        {own.map(record => (
          <li key={record.id} className="wb-Row wb-Pending" data-training={record.id}>
            <p className="wb-RowTitle">{trans.__('Training: %1', record.kind)}</p>
            <p className="wb-Dim">
              {[record.provider, trans.__('until %1', sayDay(record.ended ?? record.ends))].join(' · ')}
            </p>
          </li>
        ))}
        {(visas.value?.visas ?? []).map(visa => (
          <li key={visa.id} className="wb-Row wb-Pending" data-visa={visa.id}>
            <p className="wb-RowTitle">{trans.__('Visa: %1', visa.type)}</p>
            <p className="wb-Dim">{[visa.value, visa.source, trans.__('until %1', sayDay(visa.expires))].join(' · ')}</p>
          </li>
        ))}
      </ul>
      <SendVisa desk={desk} />
    </section>
  );
}

function SendVisa({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [visa, setVisa] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  return (
    <details className="wb-More">
      <summary>{trans.__('Bring a GA4GH visa')}</summary>
      <form
        className="wb-Form"
        aria-label={trans.__('Bring a GA4GH visa')}
        onSubmit={event => {
          event.preventDefault();
          attempt(async () => {
            await workbench.change(() => workbench.api.sendVisa(visa.trim()));
            setVisa('');
          });
        }}
      >
        <TextArea label={trans.__('The signed visa, as you received it')} code rows={3} required value={visa} onChange={setVisa} />
        <Problem text={problem} />
        <div className="wb-Actions">
          <Button kind="primary" submit disabled={busy}>
            {trans.__('Send visa')}
          </Button>
        </div>
      </form>
    </details>
  );
}
