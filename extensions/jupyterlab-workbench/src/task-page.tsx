/** Main-area page: one task, its question, its leaderboard, and one's own submissions to it. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { useReply } from './hooks';
import { LeaderboardTable } from './leaderboard';
import { Button, type Desk, Facts, Notice } from './parts';
import type { Task } from './replies-benchmark';
import type { Leaderboard } from './replies-board';
import { SubmitForm } from './submit-form';
import { Submissions } from './submissions';
import { TaskMeaning } from './task-meaning';
import { sayDay, sayScore } from './words';

/** A submission is scored within minutes; an open leaderboard shows it without a reload. */
const LOOK_AGAIN_MS = 10_000;

export function TaskPage({ desk, id }: { desk: Desk; id: string }): React.JSX.Element {
  const { commands, trans, workbench } = desk;
  const task = workbench.task(id);
  const board = useReply(() => workbench.api.benchmark.leaderboard(id), `${id} ${workbench.boardNews(id)}`, LOOK_AGAIN_MS);

  if (!task) {
    return workbench.tasks.value ? (
      <Notice kind="failed">{trans.__('There is no task “%1” in this home.', id)}</Notice>
    ) : (
      <Notice kind="loading">{trans.__('Loading the task…')}</Notice>
    );
  }
  const entries = board.value?.entries ?? [];
  const submitted = entries.filter(entry => entry.kind === 'submission');
  const best = submitted[0]?.final ?? submitted[0];
  return (
    <article className="wb-Page wb-TaskPage">
      <header>
        <p className="wb-Eyebrow">{trans.__('Task · %1', task.title)}</p>
        <h1>{task.question}</h1>
        {task.synthetic && (
          <p className="wb-Band">
            {board.value?.band ?? trans.__('Synthetic data: scores say whether a method works here, and nothing about patients.')}
          </p>
        )}
      </header>
      <Facts
        facts={[
          [trans.__('Measured by'), task.metric_name],
          [trans.__('Participants'), board.value ? submitted.length : '…'],
          [trans.__('Best'), best ? sayScore(best.value) : '—'],
          [trans.__('Final test'), board.value ? sayFinal(board.value, desk) : '…']
        ]}
      />
      {workbench.benchmarkNotebook(task.task) && (
        <div className="wb-Actions">
          <Button kind="primary" onClick={() => void commands.execute(CommandIds.runBenchmark, { task: id })}>
            {trans.__('Open notebook')}
          </Button>
          <Button onClick={() => void commands.execute(CommandIds.runReport, { notebook: `shipped:${task.notebook}` })}>
            {trans.__('Run its report…')}
          </Button>
        </div>
      )}
      <section>
        <h2>{trans.__('Leaderboard')}</h2>
        {board.problem && <Notice kind="failed">{board.problem}</Notice>}
        {!board.value && !board.problem && <Notice kind="loading">{trans.__('Loading the leaderboard…')}</Notice>}
        {board.value && submitted.length === 0 && (
          <Notice kind="empty">
            {trans.__('Nobody has submitted yet. Train a model in the notebook, then call task.submit(model).')}
          </Notice>
        )}
        {board.value && entries.length > 0 && <LeaderboardTable board={board.value} me={workbench.me.value?.person} trans={trans} />}
        <HowToRead desk={desk} task={task} board={board.value} />
      </section>
      <section>
        <h2>{trans.__('Your submissions')}</h2>
        <Submissions desk={desk} task={id} />
      </section>
      <section>
        <h2>{trans.__('Submit')}</h2>
        <SubmitForm desk={desk} task={task} isClosed={board.value?.closed ?? false} />
      </section>
      <TaskMeaning desk={desk} task={task} />
    </article>
  );
}

/** What the columns mean, in four sentences: a board without them is read as a race. */
function HowToRead({ desk, task, board }: { desk: Desk; task: Task; board: Leaderboard | null }): React.JSX.Element {
  const { trans } = desk;
  const isFinal = board?.entries.some(entry => entry.final !== null) ?? false;
  const direction = task.higher_is_better ? trans.__('Higher is better.') : trans.__('Lower is better.');
  return (
    <details className="wb-More">
      <summary>{trans.__('How to read it')}</summary>
      <ul className="wb-Hints">
        <li>
          {trans.__('Scores on the hidden test with 95 % intervals. %1 Below a rank stand the ranks that the entry may really have.', direction)}
        </li>
        <li>
          {trans.__('Entries with the same letter cannot be told apart from the first of them, tested on the same patients; an entry may tie with others as well.')}
        </li>
        <li>
          {trans.__(
            'The public column goes through the Ladder: a number appears only when it is a significant improvement on its author’s best before.'
          )}
        </li>
        <li>
          {isFinal
            ? trans.__('The final test was opened once, on items that nobody was scored on before; ranks come from it.')
            : trans.__('Ranks are settled by the final test, which is opened once, on items that nobody is scored on before.')}
        </li>
      </ul>
    </details>
  );
}

function sayFinal(board: Leaderboard, { trans }: Desk): string {
  const { final } = board;
  switch (final.state) {
    case 'none':
      return trans.__('not opened');
    case 'proposed':
      return trans.__('proposed');
    case 'running':
      return trans.__('%1 of %2 run', final.ended ?? 0, final.runs ?? 0);
    case 'stopped':
      return trans.__('stopped');
    case 'done':
      return final.opened ? trans.__('opened %1', sayDay(final.opened)) : trans.__('opened');
  }
}
