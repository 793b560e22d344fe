/** A form that asks why somebody may or may not do something with a dataset, and what would change the answer. */

import * as React from 'react';
import { Checklist, Mark } from './checklist';
import { Choice, Problem, TextField } from './forms';
import { useAttempt } from './hooks';
import { Button, type Desk, Sentence } from './parts';
import type { Explanation } from './replies-governance';

export function Explain({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [person, setPerson] = React.useState('');
  const [action, setAction] = React.useState('read');
  const [purpose, setPurpose] = React.useState('');
  const [answer, setAnswer] = React.useState<Explanation | null>(null);
  const [busy, problem, attempt] = useAttempt();
  const known = [...new Set((workbench.requests.value ?? []).map(request => request.person))];
  return (
    <form
      className="wb-Form"
      aria-label={trans.__('Who may what')}
      onSubmit={event => {
        event.preventDefault();
        attempt(async () => {
          setAnswer(await workbench.api.explain({ person: person.trim(), action, dataset, purpose }));
        });
      }}
    >
      <div className="wb-Filter">
        <div>
          <TextField label={trans.__('Person')} required list={known} value={person} onChange={setPerson} />
        </div>
        <div>
          <Choice
            label={trans.__('Wants to')}
            options={[
              ['read', trans.__('read')],
              ['view', trans.__('view')],
              ['see', trans.__('see that it exists')],
              ['request', trans.__('request access')]
            ]}
            value={action}
            onChange={setAction}
          />
        </div>
        <div>
          <Choice
            label={trans.__('For the purpose')}
            hint={trans.__('any')}
            options={(workbench.purposes.value ?? []).map(one => [one.id, one.label])}
            value={purpose}
            onChange={setPurpose}
          />
        </div>
      </div>
      <Problem text={problem} />
      <div className="wb-Actions">
        <Button submit disabled={busy || person.trim() === ''}>
          {trans.__('Explain')}
        </Button>
      </div>
      {answer && (
        <div role="status" className="wb-Verdict" data-allowed={answer.allowed}>
          <Mark answer={answer.allowed ? 'yes' : 'no'} word={answer.allowed ? trans.__('allowed') : trans.__('not allowed')} />{' '}
          <Sentence text={answer.reason} />
          <Points title={trans.__('Restricted to')} points={answer.obligations} />
          <Points title={trans.__('Decided by')} points={answer.policies.map(sayPolicy)} />
          <Points title={trans.__('What would change it')} points={answer.changes} />
          {answer.missing.length > 0 && <Checklist items={answer.missing} trans={trans} />}
        </div>
      )}
    </form>
  );
}

function sayPolicy({ id, line, title }: Explanation['policies'][number]): string {
  return title ? `${title} (${id}, line ${line})` : `${id} (line ${line})`;
}

function Points({ title, points }: { title: string; points: string[] }): React.JSX.Element | null {
  return points.length ? (
    <>
      <p className="wb-Dim">{title}</p>
      <ul>
        {points.map(point => (
          <li key={point}>
            <Sentence text={point} />
          </li>
        ))}
      </ul>
    </>
  ) : null;
}
