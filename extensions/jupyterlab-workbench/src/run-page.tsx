/** Main-area page: one run of a report, cell by cell while it goes on, then its results, its report or its verdict. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { Problem } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk, Facts, Notice } from './parts';
import { ReportFrame } from './report-frame';
import type { Run } from './replies-reports';
import { ResultsTable } from './results-table';
import { RunChip, RunProgress, sayTook } from './run-progress';
import { VerdictLine } from './verdict-parts';
import { sayMoment } from './words';

const LOOK_AGAIN_MS = 1_000;

export function RunPage({ desk, id }: { desk: Desk; id: string }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [isOver, setOver] = React.useState(false);
  const known = useReply(() => workbench.api.reports.read(id), `${id} ${workbench.news}`, isOver ? undefined : LOOK_AGAIN_MS);
  const run = known.value;
  React.useEffect(() => {
    if (run && run.state !== 'running') {
      setOver(true);
      // The crate that came to be belongs into the sidebar now, not at the next poll.
      void workbench.refresh();
    }
  }, [run?.state]);
  if (!run) {
    return known.problem ? (
      <Notice kind="failed">{known.problem}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading the run…')}</Notice>
    );
  }
  const cells = run.cells ?? [];
  const ended = cells.filter(cell => !['waiting', 'running'].includes(cell.state)).length;
  return (
    <article className="wb-Page wb-RunPage">
      <header>
        <p className="wb-Eyebrow">
          {run.kind === 'run' ? trans.__('Run of %1', nameOf(run.notebook)) : trans.__('Re-run of %1', nameOf(run.crate ?? ''))}
        </p>
        <h1>
          {run.question} <RunChip state={run.state} trans={trans} />
        </h1>
      </header>
      <Facts
        facts={[
          [trans.__('Started'), sayMoment(run.started ?? run.created)],
          [run.state === 'running' ? trans.__('Under way for') : trans.__('Took'), sayTook(run)],
          [trans.__('Cells'), trans.__('%1 of %2', ended, cells.length)]
        ]}
      />
      <Parameters run={run} label={trans.__('Parameters')} />
      {run.state === 'running' && <UnderWay desk={desk} run={run} />}
      {run.message && (
        <Notice kind={run.state === 'failed' ? 'failed' : 'empty'}>{run.message}</Notice>
      )}
      {run.kind === 'run' && run.state !== 'running' && <Made desk={desk} run={run} />}
      {run.kind === 'reproduce' && run.verdict && <Found desk={desk} run={run} />}
      <section aria-label={trans.__('Cells')}>
        <h2>{trans.__('Cell by cell')}</h2>
        <RunProgress run={run} trans={trans} />
      </section>
      {run.files?.report && (
        <ReportFrame desk={desk} title={trans.__('Report: %1', run.question)} fetch={() => workbench.api.reports.report(id)} subject={id} />
      )}
    </article>
  );
}

function UnderWay({ desk, run }: { desk: Desk; run: Run }): React.JSX.Element {
  const { trans, workbench } = desk;
  const [busy, problem, attempt] = useAttempt();
  return (
    <div className="wb-Actions">
      <Button
        kind="danger"
        disabled={busy}
        onClick={() => {
          attempt(() => workbench.change(() => workbench.api.reports.cancel(run.run)));
        }}
      >
        {busy ? trans.__('Ending the kernel…') : trans.__('Cancel the run')}
      </Button>
      <Problem text={problem} />
    </div>
  );
}

/** What a run of a notebook left: declared results, and files in the workspace. */
function Made({ desk, run }: { desk: Desk; run: Run }): React.JSX.Element {
  const { commands, trans } = desk;
  const { crate, notebook } = run.files ?? {};
  return (
    <>
      {run.results && (
        <section>
          <h2>{trans.__('Declared results')}</h2>
          <ResultsTable results={run.results} trans={trans} />
        </section>
      )}
      <div className="wb-Actions">
        {crate && (
          <Button kind="primary" onClick={() => void commands.execute(CommandIds.reproduce, { path: crate })}>
            {trans.__('Reproduce')}
          </Button>
        )}
        {crate && (
          <Button onClick={() => void commands.execute(CommandIds.openCrate, { path: crate })}>{trans.__('Show the crate')}</Button>
        )}
        {notebook && (
          <Button onClick={() => void commands.execute('docmanager:open', { path: notebook })}>{trans.__('Open the notebook')}</Button>
        )}
        <Button onClick={() => void commands.execute(CommandIds.runReport, { notebook: run.notebook })}>
          {trans.__('Run with other parameters')}
        </Button>
      </div>
    </>
  );
}

function Found({ desk, run }: { desk: Desk; run: Run }): React.JSX.Element {
  const { commands, trans } = desk;
  const { crate, number, verdict } = run;
  return (
    <section>
      <h2>{trans.__('Verdict')}</h2>
      {verdict && <VerdictLine verdict={verdict} trans={trans} />}
      {run.is_added === false && (
        <Notice kind="failed">
          {trans.__('The crate in your workspace changed meanwhile, so the verdict was not added to it.')}
        </Notice>
      )}
      <div className="wb-Actions">
        {crate && number && run.is_added && (
          <Button
            kind="primary"
            onClick={() => void commands.execute(CommandIds.openVerdict, { path: crate, number: String(number) })}
          >
            {trans.__('Compare both runs')}
          </Button>
        )}
        {crate && verdict?.cause === 'ENV_DRIFT' && (
          <Button onClick={() => void commands.execute(CommandIds.reproduce, { path: crate, anyEnvironment: true })}>
            {trans.__('Run it in this environment anyway')}
          </Button>
        )}
      </div>
    </section>
  );
}

function Parameters({ run, label }: { run: Run; label: string }): React.JSX.Element | null {
  const given = Object.entries(run.parameters);
  return given.length === 0 ? null : (
    <p className="wb-Given" aria-label={label}>
      {given.map(([name, value]) => (
        <code key={name}>
          {name} = {JSON.stringify(value)}
        </code>
      ))}
    </p>
  );
}

function nameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf(':')) + 1);
}
