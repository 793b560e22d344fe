/** Notifications for what ends later: a decision, a run, a submission. */

import { Notification } from '@jupyterlab/apputils';
import { CommandIds } from './command-ids';
import type { Desk } from './parts';
import { sayVerdict } from './verdict-parts';
import { sayDay } from './words';

/** Long enough to be read and pressed; it stays in the list behind the bell. */
const SHOWN_MS = 20_000;

export function announceDecisions(desk: Desk): void {
  const { commands, trans, workbench } = desk;
  workbench.decided.connect((_, request) => {
    const title = workbench.dataset(request.dataset)?.title ?? request.dataset;
    if (request.status === 'granted') {
      Notification.success(trans.__('%1 is yours to read until %2.', title, sayDay(request.until)), {
        autoClose: SHOWN_MS,
        actions: [
          {
            label: trans.__('Open explore notebook'),
            displayType: 'accent',
            callback: () => void commands.execute(CommandIds.exploreDataset, { name: request.dataset })
          }
        ]
      });
    } else {
      const why = request.reason ? trans.__('“%1”', request.reason) : trans.__('No reason was given.');
      Notification.warning(trans.__('%1 was refused: %2', title, why), { autoClose: SHOWN_MS });
    }
  });
}

export function announceRuns(desk: Desk): void {
  const { commands, trans, workbench } = desk;
  workbench.ended.connect((_, run) => {
    const open = {
      label: trans.__('Open'),
      displayType: 'accent' as const,
      callback: () => void commands.execute(CommandIds.openRun, { run: run.run })
    };
    const options = { autoClose: SHOWN_MS, actions: [open] };
    if (run.state === 'failed') {
      Notification.error(trans.__('The run stopped: %1', run.question), options);
    } else if (run.verdict) {
      const say = run.verdict.verdict === 'IDENTICAL' || run.verdict.verdict === 'WITHIN_TOLERANCE' ? 'success' : 'warning';
      Notification[say](trans.__('%1: %2', sayVerdict(run.verdict.verdict, trans), run.question), options);
    } else {
      Notification.success(trans.__('The report is ready: %1', run.question), options);
    }
  });
}

export function announceScores(desk: Desk): void {
  const { commands, trans, workbench } = desk;
  workbench.scored.connect((_, submission) => {
    const title = workbench.task(submission.task)?.title ?? submission.task;
    const open = {
      label: trans.__('Show the task'),
      displayType: 'accent' as const,
      callback: () => void commands.execute(CommandIds.openTask, { task: submission.task })
    };
    const say = submission.state === 'failed' ? 'error' : 'success';
    Notification[say](trans.__('%1 · %2: %3', title, submission.submission, submission.message), {
      autoClose: SHOWN_MS,
      actions: [open]
    });
  });
}
