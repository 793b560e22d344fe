/** Verdicts in words: a chip, a line with its cause, and the list of those that a crate has collected. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Sentence } from './parts';
import type { Rerun, Verdict, VerdictWord } from './replies-reports';
import { sayMoment } from './words';

const MARKS: Record<VerdictWord, string> = { IDENTICAL: '=', WITHIN_TOLERANCE: '≈', DIFFERENT: '≠', NOT_RUN: '–' };

export function VerdictChip({ verdict, trans }: { verdict: VerdictWord; trans: TranslationBundle }): React.JSX.Element {
  return (
    <span className={`wb-Chip wb-verdict-${verdict}`} data-verdict={verdict}>
      <span aria-hidden="true">{MARKS[verdict]}</span> {sayVerdict(verdict, trans)}
    </span>
  );
}

/** The verdict as the first thing to read: its word, what it means, and for a re-run that did not happen why. */
export function VerdictLine({ verdict, trans }: { verdict: Verdict; trans: TranslationBundle }): React.JSX.Element {
  return (
    <div className={`wb-VerdictLine wb-verdict-${verdict.verdict}`} data-verdict={verdict.verdict}>
      <span className="wb-VerdictMark" aria-hidden="true">
        {MARKS[verdict.verdict]}
      </span>
      <div>
        <p className="wb-VerdictWord">{sayVerdict(verdict.verdict, trans)}</p>
        <p>{verdict.cause ? sayCause(verdict.cause, trans) : sayMeaning(verdict, trans)}</p>
        {verdict.message && (
          <p className="wb-Dim">
            <Sentence text={verdict.message} />
          </p>
        )}
      </div>
    </div>
  );
}

export function VerdictsSoFar(props: {
  verdicts: Rerun[];
  trans: TranslationBundle;
  open: (number: number) => void;
  current?: number;
}): React.JSX.Element {
  const { verdicts, trans, open, current } = props;
  return verdicts.length === 0 ? (
    <p className="wb-Dim">{trans.__('Nobody has run it again yet.')}</p>
  ) : (
    <ol className="wb-Verdicts">
      {verdicts.map(one => (
        <li key={one.number}>
          <button
            type="button"
            className="wb-VerdictRow"
            aria-current={one.number === current ? 'true' : undefined}
            aria-label={trans.__('Verdict %1 of %2: %3', one.number, one.account, sayVerdict(one.verdict, trans))}
            onClick={() => {
              open(one.number);
            }}
          >
            <VerdictChip verdict={one.verdict} trans={trans} />
            <span>{one.account}</span>
            <span className="wb-Dim">{sayMoment(one.ended)}</span>
            {one.cause && <span className="wb-Dim">{sayCause(one.cause, trans)}</span>}
          </button>
        </li>
      ))}
    </ol>
  );
}

export function sayVerdict(verdict: VerdictWord, trans: TranslationBundle): string {
  const words: Record<VerdictWord, string> = {
    IDENTICAL: trans.__('Identical'),
    WITHIN_TOLERANCE: trans.__('Within tolerance'),
    DIFFERENT: trans.__('Different'),
    NOT_RUN: trans.__('Not run')
  };
  return words[verdict];
}

function sayMeaning(verdict: Verdict, trans: TranslationBundle): string {
  const cell = verdict.first_diverging_cell;
  switch (verdict.verdict) {
    case 'IDENTICAL':
      return trans.__('Every declared result and every output is the same in both runs.');
    case 'WITHIN_TOLERANCE':
      return cell === null
        ? trans.__('Every declared result is within the tolerance that the notebook allows.')
        : trans.__('The declared results stand; other outputs differ, first in cell %1.', cell);
    case 'DIFFERENT': {
      const names = verdict.results.filter(result => result.verdict === 'DIFFERENT').map(result => result.name);
      const what = names.length ? trans.__('Beyond its tolerance: %1.', names.join(', ')) : trans.__('The outputs differ.');
      return cell === null ? what : `${what} ${trans.__('The first cell that differs is cell %1.', cell)}`;
    }
    case 'NOT_RUN':
      return trans.__('The notebook did not run to its end, so nothing can be said of its results.');
  }
}

/** Why a re-run did not happen, as a person would say it. */
export function sayCause(cause: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    ENV_DRIFT: trans.__('The environment here is not that of the first run.'),
    DATA_MISSING: trans.__('Its data are not in this home.'),
    DATA_CHANGED: trans.__('The version of the data that it read is not there any more.'),
    NO_GRANT: trans.__('You may not read its data.'),
    TIMEOUT: trans.__('A cell took longer than it may.'),
    OOM: trans.__('The memory did not suffice.')
  };
  const cell = /^ERROR\((?:cell )?(\d+)\)$/.exec(cause)?.[1];
  return cell ? trans.__('Cell %1 stopped with an error.', cell) : (words[cause] ?? cause);
}
