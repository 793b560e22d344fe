/** Main-area page: one task, its question and its leaderboard. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { useReply } from './hooks';
import { LeaderboardTable } from './leaderboard';
import { Button, type Desk, Facts, Notice } from './parts';

/** A submission is scored within minutes; an open leaderboard shows it without a reload. */
const LOOK_AGAIN_MS = 10_000;

export function TaskPage({ desk, id }: { desk: Desk; id: string }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const task = workbench.task(id);
  const board = useReply(() => workbench.api.leaderboard(id), id, LOOK_AGAIN_MS);

  if (!task) {
    return workbench.tasks.value ? (
      <Notice kind="failed">{trans.__('There is no task “%1” in this home.', id)}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading the task…')}</Notice>
    );
  }
  const entries = board.value?.entries ?? [];
  const submitted = entries.filter(entry => entry.kind === 'submission');
  return (
    <article className="wb-Page">
      <header>
        <p className="wb-Eyebrow">{trans.__('Task · %1', task.title)}</p>
        <h1>{task.question}</h1>
        {task.synthetic && (
          <p className="wb-Band">
            {trans.__('Synthetic data: scores say whether a method works here, and nothing about patients.')}
          </p>
        )}
      </header>
      <Facts
        facts={[
          [trans.__('Measured by'), task.metric_name],
          [trans.__('Submissions'), board.value ? submitted.length : '…'],
          [trans.__('Best'), submitted[0] ? submitted[0].value.toFixed(3) : '—']
        ]}
      />
      {desk.workbench.benchmarkNotebook(task.task) && (
        <div className="wb-Actions">
          <Button kind="primary" onClick={() => void commands.execute(CommandIds.runBenchmark, { task: id })}>
            {trans.__('Open notebook')}
          </Button>
        </div>
      )}
      <section>
        <h2>{trans.__('Leaderboard')}</h2>
        {board.problem && <Notice kind="failed">{board.problem}</Notice>}
        {!board.value && !board.problem && <Notice kind="loading">{trans.__('Loading the leaderboard…')}</Notice>}
        {board.value && entries.length === 0 && (
          <Notice kind="empty">
            {trans.__('Nobody has submitted yet. Train a model in the notebook, then call task.submit(model).')}
          </Notice>
        )}
        {entries.length > 0 && <LeaderboardTable entries={entries} metric={task.metric_name} trans={trans} />}
        <p className="wb-Dim">
          {trans.__('Scores on the hidden test set, with 95 % intervals. Overlapping intervals are no proof of a difference.')}
        </p>
      </section>
      <section>
        <h2>{trans.__('What is measured')}</h2>
        <p className="wb-Lead">{task.definition}</p>
        <p className="wb-Lead wb-Truth">{trans.__('Truth: %1', task.label)}</p>
      </section>
    </article>
  );
}
