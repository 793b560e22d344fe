/** What is open at the start: the sidebar the first time, and what `/lab?workbench=task/NAME` links to. */

import type { IRouter, JupyterFrontEnd } from '@jupyterlab/application';
import type { IStateDB } from '@jupyterlab/statedb';
import { CommandIds } from './command-ids';

export function followLinks(app: JupyterFrontEnd, router: IRouter): void {
  const wanted = new URLSearchParams(router.current.search).get('workbench');
  const [kind, subject] = wanted?.split('/', 2) ?? [];
  void app.restored.then(async () => {
    if (kind === 'dataset' && subject) {
      await app.commands.execute(CommandIds.openDataset, { name: subject });
    } else if (kind === 'task' && subject) {
      await app.commands.execute(CommandIds.openTask, { task: subject });
    }
  });
}

/** Show the sidebar to whoever opens this workspace for the first time; afterwards their own layout counts. */
export async function welcome(app: JupyterFrontEnd, state: IStateDB): Promise<void> {
  const key = 'ai4h-workbench:welcomed';
  await app.restored;
  if ((await state.fetch(key)) === undefined) {
    await app.commands.execute(CommandIds.showSidebar);
    await state.save(key, true);
  }
}
