/** The terms of a dataset's permitted use, chosen from the Data Use Ontology, and the training it asks for. */

import * as React from 'react';
import { Choice, Problem, TextField } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk, Notice } from './parts';
import type { KnownTerm, Term } from './replies-governance';

interface Draft {
  terms: Term[];
  training: string[];
}

export function UsageEditor({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const usage = useReply(() => workbench.api.usage(dataset), `${dataset} ${workbench.news}`);
  const [draft, setDraft] = React.useState<Draft | null>(null);
  const [busy, problem, attempt] = useAttempt();
  if (!usage.value) {
    return usage.problem ? <Problem text={usage.problem} /> : <Notice kind="loading">{trans.__('Loading the terms…')}</Notice>;
  }
  const { terms, training } = draft ?? usage.value;
  return (
    <form
      className="wb-Form"
      aria-label={trans.__('Permitted use and training')}
      onSubmit={event => {
        event.preventDefault();
        attempt(async () => {
          const chosen = terms.map(({ code, value }) => ({ code, value }));
          await workbench.change(() => workbench.api.setUsage(dataset, { terms: chosen, training }));
          setDraft(null);
        });
      }}
    >
      {terms.length === 0 && (
        <p className="wb-Dim">{trans.__('No terms: purposes are matched with nothing, and you decide each by hand.')}</p>
      )}
      <Removable
        label={trans.__('Terms of use')}
        things={terms.map(term => [`${term.code} ${term.value}`, sayTerm(term)])}
        remove={index => {
          setDraft({ terms: terms.filter((_, place) => place !== index), training });
        }}
        desk={desk}
      />
      <AddTerm
        desk={desk}
        known={usage.value.known}
        add={term => {
          setDraft({ terms: [...terms, term], training });
        }}
      />
      <Removable
        label={trans.__('Training asked for')}
        things={training.map(kind => [kind, trans.__('Training: %1', kind)])}
        remove={index => {
          setDraft({ terms, training: training.filter((_, place) => place !== index) });
        }}
        desk={desk}
      />
      <AddTraining
        desk={desk}
        add={kind => {
          setDraft({ terms, training: [...new Set([...training, kind])] });
        }}
      />
      <Problem text={problem} />
      <div className="wb-Actions">
        <Button kind="primary" submit disabled={busy || draft === null}>
          {trans.__('Save permitted use and training')}
        </Button>
      </div>
    </form>
  );
}

function sayTerm({ label, value, note }: Term): string {
  return [value ? `${label}: ${value}` : label, note].filter(Boolean).join(' · ');
}

function Removable(props: {
  desk: Desk;
  label: string;
  things: [string, string][];
  remove: (index: number) => void;
}): React.JSX.Element {
  const { trans } = props.desk;
  return (
    <ul className="wb-Tags" aria-label={props.label}>
      {props.things.map(([key, name], index) => (
        <li key={key} data-term={key}>
          {name}
          <button
            type="button"
            className="wb-IconButton"
            aria-label={trans.__('Take away “%1”', name)}
            onClick={() => {
              props.remove(index);
            }}
          >
            <span aria-hidden="true">✕</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function AddTerm(props: { desk: Desk; known: KnownTerm[]; add: (term: Term) => void }): React.JSX.Element {
  const { desk, known, add } = props;
  const { trans } = desk;
  const [code, setCode] = React.useState('');
  const [value, setValue] = React.useState('');
  const chosen = known.find(term => term.code === code);
  return (
    <div className="wb-Filter">
      <div>
        <Choice
          label={trans.__('Add a term of use')}
          hint={trans.__('Choose a term…')}
          options={known.map(term => [term.code, `${term.short} · ${term.label}`])}
          value={code}
          onChange={setCode}
        />
      </div>
      {chosen?.parameter && (
        <div>
          <TextField label={chosen.parameter} value={value} onChange={setValue} />
        </div>
      )}
      <Button
        disabled={!chosen || (chosen.parameter !== '' && value.trim() === '')}
        onClick={() => {
          add({ code, label: chosen?.label ?? code, value: chosen?.parameter ? value.trim() : '', note: '' });
          setCode('');
          setValue('');
        }}
      >
        {trans.__('Add term')}
      </Button>
      {chosen && <p className="wb-Dim wb-Whole">{chosen.definition}</p>}
    </div>
  );
}

function AddTraining({ desk, add }: { desk: Desk; add: (kind: string) => void }): React.JSX.Element {
  const { trans } = desk;
  const [kind, setKind] = React.useState('');
  return (
    <div className="wb-Filter">
      <div>
        <TextField label={trans.__('Ask for a training')} hint="data-protection" value={kind} onChange={setKind} />
      </div>
      <Button
        disabled={kind.trim() === ''}
        onClick={() => {
          add(kind.trim());
          setKind('');
        }}
      >
        {trans.__('Add training')}
      </Button>
    </div>
  );
}
