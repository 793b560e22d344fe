/** Notifications for what ends later: a request was decided. */

import { Notification } from '@jupyterlab/apputils';
import { CommandIds } from './command-ids';
import type { Desk } from './parts';
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
