/** Section "Reports": the questions that can be run, the runs that go on by themselves, and the crates they leave. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { reportIcon } from './icons';
import { Button, type Desk, Notice, Shown } from './parts';
import type { Crate, ReportNotebook, Run } from './replies-reports';
import { Bar, RunChip, sayTook } from './run-progress';
import { VerdictChip } from './verdict-parts';
import { sayDay } from './words';

const SHOWN_RUNS = 5;

export function Reports({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const runs = workbench.runs.value ?? [];
  const crates = workbench.crates.value ?? [];
  return (
    <>
      {runs.length > 0 && (
        <section aria-label={trans.__('Runs')}>
          <h3 className="wb-Heading">{trans.__('Runs')}</h3>
          <ul className="wb-List">
            {runs.slice(0, SHOWN_RUNS).map(run => (
              <RunRow key={run.run} desk={desk} run={run} />
            ))}
          </ul>
        </section>
      )}
      <section aria-label={trans.__('Questions')}>
        <h3 className="wb-Heading">{trans.__('Questions')}</h3>
        <Shown desk={desk} known={workbench.reports} loading={trans.__('Loading reports…')}>
          {reports =>
            reports.length === 0 ? (
              <Notice kind="empty">{trans.__('No notebook with a parameters cell is here yet.')}</Notice>
            ) : (
              <ul className="wb-List">
                {reports.map(report => (
                  <NotebookRow key={report.notebook} desk={desk} report={report} />
                ))}
              </ul>
            )
          }
        </Shown>
      </section>
      {crates.length > 0 && (
        <section aria-label={trans.__('Crates')}>
          <h3 className="wb-Heading">{trans.__('Crates')}</h3>
          <ul className="wb-List">
            {crates.map(crate => (
              <CrateRow key={crate.path} desk={desk} crate={crate} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function RunRow({ desk, run }: { desk: Desk; run: Run }): React.JSX.Element {
  const { commands, trans } = desk;
  const verdict = run.verdict?.verdict;
  return (
    <li className="wb-Row" data-run={run.run} data-state={run.state}>
      <button
        type="button"
        className="wb-RowHead"
        aria-label={trans.__('Open the run of %1, %2', run.question, run.state)}
        onClick={() => void commands.execute(CommandIds.openRun, { run: run.run })}
      >
        <span className="wb-RowText">
          <span className="wb-RowTitle">
            <span>{run.question}</span>
            {verdict ? <VerdictChip verdict={verdict} trans={trans} /> : <RunChip state={run.state} trans={trans} />}
          </span>
          <span className="wb-Dim">
            {[run.kind === 'run' ? trans.__('run') : trans.__('re-run'), sayTook(run), sayDay(run.created)].join(' · ')}
          </span>
        </span>
      </button>
      {run.state === 'running' && <Bar run={run} trans={trans} />}
    </li>
  );
}

function NotebookRow({ desk, report }: { desk: Desk; report: ReportNotebook }): React.JSX.Element {
  const { commands, trans } = desk;
  return (
    <li className="wb-Row" data-report={report.notebook}>
      <div className="wb-RowHead">
        <reportIcon.react tag="span" className="wb-Icon" />
        <span className="wb-RowText">
          <span className="wb-RowTitle">
            <span>{report.question}</span>
          </span>
          <span className="wb-Dim">{report.source === 'workspace' ? trans.__('yours · %1', report.name) : report.name}</span>
        </span>
      </div>
      <div className="wb-Actions">
        <Button
          label={trans.__('Set up a run of %1', report.name)}
          onClick={() => void commands.execute(CommandIds.runReport, { notebook: report.notebook })}
        >
          {trans.__('Run…')}
        </Button>
      </div>
    </li>
  );
}

function CrateRow({ desk, crate }: { desk: Desk; crate: Crate }): React.JSX.Element {
  const { commands, trans } = desk;
  if (crate.problem) {
    return (
      <li className="wb-Row wb-Broken" data-crate={crate.path}>
        <p className="wb-RowTitle">{crate.path}</p>
        <p className="wb-Dim">{crate.problem}</p>
      </li>
    );
  }
  const verdicts = crate.verdicts ?? [];
  const last = verdicts.at(-1);
  const count = verdicts.length;
  return (
    <li className="wb-Row" data-crate={crate.path}>
      <button
        type="button"
        className="wb-RowHead"
        aria-label={trans.__('Open the crate %1', crate.path)}
        onClick={() => void commands.execute(CommandIds.openCrate, { path: crate.path })}
      >
        <span className="wb-RowText">
          <span className="wb-RowTitle">
            <span>{crate.question}</span>
            {last && <VerdictChip verdict={last.verdict} trans={trans} />}
          </span>
          <span className="wb-Dim">{crate.path}</span>
          <span className="wb-Dim">
            {[crate.account, sayDay(crate.ended), count ? trans._n('%1 re-run', '%1 re-runs', count, count) : trans.__('not run again yet')].join(
              ' · '
            )}
          </span>
        </span>
      </button>
    </li>
  );
}
