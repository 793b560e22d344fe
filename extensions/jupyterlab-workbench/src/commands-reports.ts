/** Commands of reports: setting up a run, looking at runs, crates and verdicts, and running a crate again. */

import { showErrorMessage } from '@jupyterlab/apputils';
import { CommandIds } from './command-ids';
import { argument, pickOne } from './commands';
import { sentence } from './hooks';
import { reportIcon } from './icons';
import type { Pages } from './pages';
import type { Desk } from './parts';
import type { Crate } from './replies-reports';

export function addReportCommands(desk: Desk, pages: Pages): void {
  const { commands, trans, workbench } = desk;

  commands.addCommand(CommandIds.runReport, {
    label: trans.__('Run a report…'),
    caption: trans.__('Choose parameters and run a notebook into a report'),
    icon: reportIcon,
    execute: async args => {
      const reports = workbench.reports.value ?? [];
      const notebook =
        argument(args, 'notebook') ?? (await pickOne(desk, trans.__('Which question?'), reports, one => one.question))?.notebook;
      if (notebook) {
        pages.open('form', notebook);
      }
    }
  });
  commands.addCommand(CommandIds.openRun, {
    label: trans.__('Show a run of a report…'),
    icon: reportIcon,
    isVisible: () => (workbench.runs.value ?? []).length > 0,
    execute: async args => {
      const runs = workbench.runs.value ?? [];
      const run = argument(args, 'run') ?? (await pickOne(desk, trans.__('Which run?'), runs, one => `${one.question} · ${one.run}`))?.run;
      if (run) {
        pages.open('run', run);
      }
    }
  });
  const pickCrate = (): Promise<Crate | undefined> => {
    const crates = (workbench.crates.value ?? []).filter(crate => !crate.problem);
    return pickOne(desk, trans.__('Which crate?'), crates, crate => crate.path);
  };
  const hasCrates = (): boolean => (workbench.crates.value ?? []).some(crate => !crate.problem);
  commands.addCommand(CommandIds.openCrate, {
    label: trans.__('Show a crate and its verdicts…'),
    icon: reportIcon,
    isVisible: hasCrates,
    execute: async args => {
      const path = argument(args, 'path') ?? (await pickCrate())?.path;
      if (path) {
        pages.open('crate', path);
      }
    }
  });
  commands.addCommand(CommandIds.openVerdict, {
    label: trans.__('Compare a crate’s runs…'),
    icon: reportIcon,
    isVisible: () => (workbench.crates.value ?? []).some(crate => (crate.verdicts ?? []).length > 0),
    execute: async args => {
      const path = argument(args, 'path') ?? (await pickCrate())?.path;
      const last = workbench.crates.value?.find(crate => crate.path === path)?.verdicts?.length ?? 0;
      const number = Number(argument(args, 'number') ?? last);
      if (path && number > 0) {
        pages.open('verdict', `${path}:${number}`);
      }
    }
  });
  commands.addCommand(CommandIds.reproduce, {
    label: trans.__('Run a crate again and compare…'),
    caption: trans.__('Ends with a verdict, which is added to the crate'),
    icon: reportIcon,
    isVisible: hasCrates,
    execute: async args => {
      const path = argument(args, 'path') ?? (await pickCrate())?.path;
      if (!path) {
        return;
      }
      try {
        const run = await workbench.api.reports.reproduce(path, args['anyEnvironment'] === true);
        await workbench.change(() => Promise.resolve());
        pages.open('run', run.run);
      } catch (error) {
        await showErrorMessage(trans.__('The crate was not run again'), { message: sentence(error) });
      }
    }
  });
}
