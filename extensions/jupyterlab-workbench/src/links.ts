/** What is open at the start: the sidebar the first time, and what `/lab?workbench=task/NAME` links to. */

import type { IRouter, JupyterFrontEnd } from '@jupyterlab/application';
import type { IStateDB } from '@jupyterlab/statedb';
import { CommandIds } from './command-ids';

/** What a link may open: its command, and the argument that the rest of the link is; null where it takes none. */
const LINKS: Record<string, [string, string | null]> = {
  dataset: [CommandIds.openDataset, 'name'],
  task: [CommandIds.openTask, 'task'],
  request: [CommandIds.openRequest, 'request'],
  rules: [CommandIds.openRules, 'name'],
  release: [CommandIds.openOffer, 'offer'],
  offer: [CommandIds.offerFiles, null],
  report: [CommandIds.runReport, 'notebook'],
  run: [CommandIds.openRun, 'run'],
  crate: [CommandIds.openCrate, 'path'],
  audit: [CommandIds.openAudit, null]
};

export function followLinks(app: JupyterFrontEnd, router: IRouter): void {
  const wanted = new URLSearchParams(router.current.search).get('workbench');
  // What follows the first slash may hold more of them: a crate is named by its path.
  const [kind, ...rest] = wanted?.split('/') ?? [];
  const subject = rest.join('/');
  void app.restored.then(async () => {
    const [command, argument] = LINKS[kind ?? ''] ?? [];
    if (command && (subject || !argument)) {
      await app.commands.execute(command, argument ? { [argument]: subject } : {});
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
