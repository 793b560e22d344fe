/** Section "Tasks": the questions a benchmark answers. */

import * as React from 'react';
import { CommandIds } from './command-ids';
import { taskIcon } from './icons';
import { Button, type Desk, Notice, Shown } from './parts';
import type { Task } from './replies-benchmark';

export function Tasks({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  return (
    <Shown desk={desk} known={workbench.tasks} loading={trans.__('Loading tasks…')}>
      {tasks =>
        tasks.length === 0 ? (
          <Notice kind="empty">{trans.__('No benchmark task in this home yet.')}</Notice>
        ) : (
          <ul className="wb-List">
            {tasks.map(task => (
              <TaskRow key={task.task} desk={desk} task={task} />
            ))}
          </ul>
        )
      }
    </Shown>
  );
}

function TaskRow({ desk, task }: { desk: Desk; task: Task }): React.JSX.Element {
  const { commands, trans } = desk;
  return (
    <li className="wb-Row wb-Task" data-task={task.task}>
      <div className="wb-RowHead">
        <taskIcon.react tag="span" className="wb-Icon" />
        <span className="wb-RowText">
          <span className="wb-RowTitle">
            <span>{task.title}</span>
          </span>
          <span className="wb-Question">{task.question}</span>
        </span>
      </div>
      <div className="wb-Actions">
        {desk.workbench.benchmarkNotebook(task.task) && (
          <Button
            kind="primary"
            label={trans.__('Open the notebook of %1', task.title)}
            onClick={() => void commands.execute(CommandIds.runBenchmark, { task: task.task })}
          >
            {trans.__('Open notebook')}
          </Button>
        )}
        <Button
          label={trans.__('Leaderboard of %1', task.title)}
          onClick={() => void commands.execute(CommandIds.openTask, { task: task.task })}
        >
          {trans.__('Leaderboard')}
        </Button>
      </div>
    </li>
  );
}
