/** Main-area page: the card of one dataset. */

import * as React from 'react';
import { Access } from './access';
import { useReply } from './hooks';
import { standingIcons } from './icons';
import { type Desk, Facts, Notice, TierChip } from './parts';
import type { AccessRequest, DatasetCard } from './replies';
import { sayDay, sayStanding, sayVersion } from './words';

export function DatasetPage({ desk, name }: { desk: Desk; name: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const latest = workbench.dataset(name);
  // Asked again whenever this person's standing or the data itself changes.
  const key = [name, latest?.status, latest?.request, latest?.version].join(' ');
  const card = useReply(() => workbench.api.dataset(name), key);

  if (card.problem) {
    return <Notice kind="failed">{card.problem}</Notice>;
  }
  if (!card.value) {
    return <Notice kind="loading">{trans.__('Loading the card of %1…', name)}</Notice>;
  }
  const dataset = { ...card.value, ...latest };
  const Icon = standingIcons[dataset.status];
  return (
    <article className="wb-Page">
      <header>
        <p className="wb-Eyebrow">{trans.__('Dataset · %1', dataset.name)}</p>
        <h1>
          {dataset.title} <TierChip tier={dataset.tier} trans={trans} />
        </h1>
        {dataset.description && <p className="wb-Lead">{dataset.description}</p>}
      </header>
      <Facts
        facts={[
          [trans.__('Scans'), dataset.scans ?? '—'],
          [trans.__('People'), dataset.subjects ?? '—'],
          [trans.__('Modality'), dataset.modality || '—'],
          [trans.__('Custodian'), dataset.custodian],
          [trans.__('Version'), <code key="version">{sayVersion(dataset.version)}</code>]
        ]}
      />
      <section className={`wb-Box wb-is-${dataset.status}`} aria-label={trans.__('Your access')}>
        <h2>
          <Icon.react tag="span" className="wb-Icon" /> {sayStanding(dataset, trans)}
        </h2>
        <Access desk={desk} dataset={dataset} card />
      </section>
      <History desk={desk} requests={card.value.requests} />
      <Versions desk={desk} card={card.value} />
    </article>
  );
}

function History({ desk, requests }: { desk: Desk; requests: AccessRequest[] }): React.JSX.Element | null {
  const { trans, workbench } = desk;
  if (requests.length === 0) {
    return null;
  }
  return (
    <section>
      <h2>{trans.__('Your requests')}</h2>
      <table className="wb-Table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Request')}</th>
            <th scope="col">{trans.__('Purpose')}</th>
            <th scope="col" className="wb-Number">
              {trans.__('Days')}
            </th>
            <th scope="col">{trans.__('Asked')}</th>
            <th scope="col">{trans.__('Status')}</th>
          </tr>
        </thead>
        <tbody>
          {requests.map(request => (
            <tr key={request.id}>
              <td>{request.id}</td>
              <td>{workbench.purpose(request.purpose)}</td>
              <td className="wb-Number">{request.days}</td>
              <td>{sayDay(request.created)}</td>
              <td>{[request.status, request.reason].filter(Boolean).join(' · ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Versions({ desk, card }: { desk: Desk; card: DatasetCard }): React.JSX.Element {
  const { trans } = desk;
  return (
    <section>
      <h2>{trans.__('Versions')}</h2>
      <table className="wb-Table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Version')}</th>
            <th scope="col">{trans.__('Made')}</th>
            <th scope="col" className="wb-Number">
              {trans.__('Scans')}
            </th>
            <th scope="col" className="wb-Number">
              {trans.__('People')}
            </th>
          </tr>
        </thead>
        <tbody>
          {card.versions.map(version => (
            <tr key={version.version}>
              <td>
                <code title={version.version}>{sayVersion(version.version)}</code>
              </td>
              <td>{sayDay(version.created)}</td>
              <td className="wb-Number">{version.scans}</td>
              <td className="wb-Number">{version.subjects}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
