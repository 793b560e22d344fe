/** Asking for access: why, for how long, and a word to the custodian. */

import * as React from 'react';
import { Mark, sayAnswer } from './checklist';
import { FactsFields } from './facts';
import { Problem } from './forms';
import { useAttempt, useReply, useRested } from './hooks';
import { Button, type Desk, Sentence } from './parts';
import type { Dataset } from './replies';
import type { Facts } from './replies-governance';

const USUAL_DAYS = [7, 30, 90];
const MOST_DAYS = 365;

export function AccessForm(props: { desk: Desk; dataset: Dataset; onClose: () => void }): React.JSX.Element {
  const { desk, dataset, onClose } = props;
  const { trans, workbench } = desk;
  const purposes = workbench.purposes.value ?? [];
  const [purpose, setPurpose] = React.useState('');
  const [days, setDays] = React.useState(30);
  const [note, setNote] = React.useState('');
  const [attestations, setAttestations] = React.useState<Facts>({});
  const [busy, problem, attempt] = useAttempt();
  const first = React.useRef<HTMLSelectElement>(null);
  const id = React.useId();
  const declared = Object.keys(attestations).length;

  React.useEffect(() => {
    first.current?.form?.scrollIntoView({ block: 'nearest' });
    first.current?.focus({ preventScroll: true });
  }, []);

  const send = (event: React.FormEvent): void => {
    event.preventDefault();
    attempt(async () => {
      const form = { purpose, days, note: note.trim(), attestations };
      await workbench.change(() => workbench.api.requestAccess(dataset.name, form));
      onClose();
    });
  };
  return (
    <form
      className="wb-Form"
      aria-label={trans.__('Request access to %1', dataset.title)}
      onSubmit={send}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          onClose();
        }
      }}
    >
      <label htmlFor={`${id}-purpose`}>{trans.__('Purpose')}</label>
      <select
        id={`${id}-purpose`}
        ref={first}
        required
        value={purpose}
        onChange={event => {
          setPurpose(event.target.value);
        }}
      >
        <option value="" disabled>
          {trans.__('Why do you need it?')}
        </option>
        {purposes.map(one => (
          <option key={one.id} value={one.id}>
            {one.label}
          </option>
        ))}
      </select>
      <label htmlFor={`${id}-days`}>{trans.__('Days')}</label>
      <div className="wb-Days">
        <input
          id={`${id}-days`}
          type="number"
          min={1}
          max={MOST_DAYS}
          required
          value={Number.isNaN(days) ? '' : days}
          onChange={event => {
            setDays(event.target.valueAsNumber);
          }}
        />
        {USUAL_DAYS.map(usual => (
          <button
            key={usual}
            type="button"
            className="wb-Pick"
            aria-label={trans.__('%1 days', usual)}
            aria-pressed={days === usual}
            onClick={() => {
              setDays(usual);
            }}
          >
            {usual}
          </button>
        ))}
      </div>
      <label htmlFor={`${id}-note`}>{trans.__('Note to %1', dataset.custodian)}</label>
      <textarea
        id={`${id}-note`}
        rows={2}
        maxLength={500}
        placeholder={trans.__('Optional: study, protocol, contact')}
        value={note}
        onChange={event => {
          setNote(event.target.value);
        }}
      />
      <details className="wb-More">
        <summary>
          {trans._n('What you declare (%1 fact)', 'What you declare (%1 facts)', declared, declared)}
        </summary>
        <p className="wb-Dim">
          {trans.__('The terms of use are held against these; what stays open is looked at by the custodian.')}
        </p>
        <FactsFields facts={attestations} onChange={setAttestations} trans={trans} />
      </details>
      <Outlook desk={desk} dataset={dataset.name} purpose={purpose} facts={attestations} />
      <Problem text={problem} />
      <div className="wb-Actions">
        <Button kind="primary" submit disabled={busy}>
          {busy ? trans.__('Sending…') : trans.__('Send request')}
        </Button>
        <Button onClick={onClose}>{trans.__('Cancel')}</Button>
      </div>
    </form>
  );
}

/** What the terms of use make of the purpose and the declared facts, before anything is sent. */
function Outlook(props: { desk: Desk; dataset: string; purpose: string; facts: Facts }): React.JSX.Element | null {
  const { desk, dataset, purpose } = props;
  const { trans, workbench } = desk;
  const facts = useRested(props.facts);
  const found = useReply(
    async () => (purpose ? (await workbench.api.checklist(dataset, purpose, facts)).match : null),
    [dataset, purpose, JSON.stringify(facts)].join(' ')
  );
  const terms = found.value?.terms.filter(term => term.answer !== 'yes') ?? [];
  return found.value ? (
    <div className="wb-Verdict" role="status">
      <Mark answer={found.value.answer} word={sayAnswer(found.value.answer, trans)} />
      <ul className="wb-Findings">
        {terms.map(term => (
          <li key={term.code} data-term={term.code}>
            <strong>{term.label}</strong> <Sentence text={term.text} />
          </li>
        ))}
      </ul>
    </div>
  ) : null;
}
