/** What a person holds and lacks for a dataset, and what its terms of use say to a purpose. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Sentence } from './parts';
import type { Answer, ChecklistItem, Facts, Match } from './replies-governance';
import { FACTS, sayFact } from './facts';
import { sayDay } from './words';

/** Colour is never the only sign: each answer has its own mark and word. */
const MARKS: Record<Answer, string> = { yes: '✓', no: '✕', review: '?' };

export function Mark({ answer, word }: { answer: Answer; word: string }): React.JSX.Element {
  return (
    <span className={`wb-Mark wb-mod-${answer}`}>
      <span aria-hidden="true">{MARKS[answer]}</span> {word}
    </span>
  );
}

export function sayAnswer(answer: Answer, trans: TranslationBundle): string {
  return { yes: trans.__('permitted'), no: trans.__('not permitted'), review: trans.__('needs a look') }[answer];
}

export function Checklist(props: {
  items: ChecklistItem[];
  trans: TranslationBundle;
  /** What stands beside an item that has a next step in the browser. */
  action?: (item: ChecklistItem) => React.ReactNode;
}): React.JSX.Element {
  const { items, trans } = props;
  return (
    <ul className="wb-Checklist" aria-label={trans.__('What is needed')}>
      {items.map(item => {
        const answer: Answer = item.met === null ? 'review' : item.met ? 'yes' : 'no';
        const word = { yes: trans.__('there'), no: trans.__('missing'), review: trans.__('waits for somebody') }[answer];
        return (
          <li key={item.key} className={`wb-mod-${answer}`} data-item={item.key}>
            <p className="wb-RowTitle">
              <span>{item.label}</span>
              <Mark answer={answer} word={word} />
            </p>
            <p className="wb-Dim">
              <Sentence text={[item.text, item.met ? '' : item.next].filter(Boolean).join(' ')} />
              {item.until && ` ${trans.__('Until %1.', sayDay(item.until))}`}
            </p>
            {props.action?.(item)}
          </li>
        );
      })}
    </ul>
  );
}

/** What each term of use says, in a table. */
export function MatchTable({ match, trans }: { match: Match; trans: TranslationBundle }): React.JSX.Element {
  return (
    <table className="wb-Table">
      <thead>
        <tr>
          <th scope="col">{trans.__('Term of use')}</th>
          <th scope="col">{trans.__('Answer')}</th>
          <th scope="col">{trans.__('Why')}</th>
        </tr>
      </thead>
      <tbody>
        {match.terms.map(term => (
          <tr key={`${term.code} ${term.value ?? ''}`} data-term={term.code}>
            <td>
              {term.label}
              {term.value && ` (${term.value})`} <span className="wb-Dim">{term.code}</span>
            </td>
            <td>
              <Mark answer={term.answer} word={sayAnswer(term.answer, trans)} />
            </td>
            <td>
              <Sentence text={term.text} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What was declared of a planned use. */
export function Declared({ facts, trans }: { facts: Facts; trans: TranslationBundle }): React.JSX.Element {
  const told = FACTS.filter(fact => facts[fact.name] !== undefined);
  return told.length === 0 ? (
    <p className="wb-Dim">{trans.__('Nothing was declared beyond the purpose.')}</p>
  ) : (
    <dl className="wb-Declared">
      {told.map(fact => (
        <div key={fact.name}>
          <dt>{fact.label(trans)}</dt>
          <dd>{sayFact(facts[fact.name], trans)}</dd>
        </div>
      ))}
    </dl>
  );
}
