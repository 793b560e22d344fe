/** Access to one dataset: the reason it is or is not allowed, and the next step. */

import * as React from 'react';
import { AccessForm } from './access-form';
import { AgreementToAccept } from './agreement';
import { Checklist } from './checklist';
import { CommandIds } from './command-ids';
import { useReply } from './hooks';
import { Button, type Desk, Sentence } from './parts';
import type { Dataset } from './replies';
import { daysLeft, sayDaysLeft } from './words';

const MAY_ASK = new Set<Dataset['status']>(['none', 'refused', 'ended']);

export function Access(props: { desk: Desk; dataset: Dataset; card?: boolean }): React.JSX.Element {
  const { desk, dataset } = props;
  const { commands, trans } = desk;
  const [asking, setAsking] = React.useState(false);
  const name = dataset.name;
  if (asking) {
    return (
      <AccessForm
        desk={desk}
        dataset={dataset}
        onClose={() => {
          setAsking(false);
        }}
      />
    );
  }
  return (
    <div className="wb-Access">
      <p className="wb-Reason">
        <Sentence text={dataset.reason} />
      </p>
      {dataset.status === 'granted' && <GrantBar desk={desk} dataset={dataset} />}
      {dataset.obligations && dataset.obligations.length > 0 && (
        <ul className="wb-Restrictions" aria-label={trans.__('What you see is restricted')}>
          {dataset.obligations.map(sentence => (
            <li key={sentence}>
              <Sentence text={sentence} />
            </li>
          ))}
        </ul>
      )}
      <Needs desk={desk} dataset={dataset} />
      {dataset.status === 'submitted' && (
        <p className="wb-Waiting" role="status">
          <span className="wb-Pulse" aria-hidden="true" />
          {trans.__('This changes by itself when %1 decides.', dataset.custodian)}
        </p>
      )}
      <div className="wb-Actions">
        {dataset.allowed && (
          <Button kind="primary" onClick={() => void commands.execute(CommandIds.exploreDataset, { name })}>
            {trans.__('Open explore notebook')}
          </Button>
        )}
        {MAY_ASK.has(dataset.status) && !dataset.allowed && (
          <Button
            kind="primary"
            onClick={() => {
              setAsking(true);
            }}
          >
            {trans.__('Request access')}
          </Button>
        )}
        {!props.card && (
          <Button
            label={trans.__('Details of %1', dataset.title)}
            onClick={() => void commands.execute(CommandIds.openDataset, { name })}
          >
            {trans.__('Details')}
          </Button>
        )}
      </div>
    </div>
  );
}

/** What the dataset asks for, what of it is there, and the agreement where it waits to be accepted. */
function Needs({ desk, dataset }: { desk: Desk; dataset: Dataset }): React.JSX.Element | null {
  const { trans, workbench } = desk;
  const asks = dataset.tier === 'controlled' || dataset.tier === 'registered';
  const purpose = dataset.purpose ?? workbench.request(dataset.request ?? '')?.purpose ?? '';
  const items = useReply(
    async () => (asks ? (await workbench.api.checklist(dataset.name, purpose)).items : []),
    [dataset.name, dataset.status, dataset.reason, purpose, workbench.news].join(' ')
  );
  if (!items.value?.length) {
    return null;
  }
  return (
    <Checklist
      items={items.value}
      trans={trans}
      action={item =>
        item.key === 'agreement' &&
        !item.met && (
          <details className="wb-More">
            <summary>{trans.__('Read and accept the agreement')}</summary>
            <AgreementToAccept desk={desk} dataset={dataset.name} />
          </details>
        )
      }
    />
  );
}

/** How much of a grant's time is left, as a bar; the sentence above it says the date. */
function GrantBar({ desk, dataset }: { desk: Desk; dataset: Dataset }): React.JSX.Element {
  const { workbench } = desk;
  const request = workbench.requests.value?.find(one => one.id === dataset.request);
  const left = daysLeft(dataset.until);
  const share = Math.min(1, left / Math.max(1, request?.days ?? left));
  return (
    <div className="wb-Bar" aria-hidden="true" title={sayDaysLeft(dataset.until, desk.trans)}>
      <span style={{ width: `${share * 100}%` }} />
    </div>
  );
}
