/** A leaderboard as a table whose last column draws each score with its interval on one common axis. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { LeaderboardEntry } from './replies';
import { sayDay } from './words';

interface Axis {
  from: number;
  to: number;
}

export function LeaderboardTable(props: {
  entries: LeaderboardEntry[];
  metric: string;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { entries, metric, trans } = props;
  const axis = axisOf(entries);
  return (
    <table className="wb-Table wb-Leaderboard">
      <thead>
        <tr>
          <th scope="col" className="wb-Number">
            {trans.__('Rank')}
          </th>
          <th scope="col">{trans.__('Submission')}</th>
          <th scope="col">{trans.__('Date')}</th>
          <th scope="col" className="wb-Number">
            {metric}
          </th>
          <th scope="col">{trans.__('95 % interval')}</th>
          <th scope="col" className="wb-Axis">
            <span>{axis.from.toFixed(1)}</span>
            <span>{axis.to.toFixed(1)}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map(entry => (
          <tr key={entry.submission} className={`wb-mod-${entry.kind}`}>
            <td className="wb-Rank wb-Number">{entry.rank}</td>
            <td>
              <strong>{entry.person}</strong>
              {entry.kind === 'baseline' && <span className="wb-Dim"> · {trans.__('baseline')}</span>}
              {entry.note && <span className="wb-Dim"> · {entry.note}</span>}
            </td>
            <td>{sayDay(entry.created)}</td>
            <td className="wb-Number">
              <strong>{entry.value.toFixed(3)}</strong>
            </td>
            <td className="wb-Dim">
              {entry.interval ? `${entry.interval[0].toFixed(3)} – ${entry.interval[1].toFixed(3)}` : '—'}
            </td>
            <td className="wb-Plot">
              <IntervalMark entry={entry} axis={axis} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A dot for the score and a line for its interval; the numbers stand in the columns beside it. */
function IntervalMark({ entry, axis }: { entry: LeaderboardEntry; axis: Axis }): React.JSX.Element {
  const place = (value: number): number => ((value - axis.from) / (axis.to - axis.from)) * 100;
  const [low, high] = entry.interval ?? [entry.value, entry.value];
  return (
    <div className="wb-Interval" aria-hidden="true">
      <span className="wb-IntervalLine" style={{ left: `${place(low)}%`, width: `${place(high) - place(low)}%` }} />
      <span className="wb-IntervalDot" style={{ left: `${place(entry.value)}%` }} />
    </div>
  );
}

/** The tenths that enclose every interval, so that differences are visible and the ends are honest. */
function axisOf(entries: LeaderboardEntry[]): Axis {
  const ends = entries.flatMap(entry => [entry.value, ...(entry.interval ?? [])]);
  const from = Math.max(0, Math.floor(Math.min(...ends) * 10) / 10);
  const to = Math.min(1, Math.ceil(Math.max(...ends) * 10) / 10);
  return to > from ? { from, to } : { from: 0, to: 1 };
}
