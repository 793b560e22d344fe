/** How far a run is: a bar, one sentence that screen readers are told, and the cells with what became of each. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { CellRun, CellState, Run } from './replies-reports';
import { saySeconds } from './words';

const MARKS: Record<CellState, string> = { waiting: '', running: '…', done: '✓', cached: '↻', failed: '✕' };

export function RunProgress({ run, trans }: { run: Run; trans: TranslationBundle }): React.JSX.Element {
  const cells = run.cells ?? [];
  return (
    <>
      {run.state === 'running' && <Bar run={run} trans={trans} />}
      <ol className="wb-Cells wb-Progress">
        {cells.map(cell => (
          <li key={cell.number} value={cell.number} className={`wb-cell-${cell.state}`} data-cell={cell.number} data-state={cell.state}>
            <span className="wb-CellMark" role="img" aria-label={sayState(cell.state, trans)}>
              {MARKS[cell.state]}
            </span>
            <span className="wb-CellText">{cell.text}</span>
            <span className="wb-Dim">{sayCell(cell, trans)}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

export function Bar({ run, trans }: { run: Run; trans: TranslationBundle }): React.JSX.Element {
  const cells = run.cells ?? [];
  const ended = cells.filter(cell => cell.state !== 'waiting' && cell.state !== 'running').length;
  const said = sayPhase(run, trans);
  return (
    <div className="wb-Under">
      <div
        className="wb-Bar"
        role="progressbar"
        aria-label={trans.__('Cells that have ended')}
        aria-valuemin={0}
        aria-valuemax={cells.length}
        aria-valuenow={ended}
        aria-valuetext={said}
      >
        <span style={{ width: `${cells.length ? (ended / cells.length) * 100 : 0}%` }} />
      </div>
      <p className="wb-Dim" role="status">
        {said}
      </p>
    </div>
  );
}

/** What goes on right now, in a sentence. */
export function sayPhase(run: Run, trans: TranslationBundle): string {
  const cells = run.cells ?? [];
  const index = cells.findIndex(cell => cell.state === 'running');
  const cell = cells[index];
  if (run.phase === 'writing') {
    return trans.__('Writing report and crate…');
  }
  if (!cell) {
    return run.phase === 'starting' ? trans.__('Starting the kernel…') : trans.__('Working…');
  }
  return trans.__('Cell %1 of %2: %3', index + 1, cells.length, cell.text);
}

export function RunChip({ state, trans }: { state: Run['state']; trans: TranslationBundle }): React.JSX.Element {
  const words: Record<Run['state'], string> = {
    running: trans.__('running'),
    done: trans.__('done'),
    failed: trans.__('failed'),
    cancelled: trans.__('cancelled')
  };
  return <span className={`wb-Chip wb-run-${state}`}>{words[state]}</span>;
}

/** How long a run took, or has taken so far. */
export function sayTook(run: Run): string {
  const from = new Date(run.started ?? run.created).getTime();
  const to = run.ended ? new Date(run.ended).getTime() : Date.now();
  return saySeconds(Math.max(0, (to - from) / 1000));
}

function sayCell(cell: CellRun, trans: TranslationBundle): string {
  const from = cell.since ? (Date.now() - new Date(cell.since).getTime()) / 1000 : 0;
  switch (cell.state) {
    case 'waiting':
      return '';
    case 'running':
      return cell.since ? saySeconds(Math.max(0, from)) : '';
    case 'cached':
      return trans.__('from an earlier run (%1)', saySeconds(cell.seconds));
    default:
      return saySeconds(cell.seconds);
  }
}

function sayState(state: CellState, trans: TranslationBundle): string {
  const words: Record<CellState, string> = {
    waiting: trans.__('waiting'),
    running: trans.__('running'),
    done: trans.__('done'),
    cached: trans.__('taken from an earlier run'),
    failed: trans.__('failed')
  };
  return words[state];
}
