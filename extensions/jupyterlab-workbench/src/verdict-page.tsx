/** Main-area page: one verdict, with the first run and the re-run side by side. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { CommandIds } from './command-ids';
import { ComparedCells } from './compared-cells';
import { useReply } from './hooks';
import { Button, type Desk, Notice } from './parts';
import type { ComparedResult, CrateCard, Rerun } from './replies-reports';
import { SplitText, splitNumbers } from './split-text';
import { VerdictChip, VerdictLine, VerdictsSoFar } from './verdict-parts';
import { sayInterval, sayMoment, sayNumber } from './words';

/** A verdict's place in the layout: "PATH:NUMBER". */
export function VerdictPage({ desk, subject }: { desk: Desk; subject: string }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const { path, number } = partsOf(subject);
  const key = `${subject} ${workbench.news}`;
  const crate = useReply(() => workbench.api.reports.crate(path), key);
  const found = useReply(() => workbench.api.reports.verdict(path, number), key);
  const problem = found.problem ?? crate.problem;
  if (!found.value || !crate.value) {
    return problem ? (
      <Notice kind="failed">{problem}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Putting both runs side by side…')}</Notice>
    );
  }
  const { record, cells } = found.value;
  return (
    <article className="wb-Page wb-VerdictPage">
      <header>
        <p className="wb-Eyebrow">{trans.__('Verdict %1 on %2', number, path)}</p>
        <h1>{crate.value.question}</h1>
      </header>
      <VerdictLine verdict={record} trans={trans} />
      <Both first={crate.value} second={record} trans={trans} />
      {record.results.length > 0 && (
        <section>
          <h2>{trans.__('Declared results')}</h2>
          <Results results={record.results} trans={trans} />
        </section>
      )}
      {cells.length > 0 && (
        <ComparedCells desk={desk} cells={cells} path={path} number={number} diverging={record.first_diverging_cell} />
      )}
      <section>
        <h2>{trans.__('Verdicts so far')}</h2>
        <VerdictsSoFar
          verdicts={crate.value.verdicts}
          trans={trans}
          current={number}
          open={other => void commands.execute(CommandIds.openVerdict, { path, number: String(other) })}
        />
      </section>
      <div className="wb-Actions">
        <Button onClick={() => void commands.execute(CommandIds.openCrate, { path })}>{trans.__('Show the crate')}</Button>
        <Button onClick={() => void commands.execute(CommandIds.reproduce, { path })}>{trans.__('Reproduce once more')}</Button>
        {record.cause === 'ENV_DRIFT' && (
          <Button onClick={() => void commands.execute(CommandIds.reproduce, { path, anyEnvironment: true })}>
            {trans.__('Run it in this environment anyway')}
          </Button>
        )}
      </div>
    </article>
  );
}

export function partsOf(subject: string): { path: string; number: number } {
  const colon = subject.lastIndexOf(':');
  return { path: subject.slice(0, colon), number: Number(subject.slice(colon + 1)) };
}

/** Who ran it when and where, in two columns. */
function Both(props: { first: CrateCard; second: Rerun; trans: TranslationBundle }): React.JSX.Element {
  const { first, second, trans } = props;
  const rows: [string, string, string][] = [
    [trans.__('Who'), first.account, second.account],
    [trans.__('When'), first.ended ? sayMoment(first.ended) : '—', sayMoment(second.ended)],
    [trans.__('Isolation'), first.isolation, second.isolation]
  ];
  return (
    <table className="wb-Table wb-Both">
      <thead>
        <tr>
          <td />
          <th scope="col">{trans.__('First run')}</th>
          <th scope="col">{trans.__('Second run')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, one, other]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{one}</td>
            <td>{other || '—'}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">{trans.__('Environment')}</th>
          <td>{Object.entries(first.environment).map(([name, version]) => `${name} ${version}`).join(' · ')}</td>
          <td>
            {second.environment_changes.length === 0
              ? trans.__('the same')
              : trans._n('%1 package differs', '%1 packages differ', second.environment_changes.length, second.environment_changes.length)}
            {second.environment_changes.length > 0 && (
              <span className="wb-Dim"> · {second.environment_changes.slice(0, 3).map(String).join(', ')}</span>
            )}
          </td>
        </tr>
      </tbody>
    </table>
  );
}

function Results({ results, trans }: { results: ComparedResult[]; trans: TranslationBundle }): React.JSX.Element {
  return (
    <table className="wb-Table wb-Compared">
      <thead>
        <tr>
          <th scope="col">{trans.__('Result')}</th>
          <th scope="col">{trans.__('First run')}</th>
          <th scope="col">{trans.__('Second run')}</th>
          <th scope="col">{trans.__('Apart')}</th>
          <th scope="col">{trans.__('Tolerance')}</th>
          <th scope="col">{trans.__('Verdict')}</th>
        </tr>
      </thead>
      <tbody>
        {results.map(result => {
          const [one, other] = splitNumbers(sayNumber(result.first), sayNumber(result.second));
          const apart = result.first !== null && result.second !== null ? Math.abs(result.second - result.first) : null;
          return (
            <tr key={result.name} data-result={result.name} data-verdict={result.verdict}>
              <th scope="row">{result.name}</th>
              <td>
                <SplitText spans={one} side="first" />
                <span className="wb-Dim"> {result.first_interval ? sayInterval(result.first_interval) : ''}</span>
              </td>
              <td>
                <SplitText spans={other} side="second" />
                <span className="wb-Dim"> {result.second_interval ? sayInterval(result.second_interval) : ''}</span>
              </td>
              <td>{sayNumber(apart)}</td>
              <td>{sayNumber(result.tolerance)}</td>
              <td>
                <VerdictChip verdict={result.verdict} trans={trans} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
