/** What a task's number means: its metric, its label, its trap, and how often a positive answer would be right. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useReply } from './hooks';
import { type Desk } from './parts';
import type { Task, Worth } from './replies-benchmark';
import { sayVersion } from './words';

export function TaskMeaning({ desk, task }: { desk: Desk; task: Task }): React.JSX.Element {
  const { trans, workbench } = desk;
  const card = useReply(() => workbench.api.benchmark.task(task.task), `${task.task} ${task.version}`);
  const said = card.value?.card;
  return (
    <section>
      <h2>{trans.__('What is measured')}</h2>
      <p className="wb-Lead">{task.definition}</p>
      <p className="wb-Lead wb-Truth">
        {trans.__('Truth: %1', task.label)}{' '}
        <span className="wb-Chip">{task.label_verified ? trans.__('verified') : trans.__('an opinion, not verified')}</span>
      </p>
      {said?.ceilings.map(one => (
        <p key={one.metric} className="wb-Lead">
          {trans.__('The ceiling of %1 is %2 (%3); on few items a number can lie above it by chance.', one.metric, one.value.toFixed(3), one.says)}
        </p>
      ))}
      {said?.trap && (
        <div className="wb-Box wb-Trap">
          <h3>{trans.__('The trap: %1', said.trap.name)}</h3>
          <p>{trans.__('Tempting: %1', said.trap.wrong)}</p>
          <p>
            {trans.__('Honest: %1', said.trap.honest)} {trans.__('The report prints both numbers.')}
          </p>
        </div>
      )}
      {said?.prevalence && <WorthTable worth={said.prevalence} trans={trans} />}
      <p className="wb-Dim">
        {[
          task.version ? trans.__('Version %1', sayVersion(task.version)) : '',
          task.unit ? trans.__('Intervals draw each %1 again', task.unit) : '',
          task.missing === 'worst' ? trans.__('what is not answered counts as wrong') : trans.__('every item must be answered'),
          said?.licence ?? ''
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
    </section>
  );
}

/** How many positive answers would be right, at the share of positives where the answer would be used. */
function WorthTable({ worth, trans }: { worth: Worth; trans: TranslationBundle }): React.JSX.Element {
  const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;
  return (
    <>
      <p className="wb-Lead">
        {worth.says} {trans.__('With a prevalence of %1 and a sensitivity of %2:', percent(worth.share), percent(worth.sensitivity))}
      </p>
      <table className="wb-Table wb-Worth">
        <thead>
          <tr>
            <th scope="col">{trans.__('Specificity')}</th>
            {worth.ppv.map(row => (
              <th key={row.specificity} scope="col">
                {percent(row.specificity)}
              </th>
            ))}
            {worth.ceiling && <th scope="col">{trans.__('at best %1', percent(worth.ceiling.specificity))}</th>}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">{trans.__('Positive answers that are right')}</th>
            {worth.ppv.map(row => (
              <td key={row.specificity}>{percent(row.ppv)}</td>
            ))}
            {worth.ceiling && <td>{percent(worth.ceiling.ppv)}</td>}
          </tr>
        </tbody>
      </table>
    </>
  );
}
