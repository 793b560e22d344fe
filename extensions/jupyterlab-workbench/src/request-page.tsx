/** Main-area page: one access request with everything that its custodian decides by. */

import * as React from 'react';
import { Checklist, Declared, MatchTable } from './checklist';
import { type Desk, Facts, Notice } from './parts';
import { PendingRequest } from './requests';
import { sayDay } from './words';

export function RequestPage({ desk, id }: { desk: Desk; id: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const request = workbench.request(id);
  if (!request) {
    return workbench.requests.value ? (
      <Notice kind="failed">{trans.__('There is no request “%1” that you may see.', id)}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading the request…')}</Notice>
    );
  }
  const title = workbench.dataset(request.dataset)?.title ?? request.dataset;
  return (
    <article className="wb-Page">
      <header>
        <p className="wb-Eyebrow">{trans.__('Access request · %1', request.id)}</p>
        <h1>{trans.__('%1 asks for %2', request.person, title)}</h1>
      </header>
      <Facts
        facts={[
          [trans.__('Purpose'), workbench.purpose(request.purpose)],
          [trans.__('Days'), request.days],
          [trans.__('Asked'), sayDay(request.created)],
          [trans.__('Status'), request.status]
        ]}
      />
      {request.status === 'submitted' && request.may_decide ? (
        <section className="wb-Box wb-is-submitted wb-Pending" aria-label={trans.__('Your decision')}>
          <PendingRequest desk={desk} request={request} />
        </section>
      ) : (
        request.reason && (
          <p className="wb-Lead">{trans.__('%1: “%2”', request.decided_by ?? trans.__('The custodian'), request.reason)}</p>
        )
      )}
      <section>
        <h2>{trans.__('What the person holds and lacks')}</h2>
        {request.checklist?.length ? (
          <Checklist items={request.checklist} trans={trans} />
        ) : (
          <p className="wb-Dim">{trans.__('This dataset asks for nothing beyond your approval.')}</p>
        )}
      </section>
      <section>
        <h2>{trans.__('Permitted use')}</h2>
        {request.match?.terms.length ? (
          <MatchTable match={request.match} trans={trans} />
        ) : (
          <p className="wb-Dim">{trans.__('The dataset carries no terms of use; you decide by the purpose alone.')}</p>
        )}
      </section>
      <section>
        <h2>{trans.__('What the person declared')}</h2>
        <Declared facts={request.attestations ?? {}} trans={trans} />
      </section>
    </article>
  );
}
