/** Training records as a custodian keeps them: who did which course until when, recorded and ended. */

import * as React from 'react';
import { Problem, TextField } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk } from './parts';
import { sayDay } from './words';

const EMPTY = { person: '', kind: '', provider: '', issued: '', ends: '' };

export function TrainingRecords({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const records = useReply(() => workbench.api.training(), `training ${workbench.news}`);
  const [form, setForm] = React.useState(EMPTY);
  const [busy, problem, attempt] = useAttempt();
  const field = (name: keyof typeof EMPTY, label: string, kind: 'text' | 'date' = 'text'): React.JSX.Element => (
    <div>
      <TextField
        label={label}
        kind={kind}
        required
        value={form[name]}
        onChange={value => {
          setForm({ ...form, [name]: value });
        }}
      />
    </div>
  );
  const running = (records.value ?? []).filter(record => !record.ended);
  return (
    <>
      {running.length === 0 ? (
        <p className="wb-Dim">{trans.__('No training was recorded yet.')}</p>
      ) : (
        <table className="wb-Table">
          <thead>
            <tr>
              <th scope="col">{trans.__('Person')}</th>
              <th scope="col">{trans.__('Training')}</th>
              <th scope="col">{trans.__('Provider')}</th>
              <th scope="col">{trans.__('Until')}</th>
              <th scope="col">{trans.__('End')}</th>
            </tr>
          </thead>
          <tbody>
            {running.map(record => (
              <tr key={record.id} data-training={record.id}>
                <td>{record.person}</td>
                <td>{record.kind}</td>
                <td>{record.provider}</td>
                <td>{sayDay(record.ends)}</td>
                <td>
                  <Button
                    disabled={busy}
                    label={trans.__('End training record %1', record.id)}
                    onClick={() => {
                      attempt(() => workbench.change(() => workbench.api.endTraining(record.id)));
                    }}
                  >
                    {trans.__('End')}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <form
        className="wb-Form"
        aria-label={trans.__('Record a training')}
        onSubmit={event => {
          event.preventDefault();
          attempt(async () => {
            await workbench.change(() => workbench.api.recordTraining(form));
            setForm(EMPTY);
          });
        }}
      >
        <div className="wb-Filter">
          {field('person', trans.__('Person'))}
          {field('kind', trans.__('Training'))}
          {field('provider', trans.__('Provider'))}
          {field('issued', trans.__('Done on'), 'date')}
          {field('ends', trans.__('Valid until'), 'date')}
        </div>
        <Problem text={problem ?? records.problem} />
        <div className="wb-Actions">
          <Button submit disabled={busy || Object.values(form).some(value => value.trim() === '')}>
            {trans.__('Record training')}
          </Button>
        </div>
      </form>
    </>
  );
}
