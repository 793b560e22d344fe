/** Opening the shipped notebooks: placed into the workspace once, then the researcher's own. */

import type { Contents } from '@jupyterlab/services';
import type { CommandRegistry } from '@lumino/commands';
import type { Workbench } from './workbench';

export const GOVERNED_KERNEL = 'workbench-python';
const EXPLORE = 'explore/explore-a-dataset.ipynb';

interface Cell {
  cell_type: string;
  metadata: { tags?: string[] };
  source: string | string[];
  outputs?: unknown[];
  execution_count?: number | null;
}

export class Notebooks {
  constructor(
    private readonly workbench: Workbench,
    private readonly contents: Contents.IManager,
    private readonly commands: CommandRegistry
  ) {}

  /** Open the explore notebook; with a dataset, a copy of it that names this dataset. */
  async explore(dataset?: string): Promise<void> {
    const shipped = await this.workbench.api.placeNotebook(EXPLORE);
    await this.open(dataset ? await this.copyFor(shipped, dataset) : shipped);
  }

  /** Open the benchmark notebook of a task. */
  async benchmark(task: string): Promise<void> {
    const notebook = this.workbench.benchmarkNotebook(task);
    if (!notebook) {
      throw new Error(`No notebook is shipped for ${task} yet. Open a governed notebook and begin with wb.task("${task}").`);
    }
    await this.open(await this.workbench.api.placeNotebook(notebook));
  }

  /** Start an empty notebook in the governed kernel. */
  async create(cwd: string): Promise<unknown> {
    return this.commands.execute('notebook:create-new', { cwd, kernelName: GOVERNED_KERNEL, isLauncher: true });
  }

  private async open(path: string): Promise<void> {
    await this.commands.execute('docmanager:open', { path, factory: 'Notebook', kernel: { name: GOVERNED_KERNEL } });
  }

  private async copyFor(shipped: string, dataset: string): Promise<string> {
    const path = shipped.replace(/[^/]*$/, `explore-${dataset}.ipynb`);
    if (await this.exists(path)) {
      return path;
    }
    const model = await this.contents.get(shipped, { type: 'notebook', content: true });
    const notebook = model.content as { cells: Cell[] };
    for (const cell of notebook.cells) {
      if (cell.cell_type === 'code') {
        cell.outputs = [];
        cell.execution_count = null;
      }
      if (cell.metadata.tags?.includes('parameters')) {
        const source = Array.isArray(cell.source) ? cell.source.join('') : cell.source;
        cell.source = source.replace(/^dataset\b.*=.*$/m, `dataset = ${JSON.stringify(dataset)}`);
      }
    }
    await this.contents.save(path, { type: 'notebook', format: 'json', content: notebook });
    return path;
  }

  /** Look in the folder's listing: asking for the file itself would put a 404 on the console. */
  private async exists(path: string): Promise<boolean> {
    const folder = await this.contents.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))), { content: true });
    return (folder.content as { path: string }[]).some(entry => entry.path === path);
  }
}
