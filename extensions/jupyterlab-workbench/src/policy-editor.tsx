/** A custodian's policy for one dataset: written, checked with its examples, and only then put in force. */

import * as React from 'react';
import { Mark } from './checklist';
import { Problem, TextArea } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk, Sentence } from './parts';
import type { PolicyCheck } from './replies-governance';
import { sayDay } from './words';

/** Shown while there is no text: one policy with one example, to be written like this. */
const EXAMPLE = `// example "Researchers see CT alone": {"roles": ["researcher"]} => allow, rows scans.modality = CT
@id("ct-alone") @rows("scans.modality = CT")
permit(principal, action == Action::"read", resource);`;

export function PolicyEditor({ desk, dataset }: { desk: Desk; dataset: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const policy = useReply(() => workbench.api.policy(dataset), `${dataset} ${workbench.news}`);
  const [draft, setDraft] = React.useState<string | null>(null);
  const [check, setCheck] = React.useState<PolicyCheck | null>(null);
  const [busy, problem, attempt] = useAttempt();
  const { text = '', number = 0, author, created } = policy.value ?? {};
  const shown = draft ?? text;
  return (
    <form
      className="wb-Form"
      aria-label={trans.__('Policy')}
      onSubmit={event => {
        event.preventDefault();
        attempt(async () => {
          const found = await workbench.api.checkPolicy(dataset, shown);
          setCheck(found);
          if (found.ok) {
            await workbench.change(() => workbench.api.setPolicy(dataset, shown));
            setDraft(null);
          }
        });
      }}
    >
      <p className="wb-Dim">
        {number > 0
          ? trans.__('Policy %1 is in force, set by %2 on %3. An empty text takes it away.', number, author ?? '', sayDay(created ?? null))
          : trans.__('Only the rules of the house are in force; a policy can narrow or open this dataset within them.')}
      </p>
      <TextArea
        label={trans.__('Policy in Cedar, with its examples as comments')}
        code
        rows={14}
        hint={EXAMPLE}
        value={shown}
        onChange={value => {
          setDraft(value);
          setCheck(null);
        }}
      />
      {check && <Checked desk={desk} check={check} />}
      <Problem text={problem ?? policy.problem} />
      <div className="wb-Actions">
        <Button kind="primary" submit disabled={busy || draft === null || draft === text}>
          {trans.__('Put in force')}
        </Button>
        <Button
          disabled={busy}
          onClick={() => {
            attempt(async () => {
              setCheck(await workbench.api.checkPolicy(dataset, shown));
            });
          }}
        >
          {trans.__('Check')}
        </Button>
      </div>
    </form>
  );
}

/** Every mistake with its place, and how each example came out. */
function Checked({ desk, check }: { desk: Desk; check: PolicyCheck }): React.JSX.Element {
  const { trans } = desk;
  return (
    <div role="status" className="wb-Verdict" data-ok={check.ok}>
      <Mark
        answer={check.ok ? 'yes' : 'no'}
        word={check.ok ? trans.__('no mistake, and every example holds') : trans.__('not in force: mend this first')}
      />
      <ul className="wb-Findings">
        {check.mistakes.map((mistake, index) => (
          <li key={index}>
            <strong>{trans.__('Line %1, column %2', mistake.line, mistake.column)}</strong> <Sentence text={mistake.text} />{' '}
            {mistake.nearest && !mistake.text.includes('did you mean') && trans.__('Did you mean “%1”?', mistake.nearest)}
          </li>
        ))}
        {check.policies.map(policy => (
          <li key={policy.line}>
            <strong>{policy.id}</strong> {policy.effect} {policy.actions.join(', ')}
            {policy.obligations.map(sentence => (
              <span key={sentence} className="wb-Dim">
                {' · '}
                <Sentence text={sentence} />
              </span>
            ))}
          </li>
        ))}
        {check.examples.map(example => (
          <li key={example.line} data-example={example.ok}>
            <Mark answer={example.ok ? 'yes' : 'no'} word={example.ok ? trans.__('holds') : trans.__('fails')} />{' '}
            <strong>{example.title}</strong>{' '}
            {!example.ok && trans.__('line %1 expects %2; the answer is %3.', example.line, example.expected, example.got)}
          </li>
        ))}
      </ul>
    </div>
  );
}
