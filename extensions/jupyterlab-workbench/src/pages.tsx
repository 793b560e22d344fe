/** The main-area pages: opened once per dataset or task, restored with the layout. */

import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import * as React from 'react';
import { CommandIds } from './command-ids';
import { DatasetPage } from './dataset-page';
import { datasetIcon, notebookIcon, taskIcon } from './icons';
import { WorkbenchPanel } from './panel';
import type { Desk } from './parts';
import { ReportPage } from './report-page';
import { TaskPage } from './task-page';

type Kind = 'dataset' | 'task' | 'report';

const ICONS = { dataset: datasetIcon, task: taskIcon, report: notebookIcon };

/** A page knows what it shows, so that the layout can be restored from it. */
class Page extends WorkbenchPanel {
  constructor(
    desk: Desk,
    readonly kind: Kind,
    readonly subject: string
  ) {
    super(desk, () => content(desk, kind, subject));
  }
}

function content(desk: Desk, kind: Kind, subject: string): React.JSX.Element {
  switch (kind) {
    case 'dataset':
      return <DatasetPage desk={desk} name={subject} />;
    case 'task':
      return <TaskPage desk={desk} id={subject} />;
    case 'report':
      return <ReportPage desk={desk} subject={subject} />;
  }
}

export class Pages {
  private readonly trackers: Record<Kind, WidgetTracker<MainAreaWidget<Page>>> = {
    dataset: new WidgetTracker<MainAreaWidget<Page>>({ namespace: 'workbench-datasets' }),
    task: new WidgetTracker<MainAreaWidget<Page>>({ namespace: 'workbench-tasks' }),
    report: new WidgetTracker<MainAreaWidget<Page>>({ namespace: 'workbench-reports' })
  };

  constructor(
    private readonly shell: JupyterFrontEnd.IShell,
    private readonly desk: Desk
  ) {}

  open(kind: Kind, subject: string): void {
    const tracker = this.trackers[kind];
    const page = tracker.find(widget => widget.content.subject === subject) ?? this.make(kind, subject);
    if (!page.isAttached) {
      this.shell.add(page, 'main');
    }
    this.shell.activateById(page.id);
  }

  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this.trackers.dataset, {
      command: CommandIds.openDataset,
      args: widget => ({ name: widget.content.subject }),
      name: widget => widget.content.subject
    });
    void restorer.restore(this.trackers.task, {
      command: CommandIds.openTask,
      args: widget => ({ task: widget.content.subject }),
      name: widget => widget.content.subject
    });
    void restorer.restore(this.trackers.report, {
      command: CommandIds.openReport,
      args: widget => {
        const [name = '', version = ''] = widget.content.subject.split('/');
        return { name, version };
      },
      name: widget => widget.content.subject
    });
  }

  private make(kind: Kind, subject: string): MainAreaWidget<Page> {
    const { trans, workbench } = this.desk;
    const page = new MainAreaWidget({ content: new Page(this.desk, kind, subject) });
    page.toolbar.hide();
    page.id = `workbench-${kind}-${subject}`;
    page.title.icon = ICONS[kind];
    page.title.closable = true;
    const name = (): void => {
      const [dataset = ''] = subject.split('/');
      const known = kind === 'task' ? workbench.task(subject) : workbench.dataset(dataset);
      const title = known?.title ?? dataset;
      page.title.label = kind === 'report' ? trans.__('Report: %1', title) : title;
    };
    name();
    // A page that a link or the restored layout opened is there before the titles are known.
    workbench.changed.connect(name);
    page.disposed.connect(() => workbench.changed.disconnect(name));
    void this.trackers[kind].add(page);
    return page;
  }
}
