/** Whose visas a custodian takes for one dataset, for which exact statement, and who of theirs is who here. */

import * as React from 'react';
import { Choice, Problem, TextArea, TextField } from './forms';
import { sentence, useAttempt, useReply } from './hooks';
import { Button, type Desk } from './parts';

const TYPES = ['ControlledAccessGrants', 'AcceptedTermsAndPolicies', 'ResearcherStatus'];
const NO_TRUST = { issuer: '', source: '', type: 'ControlledAccessGrants', value: '', keys: '', stands: 'no' };
const NO_LINK = { person: '', issuer: '', subject: '' };

export function TrustedVisas({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const visas = useReply(() => workbench.api.visas(), `visas ${workbench.news}`);
  const [busy, problem, attempt] = useAttempt();
  const trusted = (visas.value?.trusted ?? []).filter(one => one.dataset === dataset);
  return (
    <>
      {trusted.length === 0 && <p className="wb-Dim">{trans.__('No visas are trusted for this dataset.')}</p>}
      <ul className="wb-Files">
        {trusted.map(one => (
          <li key={one.id} data-trusted={one.id}>
            <p className="wb-RowTitle">
              <span>{[one.type, one.value].join(' · ')}</span>
              <Button
                disabled={busy}
                label={trans.__('Trust %1 no longer', one.id)}
                onClick={() => {
                  attempt(() => workbench.change(() => workbench.api.untrustVisas(one.id)));
                }}
              >
                {trans.__('Trust no longer')}
              </Button>
            </p>
            <p className="wb-Dim">
              {[one.issuer, one.source, one.is_approval ? trans.__('stands for your approval') : ''].filter(Boolean).join(' · ')}
            </p>
          </li>
        ))}
      </ul>
      <Problem text={problem ?? visas.problem} />
      <details className="wb-More">
        <summary>{trans.__('Trust visas of an issuer')}</summary>
        <TrustForm desk={desk} dataset={dataset} />
      </details>
      <details className="wb-More">
        <summary>{trans.__('Say who an issuer’s subject is here')}</summary>
        <LinkForm desk={desk} dataset={dataset} />
      </details>
    </>
  );
}

function TrustForm({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [form, setForm] = React.useState(NO_TRUST);
  const [busy, problem, attempt] = useAttempt();
  const set = (name: keyof typeof NO_TRUST) => (value: string) => {
    setForm({ ...form, [name]: value });
  };
  return (
    <form
      className="wb-Form"
      aria-label={trans.__('Trust visas of an issuer')}
      onSubmit={event => {
        event.preventDefault();
        attempt(async () => {
          const { keys, stands, ...facts } = form;
          const body = { ...facts, dataset, keys: readKeys(keys), is_approval: stands === 'yes' };
          await workbench.change(() => workbench.api.trustVisas(body));
          setForm(NO_TRUST);
        });
      }}
    >
      <TextField label={trans.__('Issuer (its address)')} required value={form.issuer} onChange={set('issuer')} />
      <TextField label={trans.__('Source (who decided)')} required value={form.source} onChange={set('source')} />
      <Choice label={trans.__('Type')} options={TYPES.map(type => [type, type])} value={form.type} onChange={set('type')} />
      <TextField label={trans.__('Value, exactly')} required value={form.value} onChange={set('value')} />
      <TextArea
        label={trans.__('Public keys of the issuer (JWK set)')}
        code
        rows={4}
        required
        value={form.keys}
        onChange={set('keys')}
      />
      <Choice
        label={trans.__('Stands for your approval')}
        options={[
          ['no', trans.__('no, it is one more piece of evidence')],
          ['yes', trans.__('yes, while the visa is in date')]
        ]}
        value={form.stands}
        onChange={set('stands')}
      />
      <Problem text={problem} />
      <div className="wb-Actions">
        <Button submit disabled={busy}>
          {trans.__('Trust these visas')}
        </Button>
      </div>
    </form>
  );
}

function LinkForm({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [form, setForm] = React.useState(NO_LINK);
  const [busy, problem, attempt] = useAttempt();
  const set = (name: keyof typeof NO_LINK) => (value: string) => {
    setForm({ ...form, [name]: value });
  };
  return (
    <form
      className="wb-Form"
      aria-label={trans.__('Say who an issuer’s subject is here')}
      onSubmit={event => {
        event.preventDefault();
        attempt(async () => {
          await workbench.change(() => workbench.api.linkIdentity({ ...form, dataset }));
          setForm(NO_LINK);
        });
      }}
    >
      <TextField label={trans.__('Account here')} required value={form.person} onChange={set('person')} />
      <TextField label={trans.__('Issuer (its address)')} required value={form.issuer} onChange={set('issuer')} />
      <TextField label={trans.__('Subject at the issuer')} required value={form.subject} onChange={set('subject')} />
      <Problem text={problem} />
      <div className="wb-Actions">
        <Button submit disabled={busy}>
          {trans.__('Link them')}
        </Button>
      </div>
    </form>
  );
}

function readKeys(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`The keys are not JSON: ${sentence(error)}`, { cause: error });
  }
}
