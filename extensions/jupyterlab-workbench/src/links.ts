/** Deep links: `/lab?workbench=task/lung-nodule-detection` opens that page. */

import type { IRouter, JupyterFrontEnd } from '@jupyterlab/application';
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
