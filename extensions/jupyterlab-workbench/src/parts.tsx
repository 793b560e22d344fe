/** Small pieces that every panel is made of. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';
import type { Known, Workbench } from './workbench';
import type { Tier } from './replies';

/** What a panel needs to do its work. */
export interface Desk {
  workbench: Workbench;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** One kind of message in the place of content: still loading, nothing there, or something failed. */
export function Notice(props: {
  kind: 'loading' | 'empty' | 'failed';
  children: React.ReactNode;
  retry?: { label: string; run: () => void };
}): React.JSX.Element {
  return (
    <div className={`wb-Notice wb-mod-${props.kind}`} role={props.kind === 'failed' ? 'alert' : 'status'}>
      <p>{props.children}</p>
      {props.retry && <Button onClick={props.retry.run}>{props.retry.label}</Button>}
    </div>
  );
}

/** The content of something fetched, or the sentence that stands for it meanwhile. */
export function Shown<T>(props: {
  desk: Desk;
  known: Known<T>;
  loading: string;
  children: (value: T) => React.ReactNode;
}): React.JSX.Element {
  const { desk, known } = props;
  const retry = { label: desk.trans.__('Try again'), run: () => void desk.workbench.refresh() };
  return (
    <>
      {known.problem && (
        <Notice kind="failed" retry={retry}>
          <Sentence text={known.problem} />
        </Notice>
      )}
      {known.value === null ? !known.problem && <Notice kind="loading">{props.loading}</Notice> : props.children(known.value)}
    </>
  );
}

export function Button(props: {
  onClick?: () => void;
  children: React.ReactNode;
  label?: string;
  kind?: 'primary' | 'plain' | 'danger';
  submit?: boolean;
  disabled?: boolean;
}): React.JSX.Element {
  return (
    <button
      type={props.submit ? 'submit' : 'button'}
      className={`wb-Button wb-mod-${props.kind ?? 'plain'}`}
      onClick={props.onClick}
      aria-label={props.label}
      disabled={props.disabled}
    >
      {props.children}
    </button>
  );
}

export function TierChip({ tier, trans }: { tier: Tier; trans: TranslationBundle }): React.JSX.Element {
  const meanings: Record<Tier, [string, string]> = {
    open: [trans.__('open'), trans.__('Everybody who is signed in may read it')],
    registered: [trans.__('registered'), trans.__('Everybody who is signed in and agreed to its terms may read it')],
    controlled: [trans.__('controlled'), trans.__('Its custodian grants access for a purpose and a time')],
    undisclosed: [trans.__('undisclosed'), trans.__('Nobody reads it; models are scored on it behind the gateway')]
  };
  const [name, meaning] = meanings[tier];
  return (
    <span className={`wb-Chip wb-mod-${tier}`} title={meaning}>
      {name}
    </span>
  );
}

/** A sentence of the server's, with what it puts between backticks shown as code. */
export function Sentence({ text }: { text: string }): React.JSX.Element {
  return <>{text.split('`').map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>;
}

/** Label and value pairs in a row of small columns. */
export function Facts(props: { facts: [string, React.ReactNode][] }): React.JSX.Element {
  return (
    <dl className="wb-Facts">
      {props.facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
