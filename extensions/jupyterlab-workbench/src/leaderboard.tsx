/** A leaderboard: each score with its interval drawn on one axis, its rank with what is known of it, and who ties. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Interval } from './replies-benchmark';
import type { Entry, Leaderboard } from './replies-board';
import { sayDay, sayInterval, sayScore, saySeconds } from './words';

interface Axis {
  from: number;
  to: number;
}

export function LeaderboardTable({ board, me, trans }: { board: Leaderboard; me?: string | undefined; trans: TranslationBundle }): React.JSX.Element {
  const { entries } = board;
  const axis = axisOf(entries);
  const isFinal = entries.some(entry => entry.final !== null);
  const hasGroups = entries.some(entry => entry.worst_subgroup);
  return (
    <div className="wb-Scroll" tabIndex={0} role="region" aria-label={trans.__('Leaderboard')}>
      <table className="wb-Table wb-Leaderboard">
        <thead>
          <tr>
            <th scope="col" className="wb-Number">
              {trans.__('Rank')}
            </th>
            <th scope="col">{trans.__('Submission')}</th>
            <th scope="col" className="wb-Number">
              {isFinal ? trans.__('%1, public', board.metric_name) : board.metric_name}
            </th>
            <th scope="col">{trans.__('95 % interval')}</th>
            {isFinal && <th scope="col">{trans.__('Final test')}</th>}
            <th scope="col" className="wb-Axis">
              <span>{sayEnd(axis.from)}</span>
              <span>{sayEnd(axis.to)}</span>
            </th>
            {hasGroups && <th scope="col">{trans.__('Weakest group')}</th>}
            <th scope="col" className="wb-Number">
              {trans.__('Coverage')}
            </th>
            <th scope="col">{trans.__('Run')}</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(entry => {
            const place = entry.final ?? entry;
            return (
              <tr
                key={`${entry.kind}-${entry.person}`}
                className={`wb-mod-${entry.kind}${entry.person === me ? ' wb-mod-mine' : ''}`}
                data-entry={entry.submission ?? entry.person}
              >
                <td className="wb-Rank wb-Number">
                  <span className="wb-Chip wb-Group" title={trans.__('Group: who shares a letter cannot be told apart from the first of them')}>
                    {letter(place.tie_group)}
                  </span>{' '}
                  {place.rank}
                  <RankSpan interval={place.rank_interval} trans={trans} />
                </td>
                <td>
                  <strong>{entry.person}</strong>
                  {entry.kind === 'baseline' && <span className="wb-Dim"> · {trans.__('baseline')}</span>}
                  {entry.note && <span className="wb-Dim"> · {entry.note}</span>}
                  <span className="wb-Dim wb-Below">
                    {[entry.submission ?? '', sayDay(entry.created), sayTies(place.ties, trans)].filter(Boolean).join(' · ')}
                  </span>
                </td>
                <td className="wb-Number">
                  <strong>{sayScore(entry.value)}</strong>
                </td>
                <td className="wb-Dim">{sayInterval(entry.interval)}</td>
                {isFinal && (
                  <td className="wb-Final">
                    {entry.final ? (
                      <>
                        <strong>{sayScore(entry.final.value)}</strong>
                        <span className="wb-Dim wb-Below">{sayInterval(entry.final.interval)}</span>
                      </>
                    ) : (
                      (entry.final_failed ?? '—')
                    )}
                  </td>
                )}
                <td className="wb-Plot">
                  <IntervalMark value={(entry.final ?? entry).value} interval={(entry.final ?? entry).interval} axis={axis} />
                </td>
                {hasGroups && <Weakest entry={entry} />}
                <td className="wb-Number">{entry.coverage === null ? '—' : `${Math.floor(entry.coverage * 100)} %`}</td>
                <td>
                  <span className="wb-Chip" title={board.isolation[entry.isolation]}>
                    {entry.isolation}
                  </span>
                  <span className="wb-Dim wb-Below">{sayCost(entry.cost)}</span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The ranks that an entry may really have. */
function RankSpan({ interval, trans }: { interval: [number, number]; trans: TranslationBundle }): React.JSX.Element | null {
  const [best, worst] = interval;
  return best === worst ? null : (
    <span className="wb-Dim wb-Below" title={trans.__('The ranks it may really have, with 95 % confidence')}>
      {trans.__('%1 to %2', best, worst)}
    </span>
  );
}

function Weakest({ entry }: { entry: Entry }): React.JSX.Element {
  const group = entry.worst_subgroup;
  return (
    <td>
      {group?.value === null || group === null ? (
        '—'
      ) : (
        <>
          {sayScore(group.value)}
          <span className="wb-Dim wb-Below">{`${group.name}: ${group.group} (${group.units})`}</span>
        </>
      )}
    </td>
  );
}

/** A dot for the score and a line for its interval; the numbers stand in the columns beside it. */
function IntervalMark({ value, interval, axis }: { value: number; interval: Interval; axis: Axis }): React.JSX.Element {
  const place = (at: number): number => ((at - axis.from) / (axis.to - axis.from)) * 100;
  const [low, high] = interval ?? [value, value];
  return (
    <div className="wb-Interval" aria-hidden="true">
      <span className="wb-IntervalLine" style={{ left: `${place(low)}%`, width: `${place(high) - place(low)}%` }} />
      <span className="wb-IntervalDot" style={{ left: `${place(value)}%` }} />
    </div>
  );
}

/** The round numbers that enclose every interval, so that differences are visible and the ends are honest. */
function axisOf(entries: Entry[]): Axis {
  const ends = entries.flatMap(one => [one, ...(one.final ? [one.final] : [])]).flatMap(one => [one.value, ...(one.interval ?? [])]);
  const step = 10 ** Math.floor(Math.log10(Math.max(...ends.map(Math.abs), 0.1)));
  // Shares are read in tenths; millimetres and years in steps of their size.
  const unit = step <= 1 && Math.max(...ends) <= 1 ? 0.1 : step / 2;
  const from = Math.floor(Math.min(...ends) / unit) * unit;
  const to = Math.ceil(Math.max(...ends) / unit) * unit;
  return to > from ? { from, to } : { from: 0, to: 1 };
}

/** The letter of a group: A, B, … Z, then numbers. */
function letter(group: number): string {
  return group <= 26 ? String.fromCharCode(64 + group) : String(group);
}

function sayEnd(end: number): string {
  return String(Number(end.toPrecision(3)));
}

function sayTies(ties: string[], trans: TranslationBundle): string {
  return ties.length === 0 ? '' : trans.__('ties with %1', ties.slice(0, 3).join(', ') + (ties.length > 3 ? ' …' : ''));
}

function sayCost(cost: Entry['cost']): string {
  return cost?.cpu_seconds === undefined ? '' : `${saySeconds(cost.cpu_seconds)} CPU`;
}
