/** Asking for access: why, for how long, and a word to the custodian. */

import * as React from 'react';
import { useAttempt } from './hooks';
import { Button, type Desk } from './parts';
import type { Dataset } from './replies';

const USUAL_DAYS = [7, 30, 90];
const MOST_DAYS = 365;

export function AccessForm(props: { desk: Desk; dataset: Dataset; onClose: () => void }): React.JSX.Element {
  const { desk, dataset, onClose } = props;
  const { trans, workbench } = desk;
  const purposes = workbench.purposes.value ?? [];
  const [purpose, setPurpose] = React.useState('');
  const [days, setDays] = React.useState(30);
  const [note, setNote] = React.useState('');
  const [busy, problem, attempt] = useAttempt();
  const first = React.useRef<HTMLSelectElement>(null);
  const id = React.useId();

  React.useEffect(() => {
    first.current?.form?.scrollIntoView({ block: 'nearest' });
    first.current?.focus({ preventScroll: true });
  }, []);

  const send = (event: React.FormEvent): void => {
    event.preventDefault();
    attempt(async () => {
      await workbench.requestAccess(dataset.name, { purpose, days, note: note.trim() });
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
      {problem && (
        <p className="wb-Problem" role="alert">
          {problem}
        </p>
      )}
      <div className="wb-Actions">
        <Button kind="primary" submit disabled={busy}>
          {busy ? trans.__('Sending…') : trans.__('Send request')}
        </Button>
        <Button onClick={onClose}>{trans.__('Cancel')}</Button>
      </div>
    </form>
  );
}
