/** The plugins of the workbench. */

import {
  ILayoutRestorer,
  IRouter,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { IStateDB } from '@jupyterlab/statedb';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import { addCommands, fillPalette } from './commands';
import { IDesk } from './desk';
import { ITKWIDGETS_VERSION, loadItkwidgets } from './itkwidgets';
import { followLinks, welcome } from './links';
import { fillLauncher } from './launcher';
import { announceDecisions, announceRuns, announceScores } from './notices';
import { Pages } from './pages';
import type { Desk } from './parts';
import { Sidebar } from './sidebar';
import { StatusItem } from './statusbar';
import { Workbench } from './workbench';

const desk: JupyterFrontEndPlugin<Desk> = {
  id: 'ai4h-workbench:desk',
  description: 'What the browser knows of the workbench, kept fresh.',
  autoStart: true,
  provides: IDesk,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('ai4h_workbench');
    const workbench = new Workbench();
    void app.started.then(() => {
      workbench.start();
    });
    return { workbench, commands: app.commands, trans };
  }
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'ai4h-workbench:sidebar',
  description: 'The sidebar, the pages it opens and their commands.',
  autoStart: true,
  requires: [IDesk],
  optional: [ILayoutRestorer, ICommandPalette, IRouter, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    desk: Desk,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    router: IRouter | null,
    state: IStateDB | null
  ) => {
    const panel = new Sidebar(desk);
    const pages = new Pages(app.shell, desk);
    addCommands(app, desk, pages, panel.id);
    app.shell.add(panel, 'left', { rank: 50 });
    restorer?.add(panel, panel.id);
    if (restorer) {
      pages.restore(restorer);
    }
    if (palette) {
      fillPalette(palette, desk);
    }
    if (router) {
      followLinks(app, router);
    }
    if (state) {
      void welcome(app, state);
    }
  }
};

const launcher: JupyterFrontEndPlugin<void> = {
  id: 'ai4h-workbench:launcher',
  description: 'Launcher cards.',
  autoStart: true,
  requires: [IDesk],
  // Notebook 7 has none.
  optional: [ILauncher],
  activate: (_: JupyterFrontEnd, desk: Desk, launcher: ILauncher | null) => {
    if (launcher) {
      fillLauncher(launcher, desk);
    }
  }
};

const status: JupyterFrontEndPlugin<void> = {
  id: 'ai4h-workbench:status',
  description: 'Person, purpose and days left in the status bar.',
  autoStart: true,
  requires: [IDesk],
  optional: [IStatusBar],
  activate: (_: JupyterFrontEnd, desk: Desk, bar: IStatusBar | null) => {
    bar?.registerStatusItem('ai4h-workbench:status', { item: new StatusItem(desk), align: 'left', rank: 90 });
  }
};

const notices: JupyterFrontEndPlugin<void> = {
  id: 'ai4h-workbench:notices',
  description: 'Tells when a request was decided, a run ended, a submission was scored.',
  autoStart: true,
  requires: [IDesk],
  activate: (_: JupyterFrontEnd, desk: Desk) => {
    announceDecisions(desk);
    announceRuns(desk);
    announceScores(desk);
  }
};

const itkwidgets: JupyterFrontEndPlugin<void> = {
  id: 'ai4h-workbench:itkwidgets',
  description: 'Shows itkwidgets, which have no extension for JupyterLab of their own.',
  autoStart: true,
  optional: [IJupyterWidgetRegistry],
  activate: (_: JupyterFrontEnd, registry: IJupyterWidgetRegistry | null) => {
    registry?.registerWidget({ name: 'itkwidgets', version: ITKWIDGETS_VERSION, exports: loadItkwidgets });
  }
};

export default [desk, sidebar, launcher, status, notices, itkwidgets];
