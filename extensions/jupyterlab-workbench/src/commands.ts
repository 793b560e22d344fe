/** Every command of the workbench; panels, palette, launcher and menus all call these. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, type ICommandPalette, InputDialog, showErrorMessage } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { CommandIds } from './command-ids';
import { addReportCommands } from './commands-reports';
import { sentence } from './hooks';
import { airlockIcon, auditIcon, datasetIcon, exploreIcon, notebookIcon, taskIcon, workbenchIcon } from './icons';
import { Notebooks } from './notebooks';
import type { Pages } from './pages';
import type { Desk } from './parts';
import type { AccessRequest } from './replies';
import type { Offer } from './replies-airlock';
import { sayDaysLeft } from './words';

export const argument = (args: ReadonlyPartialJSONObject, name: string): string | undefined => {
  const value = args[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

export function addCommands(app: JupyterFrontEnd, desk: Desk, pages: Pages, sidebarId: string): void {
  const { commands, trans, workbench } = desk;
  const notebooks = new Notebooks(workbench, app.serviceManager.contents, commands);

  commands.addCommand(CommandIds.showSidebar, {
    label: trans.__('Show the workbench'),
    icon: workbenchIcon,
    execute: () => {
      app.shell.activateById(sidebarId);
    }
  });
  commands.addCommand(CommandIds.openDataset, {
    label: args => {
      const dataset = workbench.dataset(argument(args, 'name') ?? '');
      return dataset && args['inMenu']
        ? `${dataset.title} · ${sayDaysLeft(dataset.until, trans)}`
        : trans.__('Show a dataset’s card…');
    },
    icon: datasetIcon,
    execute: async args => {
      const name = argument(args, 'name') ?? (await pickDataset(desk));
      if (name) {
        pages.open('dataset', name);
      }
    }
  });
  commands.addCommand(CommandIds.openTask, {
    label: trans.__('Show a task and its leaderboard…'),
    icon: taskIcon,
    execute: async args => {
      const task = argument(args, 'task') ?? (await pickTask(desk));
      if (task) {
        pages.open('task', task);
      }
    }
  });
  commands.addCommand(CommandIds.openReport, {
    label: trans.__('Open the ingest report of a version that waits…'),
    isVisible: () => workbench.reviews,
    execute: async args => {
      const [name, version] = [argument(args, 'name'), argument(args, 'version')];
      const wanted = name && version ? `${name}/${version}` : await pickWaiting(desk);
      if (wanted) {
        pages.open('report', wanted);
      }
    }
  });
  commands.addCommand(CommandIds.openRequest, {
    label: trans.__('Show an access request…'),
    isVisible: () => workbench.pending.length > 0,
    execute: async args => {
      const request = argument(args, 'request') ?? (await pickRequest(desk));
      if (request) {
        pages.open('request', request);
      }
    }
  });
  commands.addCommand(CommandIds.openRules, {
    label: trans.__('Set the rules of a dataset…'),
    isVisible: () => workbench.ownDatasets.length > 0,
    execute: async args => {
      const own = workbench.ownDatasets;
      const name = argument(args, 'name') ?? (await pickOne(desk, trans.__('Which dataset?'), own, one => one.title))?.name;
      if (name) {
        pages.open('rules', name);
      }
    }
  });
  commands.addCommand(CommandIds.openOffer, {
    label: trans.__('Show a release in the airlock…'),
    icon: airlockIcon,
    isVisible: () => (workbench.offers.value ?? []).length > 0,
    execute: async args => {
      const offers = workbench.offers.value ?? [];
      const say = (one: Offer): string => `${one.id} · ${one.reason}`;
      const offer = argument(args, 'offer') ?? (await pickOne(desk, trans.__('Which release?'), offers, say))?.id;
      if (offer) {
        pages.open('offer', offer);
      }
    }
  });
  commands.addCommand(CommandIds.offerFiles, {
    label: trans.__('Offer files for release'),
    icon: airlockIcon,
    execute: () => {
      pages.open('offering');
    }
  });
  addReportCommands(desk, pages);
  commands.addCommand(CommandIds.openAudit, {
    label: trans.__('Open the audit log'),
    icon: auditIcon,
    isVisible: () => workbench.reviews,
    execute: () => {
      pages.open('audit');
    }
  });
  commands.addCommand(CommandIds.exploreDataset, {
    label: args => (args['isLauncher'] ? trans.__('Explore a dataset') : trans.__('Explore a dataset in a notebook…')),
    caption: trans.__('Open a notebook that looks at a dataset’s scans'),
    icon: exploreIcon,
    execute: args =>
      orSay(desk, async () => {
        const name = argument(args, 'name') ?? (await pickDataset(desk));
        if (name) {
          await notebooks.explore(name);
        }
      })
  });
  commands.addCommand(CommandIds.runBenchmark, {
    label: args => (args['isLauncher'] ? trans.__('Run a benchmark') : trans.__('Run a benchmark notebook…')),
    caption: trans.__('Open the notebook that answers a benchmark question'),
    icon: taskIcon,
    execute: args =>
      orSay(desk, async () => {
        const task = argument(args, 'task') ?? (await pickTask(desk));
        if (task) {
          await notebooks.benchmark(task);
        }
      })
  });
  commands.addCommand(CommandIds.createNotebook, {
    label: args => (args['isLauncher'] ? trans.__('Governed notebook') : trans.__('New governed notebook')),
    caption: trans.__('An empty notebook in the kernel that may read governed data'),
    icon: notebookIcon,
    execute: args => notebooks.create(argument(args, 'cwd') ?? '')
  });
  commands.addCommand(CommandIds.chooseAccount, {
    label: trans.__('Sign in as somebody else…'),
    isVisible: () => workbench.me.value?.demo ?? false,
    execute: () => {
      window.location.assign(workbench.api.signInUrl());
    }
  });
  commands.addCommand(CommandIds.refresh, {
    label: trans.__('Ask the server again'),
    execute: () => workbench.refresh()
  });
}

export function fillPalette(palette: ICommandPalette, desk: Desk): void {
  for (const command of Object.values(CommandIds)) {
    palette.addItem({ command, category: desk.trans.__('Workbench') });
  }
}

async function pickDataset(desk: Desk): Promise<string | undefined> {
  const { trans, workbench } = desk;
  const readable = (workbench.datasets.value ?? []).filter(dataset => dataset.allowed);
  if (readable.length === 0) {
    desk.commands.execute(CommandIds.showSidebar).catch(console.error);
    await showErrorMessage(trans.__('No dataset to explore'), {
      message: trans.__('You may read no dataset yet. Request access to one in the workbench’s sidebar.')
    });
    return undefined;
  }
  return (await pickOne(desk, trans.__('Which dataset?'), readable, dataset => dataset.title))?.name;
}

async function pickTask(desk: Desk): Promise<string | undefined> {
  const tasks = desk.workbench.tasks.value ?? [];
  return (await pickOne(desk, desk.trans.__('Which question?'), tasks, task => task.title))?.task;
}

async function pickRequest(desk: Desk): Promise<string | undefined> {
  const { trans, workbench } = desk;
  const say = (one: AccessRequest): string => `${one.id} · ${one.person}`;
  return (await pickOne(desk, trans.__('Which request?'), workbench.pending, say))?.id;
}

async function pickWaiting(desk: Desk): Promise<string | undefined> {
  const waiting = desk.workbench.waiting.value ?? [];
  if (waiting.length === 0) {
    await showErrorMessage(desk.trans.__('No report to open'), { message: desk.trans.__('No version waits for a sign-off.') });
    return undefined;
  }
  const chosen = await pickOne(desk, desk.trans.__('Which version?'), waiting, version => version.title);
  return chosen && `${chosen.dataset}/${chosen.version}`;
}

/** The one there is, or the one that is chosen. */
export async function pickOne<T>(desk: Desk, title: string, things: T[], say: (thing: T) => string): Promise<T | undefined> {
  if (things.length <= 1) {
    return things[0];
  }
  const items = things.map(say);
  const answer = await InputDialog.getItem({ title, okLabel: desk.trans.__('Open'), items });
  return answer.button.accept && answer.value !== null ? things[items.indexOf(answer.value)] : undefined;
}

async function orSay(desk: Desk, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await showErrorMessage(
      desk.trans.__('The notebook did not open'),
      { message: sentence(error) },
      [Dialog.okButton({ label: desk.trans.__('Close') })]
    );
  }
}
