/** Main-area page: one crate of the workspace, with what it declares, the verdicts so far, and its report. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { useReply } from './hooks';
import { Button, type Desk, Facts, Notice } from './parts';
import { ReportFrame } from './report-frame';
import { ResultsTable } from './results-table';
import { VerdictsSoFar } from './verdict-parts';
import { sayMoment, sayVersion } from './words';

export function CratePage({ desk, path }: { desk: Desk; path: string }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const known = useReply(() => workbench.api.reports.crate(path), `${path} ${workbench.crateNews(path)}`);
  const crate = known.value;
  if (!crate) {
    return known.problem ? (
      <Notice kind="failed">{known.problem}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Opening the crate…')}</Notice>
    );
  }
  const data = Object.entries(crate.data);
  return (
    <article className="wb-Page wb-CratePage">
      <header>
        <p className="wb-Eyebrow">{trans.__('Crate · %1', path)}</p>
        <h1>{crate.question}</h1>
      </header>
      <Facts
        facts={[
          [trans.__('Run by'), crate.account],
          [trans.__('Ended'), crate.ended ? sayMoment(crate.ended) : '—'],
          [trans.__('Isolation'), crate.isolation],
          [trans.__('Re-runs'), crate.verdicts.length]
        ]}
      />
      <section>
        <h2>{trans.__('What it read and with what')}</h2>
        <p className="wb-Given">
          {data.length === 0 && <span className="wb-Dim">{trans.__('It read no dataset.')}</span>}
          {data.map(([name, version]) => (
            <code key={name}>
              {name} {sayVersion(version)}
            </code>
          ))}
          {Object.entries(crate.parameters).map(([name, value]) => (
            <code key={`p-${name}`}>
              {name} = {JSON.stringify(value)}
            </code>
          ))}
          {Object.entries(crate.environment).map(([name, version]) => (
            <code key={`e-${name}`}>
              {name} {version}
            </code>
          ))}
        </p>
      </section>
      <section>
        <h2>{trans.__('Declared results')}</h2>
        <ResultsTable results={crate.results} trans={trans} />
      </section>
      <section>
        <h2>{trans.__('Verdicts so far')}</h2>
        <VerdictsSoFar
          verdicts={crate.verdicts}
          trans={trans}
          open={number => void commands.execute(CommandIds.openVerdict, { path, number: String(number) })}
        />
      </section>
      <div className="wb-Actions">
        <Button kind="primary" onClick={() => void commands.execute(CommandIds.reproduce, { path })}>
          {trans.__('Reproduce')}
        </Button>
      </div>
      <ReportFrame
        desk={desk}
        title={trans.__('Report: %1', crate.question)}
        fetch={() => workbench.api.reports.crateReport(path)}
        subject={`${path} ${workbench.crateNews(path)}`}
      />
    </article>
  );
}
